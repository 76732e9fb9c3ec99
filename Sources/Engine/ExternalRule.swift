// A CUSTOM rule as the request path reads it.

import CEL

public struct ExternalRule: BitwiseCopyable {
  /// As the door gave it.
  var provider: UInt64
  /// What the question carries.
  var programs: UnsafePointer<UInt32>
  var programCount: Int
  var failureAllows: Bool
  var isCached: Bool
  /// The key's beginning: 32 bytes.
  var keyDigest: DocumentDigest
  /// What the rest of the key is made of.
  var keySlots: UnsafePointer<UInt32>
  var keySlotCount: Int
}

#if !hasFeature(Embedded)
  import CPlatform

  extension ExternalRule {
    /// A key may have so many bytes; a longer one means that nothing is cached.
    static var keyBytesMax: Int { 8 << 10 }
    static var questionBytesMax: Int { 256 << 10 }

    /// The key of the request that the evaluation is about; its length, or 0 where an attribute is an error or too much.
    static func writeKey(
      _ rule: UnsafePointer<ExternalRule>, _ evaluation: Evaluation.Pointer, to base: UnsafeMutablePointer<UInt8>
    ) -> Int {
      var writer = CanonicalWriter(base, capacity: keyBytesMax)
      withUnsafeBytes(of: rule.pointee.keyDigest) { writer.put(raw: $0.baseAddress, $0.count) }
      var index = 0
      while index < rule.pointee.keySlotCount {
        let slot = rule.pointee.keySlots[index]
        let place = evaluation.pointee.slots + Int(slot)
        if place.pointee.kind == .unfetched { evaluation.pointee.fetch(evaluation, slot) }
        writer.put(place.pointee)
        index &+= 1
      }
      return writer.isGood ? writer.count : 0
    }
  }

  extension RequestState {
    /// The key of the request for a CUSTOM rule, by the rule's own number; nil where there is none. For tools; the worker is
    /// entered.
    public static func cacheKey(_ request: UnsafeMutablePointer<RequestState>, _ external: Int) -> [UInt8]? {
      guard let plan = request.pointee.plan, external >= 0, external < Int(plan.pointee.externalCount) else {
        return nil
      }
      let worker = request.pointee.worker
      let rule = plan.pointee.externals + external
      WorkerState.prepare(worker, for: plan)
      guard rule.pointee.isCached, let key = worker.pointee.keyBytes else { return nil }
      WorkerState.aim(worker, at: plan.pointee.policyCode, of: request)
      let size = ExternalRule.writeKey(rule, WorkerState.evaluation(worker), to: key)
      WorkerState.rest(worker)
      return size > 0 ? Array(UnsafeBufferPointer(start: key, count: size)) : nil
    }
  }

  /// What answers can be purged by: an attribute and its value.
  public enum PurgeTag {
    /// Nil for a value that no key can have. A number is as its text, so that an operator can write it.
    public static func make(_ name: String, _ value: Value) -> [UInt8]? {
      switch value.kind {
      case .string: return Array(name.utf8) + [0] + Array(value.asBytes.buffer)
      case .int: return Array(name.utf8) + [0] + Array(String(value.asInt).utf8)
      case .uint: return Array(name.utf8) + [0] + Array(String(value.asUInt).utf8)
      case .bool: return Array(name.utf8) + [0] + Array((value.isTrue ? "true" : "false").utf8)
      default: break
      }
      guard let base = malloc(ExternalRule.keyBytesMax)?.assumingMemoryBound(to: UInt8.self) else { return nil }
      defer { free(base) }
      var writer = CanonicalWriter(base, capacity: ExternalRule.keyBytesMax)
      writer.put(value)
      guard writer.isGood else { return nil }
      return Array(name.utf8) + [0, 0] + Array(UnsafeBufferPointer(start: base, count: writer.count))
    }
  }

  /// A question's values, or why there are none.
  enum QuestionValues {
    case bytes([UInt8])
    case erred(EvaluationError)
    case tooLarge

    static func make(_ rule: UnsafePointer<ExternalRule>, _ evaluation: Evaluation.Pointer) -> QuestionValues {
      guard let base = malloc(ExternalRule.questionBytesMax)?.assumingMemoryBound(to: UInt8.self) else {
        return .tooLarge
      }
      defer { free(base) }
      var writer = CanonicalWriter(base, capacity: ExternalRule.questionBytesMax)
      var index = 0
      while index < rule.pointee.programCount {
        let value = evaluate(rule.pointee.programs[index], evaluation)
        if value.kind == .error { return .erred(value.asError) }
        writer.put(value)
        index &+= 1
      }
      return writer.isGood ? .bytes(Array(UnsafeBufferPointer(start: base, count: writer.count))) : .tooLarge
    }
  }
#endif
