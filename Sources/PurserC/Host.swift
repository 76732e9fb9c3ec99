// What a host's callbacks may call: memory for built values, and the entries of a map.

import CEL
import CPurser
import PurserAttributes

/// The scratch handed to callbacks is the worker's `Evaluation`.
@c @implementation
public func purser_scratch_allocate(_ scratch: OpaquePointer?, _ size: Int) -> UnsafeMutableRawPointer? {
  guard let scratch, size >= 0 else { return nil }
  return UnsafeMutablePointer<Evaluation>(scratch).pointee.arena.allocate(size)
}

@c @implementation
public func purser_visit(
  _ visitor: OpaquePointer?, _ key: purser_text, _ value: UnsafePointer<purser_value>?
) -> purser_status {
  guard let visitor, let value else { return PURSER_INVALID_ARGUMENT }
  return UnsafeMutablePointer<MapVisit>(visitor).pointee.add(key, value.pointee) ? PURSER_OK : PURSER_LIMIT_REACHED
}
