// The check cache of an engine, and stores looked at from outside.

import CEL
import CPlatform
import CPurser
import PurserAttributes
import PurserEngine

#if !hasFeature(Embedded)
  import PurserExternal

  private enum Target {
    case good(PurgeTarget)
    case bad(purser_status)

    static func policy(_ text: purser_text) -> Target {
      guard let name = text.string, !name.isEmpty else { return .bad(PURSER_INVALID_ARGUMENT) }
      return .good(.policy(name.utf8.contains(UInt8(ascii: "/")) ? name : "default/" + name))
    }

    static func attribute(_ text: purser_text, _ value: UnsafePointer<purser_value>?) -> Target {
      guard let name = text.string, let value, let literal = Literal(value.pointee) else {
        return .bad(PURSER_INVALID_ARGUMENT)
      }
      guard let known = Vocabulary.attribute(named: name)?.name ?? (Engine.isDottedName(name) ? name : nil) else {
        return .bad(PURSER_NOT_FOUND)
      }
      let tag = withValue(of: literal) { PurgeTag.make(known, $0) }
      return tag.map { .good(.tag($0)) } ?? .bad(PURSER_INVALID_ARGUMENT)
    }

    private static func withValue<Result>(of literal: Literal, _ body: (Value) -> Result) -> Result {
      switch literal {
      case .null: body(.null)
      case .bool(let value): body(.bool(value))
      case .int(let value): body(.int(value))
      case .uint(let value): body(.uint(value))
      case .double(let value): body(.double(value))
      case .string(let bytes):
        bytes.withUnsafeBufferPointer {
          body(.string(Bytes($0.baseAddress, count: UInt32(truncatingIfNeeded: $0.count))))
        }
      case .bytes(let bytes):
        bytes.withUnsafeBufferPointer {
          body(.bytes(Bytes($0.baseAddress, count: UInt32(truncatingIfNeeded: $0.count))))
        }
      }
    }
  }

  private func purge(_ engine: OpaquePointer?, _ target: Target) -> purser_status {
    guard case .good(let state) = engineState(engine) else { return engineState(engine).status }
    switch target {
    case .bad(let status): return status
    case .good(let target):
      guard let door = state.pointee.owner.takeUnretainedValue().door else { return PURSER_UNAVAILABLE }
      do throws(PolicySet.Refusal) {
        try door.purge(target)
        return PURSER_OK
      } catch {
        return PURSER_UNAVAILABLE
      }
    }
  }

  private func view(_ store: OpaquePointer?) -> StoreView? {
    store.map { Unmanaged<StoreView>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
  }

  private func purge(store: OpaquePointer?, _ target: Target) -> purser_status {
    guard let view = view(store) else { return PURSER_INVALID_ARGUMENT }
    switch target {
    case .bad(let status): return status
    case .good(let target):
      do throws(StoreView.Problem) {
        try view.purge(target)
        return PURSER_OK
      } catch {
        return PURSER_UNAVAILABLE
      }
    }
  }
#endif

@c @implementation
public func purser_cache_purge(_ engine: OpaquePointer?) -> purser_status {
  #if hasFeature(Embedded)
    return engineState(engine).status
  #else
    return purge(engine, .good(.everything))
  #endif
}

@c @implementation
public func purser_cache_purge_policy(_ engine: OpaquePointer?, _ policy: purser_text) -> purser_status {
  #if hasFeature(Embedded)
    return policy.size == 0 ? PURSER_INVALID_ARGUMENT : engineState(engine).status
  #else
    return purge(engine, .policy(policy))
  #endif
}

@c @implementation
public func purser_cache_purge_attribute(
  _ engine: OpaquePointer?, _ attribute: purser_text, _ value: UnsafePointer<purser_value>?
) -> purser_status {
  #if hasFeature(Embedded)
    return value == nil ? PURSER_INVALID_ARGUMENT : engineState(engine).status
  #else
    return purge(engine, .attribute(attribute, value))
  #endif
}

@c @implementation
public func purser_cache_problem(
  _ engine: OpaquePointer?, _ problem_out: UnsafeMutablePointer<purser_text>?
) -> purser_status {
  guard let problem_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = engineState(engine) else { return engineState(engine).status }
  #if hasFeature(Embedded)
    _ = (state, problem_out)
    return PURSER_NOT_FOUND
  #else
    guard let problem = state.pointee.owner.takeUnretainedValue().door?.problem() else { return PURSER_NOT_FOUND }
    return give(Array(problem.utf8), to: problem_out)
  #endif
}

@c @implementation
public func purser_store_open(
  _ directory: purser_text, _ store_out: UnsafeMutablePointer<OpaquePointer?>?,
  _ problem_out: UnsafeMutablePointer<purser_text>?
) -> purser_status {
  guard let store_out, let path = directory.string, !path.isEmpty else { return PURSER_INVALID_ARGUMENT }
  #if hasFeature(Embedded)
    _ = (store_out, path)
    return PURSER_UNAVAILABLE
  #else
    do throws(StoreView.Problem) {
      store_out.pointee = OpaquePointer(Unmanaged.passRetained(try StoreView(directory: path)).toOpaque())
      return PURSER_OK
    } catch {
      if let problem_out { _ = give(Array(error.message.utf8), to: problem_out) }
      return PURSER_UNAVAILABLE
    }
  #endif
}

@c @implementation
public func purser_store_free(_ store: OpaquePointer?) {
  #if !hasFeature(Embedded)
    if let store { Unmanaged<StoreView>.fromOpaque(UnsafeRawPointer(store)).release() }
  #endif
}

@c @implementation
public func purser_store_scan(
  _ store: OpaquePointer?, _ now_ns: Int64, _ verify: UInt32, _ files_out: UnsafeMutablePointer<Int>?
) -> purser_status {
  #if hasFeature(Embedded)
    return PURSER_INVALID_ARGUMENT
  #else
    guard let view = view(store), let files_out else { return PURSER_INVALID_ARGUMENT }
    view.scan(now: now_ns == 0 ? platform_wall_nanoseconds() : now_ns, isVerifying: verify != 0)
    files_out.pointee = view.files.count
    return PURSER_OK
  #endif
}

@c @implementation
public func purser_store_file(
  _ store: OpaquePointer?, _ index: Int, _ summary_out: UnsafeMutablePointer<purser_store_summary>?
) -> purser_status {
  #if hasFeature(Embedded)
    return PURSER_INVALID_ARGUMENT
  #else
    guard let view = view(store), let summary_out,
      summary_out.pointee.size >= MemoryLayout<purser_store_summary>.size, view.files.indices.contains(index),
      view.problems.indices.contains(index)
    else { return PURSER_INVALID_ARGUMENT }
    let file = view.files[index]
    summary_out.pointee.entries = file.entries
    summary_out.pointee.expired = file.expired
    summary_out.pointee.purged = file.purged
    summary_out.pointee.broken = file.broken
    summary_out.pointee.bytes = file.bytes
    summary_out.pointee.bytes_max = file.bytesMax
    summary_out.pointee.oldest_asked_ns = file.oldestAskedAt
    summary_out.pointee.latest_asked_ns = file.latestAskedAt
    summary_out.pointee.problem = purser_text(view.problems[index])
    return PURSER_OK
  #endif
}

@c @implementation
public func purser_store_find(
  _ store: OpaquePointer?, _ request: OpaquePointer?, _ external: Int,
  _ answer_out: UnsafeMutablePointer<purser_store_answer>?
) -> purser_status {
  #if hasFeature(Embedded)
    return PURSER_INVALID_ARGUMENT
  #else
    guard let view = view(store), let answer_out,
      answer_out.pointee.size >= MemoryLayout<purser_store_answer>.size
    else { return PURSER_INVALID_ARGUMENT }
    guard case .good(let state) = requestState(request) else { return requestState(request).status }
    guard WorkerState.enter(state.pointee.worker) else { return PURSER_BUSY }
    let key = state.pointee.stage == .pending ? nil : RequestState.cacheKey(state, external)
    WorkerState.leave(state.pointee.worker)
    guard let key else { return PURSER_WRONG_STATE }
    guard let kept = view.find(key: key) else { return PURSER_NOT_FOUND }
    answer_out.pointee.verdict = kept.allows ? PURSER_VERDICT_ALLOW : PURSER_VERDICT_DENY
    answer_out.pointee.http_status = kept.status
    answer_out.pointee.asked_ns = kept.askedAt
    answer_out.pointee.fresh_until_ns = kept.freshUntil
    answer_out.pointee.stale_until_ns = kept.staleUntil
    answer_out.pointee.is_current = kept.isCurrent ? 1 : 0
    return PURSER_OK
  #endif
}

@c @implementation
public func purser_store_purge(_ store: OpaquePointer?) -> purser_status {
  #if hasFeature(Embedded)
    return PURSER_INVALID_ARGUMENT
  #else
    return purge(store: store, .good(.everything))
  #endif
}

@c @implementation
public func purser_store_purge_policy(_ store: OpaquePointer?, _ policy: purser_text) -> purser_status {
  #if hasFeature(Embedded)
    return PURSER_INVALID_ARGUMENT
  #else
    return purge(store: store, .policy(policy))
  #endif
}

@c @implementation
public func purser_store_purge_attribute(
  _ store: OpaquePointer?, _ attribute: purser_text, _ value: UnsafePointer<purser_value>?
) -> purser_status {
  #if hasFeature(Embedded)
    return PURSER_INVALID_ARGUMENT
  #else
    return purge(store: store, .attribute(attribute, value))
  #endif
}
