// How a slot of compiled code is filled: from the host, or from other slots.
//
//   request.url_path ──► normalizedPath(first: request.path, second: what the host gives as request.url_path)
//   destination.service.host ──► host(what the host gives, or else second: request.host)
//
// The bindings of a code are its slots in their order, followed by hidden ones that only other bindings read; so
// each attribute of the host is asked for once, whoever needs it.

import CEL
import CPurser

public struct SlotBinding: BitwiseCopyable, Sendable {
  public enum Source: UInt8, BitwiseCopyable, Sendable {
    /// `number`, and `key` for a map's entry. Where the host has no such attribute, slot `second`, if there is one.
    case host
    /// An entrywise map as a whole.
    case hostMap
    /// The normalised path of slot `first` (path and query) or else of slot `second` (path alone).
    case normalizedPath
    /// What follows `?` in slot `first`, or else slot `second`.
    case query
    /// Slot `first` in lower case and without port.
    case hostName
    /// What the engine itself knows, such as `purser.verdict`; see `RequestView.own`.
    case own
    /// `value`, the same for every request.
    case constant
  }

  public var source: Source
  public var type: TypeCode
  public var normalization: PathNormalization
  public var number: UInt32
  public var first: UInt32
  public var second: UInt32
  public var key: Bytes
  public var value = Value.absent

  public init(
    _ source: Source, type: TypeCode, number: UInt32 = 0, first: UInt32 = SlotBinding.none,
    second: UInt32 = SlotBinding.none, key: Bytes = .empty, normalization: PathNormalization = .mergeSlashes
  ) {
    self.source = source
    self.type = type
    self.normalization = normalization
    self.number = number
    self.first = first
    self.second = second
    self.key = key
  }

  /// A slot that nobody asks the host for.
  public init(constant value: Value) {
    self.init(.constant, type: .dyn)
    self.value = value
  }

  /// No slot.
  public static var none: UInt32 { UInt32.max }
}

/// `AttributeType` without its text, for the request path.
public enum TypeCode: UInt8, BitwiseCopyable, Sendable {
  case string, bytes, int, uint, double, bool, timestamp, duration, dyn, stringList, stringMap, dynMap

  public init(_ type: AttributeType) {
    switch type {
    case .string: self = .string
    case .bytes: self = .bytes
    case .int: self = .int
    case .uint: self = .uint
    case .double: self = .double
    case .bool: self = .bool
    case .timestamp: self = .timestamp
    case .duration: self = .duration
    case .dyn: self = .dyn
    case .stringList: self = .stringList
    case .stringMap: self = .stringMap
    case .dynMap: self = .dynMap
    }
  }

  /// The type of a map's entries.
  var entry: TypeCode { self == .stringMap ? .string : .dyn }
}
