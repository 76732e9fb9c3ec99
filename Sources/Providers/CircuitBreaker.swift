// Whether a provider is asked at all.
//
//   closed ── so many failures in a row ──► open ── time ──► one probe ── answered ──► closed
//                                            ▲                  │
//                                            └──── failed ──────┘

public enum CircuitState: Equatable, Sendable {
  case closed
  /// Nobody is asked.
  case open
  /// One question is under way to see.
  case probing
}

struct CircuitBreaker {
  enum Admission: Equatable {
    case asked, probe, refused
  }

  private let settings: CircuitSettings?
  private var failures: UInt32 = 0
  private var openUntil: Int64 = 0
  private(set) var state = CircuitState.closed

  init(_ settings: CircuitSettings?) { self.settings = settings }

  mutating func admit(now: Int64) -> Admission {
    switch state {
    case .closed: return .asked
    case .probing: return .refused
    case .open:
      guard now >= openUntil else { return .refused }
      state = .probing
      return .probe
    }
  }

  mutating func succeeded() {
    failures = 0
    state = .closed
  }

  /// True when this opened it. One that was asked before it opened says nothing new.
  mutating func failed(wasProbe: Bool, now: Int64) -> Bool {
    guard let settings, state == .closed || wasProbe else { return false }
    failures = failures == UInt32.max ? failures : failures &+ 1
    guard wasProbe || failures >= settings.failures else { return false }
    state = .open
    openUntil = now &+ settings.openNanoseconds
    return true
  }

  /// The question ended without telling anything about the provider; the next one is the probe.
  mutating func learntNothing(wasProbe: Bool) {
    if wasProbe, state == .probing { state = .open }
  }
}
