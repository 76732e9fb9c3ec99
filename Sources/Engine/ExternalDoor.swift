// How the engine reaches providers and the check cache, which it does not know: whoever makes an engine brings a door.
//
//   check ──► find(key) ─► answer, or nothing
//     └─────► ask(question) ············► answered(answer), on another thread
//   resume ─► keep(entry) in the worker's tier

#if !hasFeature(Embedded)
  import CEL
  import CPlatform
  import PurserPolicy
  import PurserTelemetry

  /// What a look-up found. Written by `ExternalDoor.find`.
  public struct FoundAnswer: BitwiseCopyable {
    public enum State: UInt8, BitwiseCopyable, Sendable {
      case nothing, fresh
      /// Past its time, but not past `staleIfError`.
      case stale
    }

    public var state = State.nothing
    /// A `ProviderAnswer`; good until the next look-up of the same worker.
    public var bytes = Bytes.empty

    public init() {}
  }

  /// One question to a provider. It holds copies of all that it needs.
  public struct ExternalQuestion: Sendable {
    /// As `ExternalDoor.acquire` gave it.
    public var provider: UInt64
    /// The values of the provider's fields, one after the other, as `CanonicalWriter` writes them.
    public var values: [UInt8]
    /// Empty: the answer is not kept.
    public var key: [UInt8] = []
    public var cache: CachePlan?
    /// An old answer is at hand, for when the provider fails: a newer one ends that, even one that is not kept.
    public var hasOlder = false
    public var policyPath = ""
    /// The keyed attributes that the answer can be purged by, each with its name.
    public var purgeTags: [[UInt8]] = []
    /// Nanoseconds since the Unix epoch.
    public var now: Int64
  }

  public struct ExternalAnswer: Sendable {
    /// Not `none`: the provider could not say.
    public var failure: ExternalFailure
    /// A `ProviderAnswer`; empty after a failure.
    public var bytes: [UInt8]
    /// What the worker's tier keeps of it, for `ExternalDoor.keep`.
    public var entry: (any AnyObject & Sendable)?

    public init(failure: ExternalFailure, bytes: [UInt8] = [], entry: (any AnyObject & Sendable)? = nil) {
      self.failure = failure
      self.bytes = bytes
      self.entry = entry
    }
  }

  /// What kept answers are forgotten.
  public enum PurgeTarget: Sendable {
    case everything
    /// `namespace/name`.
    case policy(String)
    /// As in `ExternalQuestion.purgeTags`.
    case tag([UInt8])
  }

  public struct ExternalDoor: Sendable {
    /// Makes ready for questions to a provider; equal ones may be one. Refusals name what is missing.
    public var acquire: @Sendable (ProviderPlan) throws(PolicySet.Refusal) -> UInt64
    public var release: @Sendable (UInt64) -> Void
    /// Asks, and returns at once. `answered` is called exactly once, on any thread, perhaps before this returns.
    public var ask: @Sendable (ExternalQuestion, _ answered: @escaping @Sendable (ExternalAnswer) -> Void) -> Void
    /// Opens the check cache, if it is not open yet: before `makeCache`, and on no request's path.
    public var openCache: @Sendable () -> Void
    /// A worker's tier of the check cache; nil without memory or where nothing is cached.
    public var makeCache: @Sendable () -> UnsafeMutableRawPointer?
    public var freeCache: @Sendable (UnsafeMutableRawPointer) -> Void
    /// The last argument points to a `FoundAnswer`. On the request path: no lock, no allocation.
    public var find:
      @convention(c) (
        _ cache: UnsafeMutableRawPointer, _ key: UnsafeRawPointer, _ count: Int, _ now: Int64,
        _ found: UnsafeMutableRawPointer
      ) -> Void
    /// Keeps an entry in a worker's tier; by the worker's thread.
    public var keep: @Sendable (UnsafeMutableRawPointer, any AnyObject & Sendable) -> Void
    /// Whether this is the thread on which providers' answers come: it must not wait for one.
    public var isOwnThread: @Sendable () -> Bool
    /// What providers and the cache count.
    public var snapshots: @Sendable () -> [InstrumentSnapshot]
    /// Why answers are not kept in the folder that was given; nil if all is well.
    public var problem: @Sendable () -> String?
    /// Forgets kept answers, in every process that shares them.
    public var purge: @Sendable (PurgeTarget) throws(PolicySet.Refusal) -> Void
    /// Nothing is asked afterwards; all that was asked is answered, by failures at the worst, before it returns.
    public var close: @Sendable () -> Void

    public init(
      acquire: @escaping @Sendable (ProviderPlan) throws(PolicySet.Refusal) -> UInt64,
      release: @escaping @Sendable (UInt64) -> Void,
      ask: @escaping @Sendable (ExternalQuestion, @escaping @Sendable (ExternalAnswer) -> Void) -> Void,
      openCache: @escaping @Sendable () -> Void,
      makeCache: @escaping @Sendable () -> UnsafeMutableRawPointer?,
      freeCache: @escaping @Sendable (UnsafeMutableRawPointer) -> Void,
      find:
        @escaping @convention(c) (
          UnsafeMutableRawPointer, UnsafeRawPointer, Int, Int64, UnsafeMutableRawPointer
        ) -> Void,
      keep: @escaping @Sendable (UnsafeMutableRawPointer, any AnyObject & Sendable) -> Void,
      isOwnThread: @escaping @Sendable () -> Bool,
      snapshots: @escaping @Sendable () -> [InstrumentSnapshot],
      problem: @escaping @Sendable () -> String?,
      purge: @escaping @Sendable (PurgeTarget) throws(PolicySet.Refusal) -> Void,
      close: @escaping @Sendable () -> Void
    ) {
      self.acquire = acquire
      self.release = release
      self.ask = ask
      self.openCache = openCache
      self.makeCache = makeCache
      self.freeCache = freeCache
      self.find = find
      self.keep = keep
      self.isOwnThread = isOwnThread
      self.snapshots = snapshots
      self.problem = problem
      self.purge = purge
      self.close = close
    }
  }
#endif
