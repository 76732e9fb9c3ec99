// Metrics and backends.

import CPurser
import PurserEngine

@c @implementation
public func purser_metrics_render(
  _ engine: OpaquePointer?, _ backend: purser_text, _ text_out: UnsafeMutablePointer<purser_text>?
) -> purser_status {
  guard let text_out, let backend = backend.string else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = engineState(engine) else { return engineState(engine).status }
  let engine = state.pointee.owner.takeUnretainedValue()
  guard let text = engine.renderMetrics(backend: backend.isEmpty ? nil : backend) else { return PURSER_NOT_FOUND }
  return give(text, to: text_out)
}

@c @implementation
public func purser_backend_address(
  _ engine: OpaquePointer?, _ backend: purser_text, _ address_out: UnsafeMutablePointer<purser_text>?
) -> purser_status {
  guard let address_out, let backend = backend.string else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = engineState(engine) else { return engineState(engine).status }
  guard let address = state.pointee.owner.takeUnretainedValue().address(ofBackend: backend) else {
    return PURSER_NOT_FOUND
  }
  return give(Array(address.utf8), to: address_out)
}

@c @implementation
public func purser_engine_flush(_ engine: OpaquePointer?, _ timeout_ms: UInt32) -> purser_status {
  guard case .good(let state) = engineState(engine) else { return engineState(engine).status }
  let nanoseconds = Int64(timeout_ms) &* 1_000_000
  return state.pointee.owner.takeUnretainedValue().flush(timeoutNanoseconds: nanoseconds)
    ? PURSER_OK : PURSER_UNAVAILABLE
}
