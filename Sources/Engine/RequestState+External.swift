// CUSTOM rules: their providers' answers, from the cache or asked for.
//
//   check    every rule that holds and may still matter is looked up; where nothing is left to ask, that decides
//            else all of them are asked at once, and the check is pending
//   resume   the answers decide
//
// The first rule in work order whose provider does not allow is the reason. So one after a known denial is not asked, and one
// before it is: an answer from the cache decides as the provider itself would have.

#if !hasFeature(Embedded)
  import CEL
  import CPlatform
  import CPurser
  import PurserAttributes
  import PurserPolicy
  import PurserTelemetry

  extension RequestState {
    /// The rest of a check after deciding, with the worker's slots as they are then.
    @inline(never)
    static func checkExternally(
      _ request: UnsafeMutablePointer<RequestState>, _ plan: UnsafePointer<PlanImage>,
      _ worker: UnsafeMutablePointer<WorkerState>, now: Int64, pending: UnsafePointer<purser_pending>?
    ) -> purser_status {
      request.pointee.isExternal = true
      request.pointee.held.reset()
      request.pointee.pending = nil
      request.pointee.isCached = false
      request.pointee.shadowDenial = Decision.noRule
      let isPending = consult(request, plan, worker, now: now, pending: pending)
      WorkerState.rest(worker)
      if isPending { Shard.count(worker.pointee.shard, .checksPending) }
      request.pointee.stage = isPending ? .pending : .checked
      WorkerState.leave(worker)
      return isPending ? PURSER_PENDING : PURSER_OK
    }

    /// True when the check is pending now.
    private static func consult(
      _ request: UnsafeMutablePointer<RequestState>, _ plan: UnsafePointer<PlanImage>,
      _ worker: UnsafeMutablePointer<WorkerState>, now: Int64, pending: UnsafePointer<purser_pending>?
    ) -> Bool {
      let now = now == 0 && plan.pointee.hasCaches ? platform_wall_nanoseconds() : now
      var unknownCount = 0
      var index: UInt32 = 0
      let count = request.pointee.decision.asked.count
      while index < count, request.pointee.decision.allows, let rule = request.pointee.decision.asked.item(index) {
        guard let item = HeldAnswers.add(HeldAnswer(rule: rule), to: held(request)) else { break }
        lookUp(item, keeps: true, request, plan, worker, now)
        if item.pointee.state == .unknown { unknownCount &+= 1 }
        if item.pointee.state == .denies { break }
        index &+= 1
      }
      if request.pointee.decision.shadowAsked.count > 0 { consultShadow(request, plan, worker, now) }
      if unknownCount > 0 {
        if let pending, ask(request, plan, worker, now, unknownCount, pending.pointee) { return true }
        refuseToWait(request)
      }
      conclude(request, plan)
      return false
    }

    @inline(__always)
    private static func held(_ request: UnsafeMutablePointer<RequestState>) -> UnsafeMutablePointer<HeldAnswers> {
      withUnsafeMutablePointer(to: &request.pointee.held) { $0 }
    }

    /// Of the rules that hold, in work order; nil past the last.
    @inline(__always)
    static func answer(
      _ index: UInt32, of request: UnsafeMutablePointer<RequestState>
    ) -> UnsafeMutablePointer<HeldAnswer>? {
      HeldAnswers.item(index, of: held(request))
    }

    /// Fills in what the cache has; the verdict alone unless the request `keeps` the rest.
    private static func lookUp(
      _ item: UnsafeMutablePointer<HeldAnswer>, keeps: Bool, _ request: UnsafeMutablePointer<RequestState>,
      _ plan: UnsafePointer<PlanImage>,
      _ worker: UnsafeMutablePointer<WorkerState>, _ now: Int64
    ) {
      guard let external = external(of: item.pointee.rule, plan), external.pointee.isCached,
        let cache = worker.pointee.cache,
        let key = worker.pointee.keyBytes, let find = plan.pointee.findAnswer
      else { return }
      let size = ExternalRule.writeKey(external, WorkerState.evaluation(worker), to: key)
      guard size > 0 else {
        Shard.count(worker.pointee.shard, .cacheKeysUnusable)
        return
      }
      var found = FoundAnswer()
      find(cache, key, size, now, &found)
      guard found.state != .nothing, let answer = ProviderAnswer(found.bytes) else {
        Shard.count(worker.pointee.shard, .cacheMisses)
        return
      }
      if keeps, !answer.isPlain {
        guard let kept = HeldAnswers.keep(found.bytes, in: held(request)) else { return }
        item.pointee.bytes = kept
      }
      item.pointee.status = answer.status
      let state: HeldAnswer.State = answer.allows ? .allows : .denies
      if found.state == .fresh {
        Shard.count(worker.pointee.shard, .cacheHits)
        item.pointee.state = state
        item.pointee.isCached = true
      } else {
        Shard.count(worker.pointee.shard, .cacheMisses)
        item.pointee.stale = state
      }
    }

    /// Looks up what only the shadow verdict asks for, until one denies. It takes what is at hand.
    private static func consultShadow(
      _ request: UnsafeMutablePointer<RequestState>, _ plan: UnsafePointer<PlanImage>,
      _ worker: UnsafeMutablePointer<WorkerState>, _ now: Int64
    ) {
      guard request.pointee.decision.shadowAllows else { return }
      var index: UInt32 = 0
      while let rule = request.pointee.decision.shadowAsked.item(index) {
        index &+= 1
        // Its enforced answer will be known in the end.
        if heldAnswer(of: rule, request) != nil { continue }
        var item = HeldAnswer(rule: rule)
        lookUp(&item, keeps: false, request, plan, worker, now)
        if item.state == .unknown {
          Shard.count(worker.pointee.shard, .shadowUnanswered)
        } else if item.state == .denies {
          request.pointee.shadowDenial = rule
          return
        }
      }
    }

    private static func heldAnswer(
      of rule: UInt32, _ request: UnsafeMutablePointer<RequestState>
    ) -> UnsafeMutablePointer<HeldAnswer>? {
      var index: UInt32 = 0
      while let item = answer(index, of: request) {
        if item.pointee.rule == rule { return item }
        index &+= 1
      }
      return nil
    }

    private static func denyInShadow(
      _ rule: UInt32, _ request: UnsafeMutablePointer<RequestState>, _ plan: UnsafePointer<PlanImage>
    ) {
      request.pointee.decision.shadowAllows = false
      request.pointee.decision.shadowRules.removeAll()
      let policy = plan.pointee.policy.rules[Int(rule)].policy
      if plan.pointee.policy.isSetShadow || plan.pointee.policy.policies[Int(policy)].isShadow {
        request.pointee.decision.shadowRules.append(rule)
      }
    }

    private static func external(
      of rule: UInt32, _ plan: UnsafePointer<PlanImage>
    ) -> UnsafePointer<ExternalRule>? {
      guard rule < plan.pointee.policy.ruleCount else { return nil }
      let number = plan.pointee.policy.rules[Int(rule)].external
      return number < plan.pointee.externalCount ? plan.pointee.externals + Int(number) : nil
    }
  }

  // Asking, and what comes of it.
  extension RequestState {
    /// Asks for all that is not known; false when nothing could be asked.
    @inline(never)
    private static func ask(
      _ request: UnsafeMutablePointer<RequestState>, _ plan: UnsafePointer<PlanImage>,
      _ worker: UnsafeMutablePointer<WorkerState>, _ now: Int64, _ unknownCount: Int, _ told: purser_pending
    ) -> Bool {
      let bound = plan.pointee.owner.takeUnretainedValue()
      guard let door = bound.door else { return false }
      var questions: [ExternalQuestion] = []
      var index: UInt32 = 0
      let askedAt = now == 0 ? platform_wall_nanoseconds() : now
      while let item = answer(index, of: request) {
        index &+= 1
        guard item.pointee.state == .unknown, let external = external(of: item.pointee.rule, plan) else { continue }
        switch QuestionValues.make(external, WorkerState.evaluation(worker)) {
        case .bytes(let values):
          questions.append(
            question(
              values, external, item.pointee.rule, hasOlder: item.pointee.stale != .unknown, bound, worker,
              now: askedAt))
        case .erred(let error):
          item.pointee.state = .erred
          item.pointee.error = error
        case .tooLarge:
          item.pointee.state = .failed
          item.pointee.failure = .questionTooLarge
        }
        // A denial for certain: what comes after it is not asked.
        if item.pointee.state != .unknown { HeldAnswers.drop(from: index, of: held(request)) }
      }
      // Where nothing is left to ask, what was found decides now.
      guard !questions.isEmpty, let check = PendingCheck(count: questions.count, telling: told) else { return false }
      request.pointee.pending = Unmanaged.passRetained(check)
      for (number, question) in questions.enumerated() {
        door.ask(question) { check.answered(number, $0) }
      }
      check.answered(nil, nil)
      return true
    }

    private static func question(
      _ values: [UInt8], _ external: UnsafePointer<ExternalRule>, _ rule: UInt32, hasOlder: Bool, _ bound: BoundPlan,
      _ worker: UnsafeMutablePointer<WorkerState>, now: Int64
    ) -> ExternalQuestion {
      var question = ExternalQuestion(provider: external.pointee.provider, values: values, now: now)
      let number = Int(bound.image.pointee.policy.rules[Int(rule)].external)
      guard bound.plan.externalRules.indices.contains(number) else { return question }
      let plan = bound.plan.externalRules[number]
      question.policyPath = plan.policyPath
      guard let cache = plan.cache, let key = worker.pointee.keyBytes else { return question }
      let size = ExternalRule.writeKey(external, WorkerState.evaluation(worker), to: key)
      guard size > 0 else { return question }
      question.key = Array(UnsafeBufferPointer(start: key, count: size))
      question.cache = cache
      question.hasOlder = hasOlder
      for place in cache.purgeBy where cache.slots.indices.contains(place) && cache.names.indices.contains(place) {
        let value = RequestView.value(cache.slots[place], WorkerState.evaluation(worker))
        if let tag = PurgeTag.make(cache.names[place], value) { question.purgeTags.append(tag) }
      }
      return question
    }

    /// What is still unknown is decided without asking: by an old answer, or as `failureMode` says.
    private static func refuseToWait(_ request: UnsafeMutablePointer<RequestState>) {
      var index: UInt32 = 0
      while let item = answer(index, of: request) {
        index &+= 1
        if item.pointee.state == .unknown { fail(item, .notAsked, request.pointee.worker.pointee.shard) }
      }
    }

    private static func fail(
      _ item: UnsafeMutablePointer<HeldAnswer>, _ failure: ExternalFailure, _ shard: UnsafeMutablePointer<Shard>
    ) {
      Shard.count(shard, .providerFailures)
      item.pointee.failure = failure
      item.pointee.state = .failed
      if item.pointee.stale != .unknown, failure != .questionTooLarge {
        item.pointee.state = item.pointee.stale
        item.pointee.isCached = true
        Shard.count(shard, .cacheStaleHits)
      } else {
        item.pointee.bytes = .empty
      }
    }

    /// Takes the answers; false while they are missing. The worker is entered and the request pending.
    @inline(never)
    public static func resume(_ request: UnsafeMutablePointer<RequestState>) -> Bool {
      guard let plan = request.pointee.plan, let pending = request.pointee.pending else { return true }
      let check = pending.takeUnretainedValue()
      guard let answers = check.take() else { return false }
      let worker = request.pointee.worker
      let door = plan.pointee.owner.takeUnretainedValue().door
      var index: UInt32 = 0
      var number = 0
      while let item = answer(index, of: request) {
        index &+= 1
        guard item.pointee.state == .unknown, answers.indices.contains(number) else { continue }
        let answer = answers[number]
        number &+= 1
        take(answer, item, request, worker.pointee.shard)
        if let entry = answer.entry, let cache = worker.pointee.cache { door?.keep(cache, entry) }
      }
      forgetPending(request)
      conclude(request, plan)
      return true
    }

    private static func take(
      _ answer: ExternalAnswer, _ item: UnsafeMutablePointer<HeldAnswer>,
      _ request: UnsafeMutablePointer<RequestState>, _ shard: UnsafeMutablePointer<Shard>
    ) {
      guard answer.failure == .none else { return fail(item, answer.failure, shard) }
      let isRead = answer.bytes.withUnsafeBufferPointer { buffer -> Bool in
        let bytes = Bytes(buffer.baseAddress, count: UInt32(truncatingIfNeeded: buffer.count))
        guard let read = ProviderAnswer(bytes) else { return false }
        item.pointee.state = read.allows ? .allows : .denies
        item.pointee.status = read.status
        item.pointee.bytes = .empty
        if read.isPlain { return true }
        guard let kept = HeldAnswers.keep(bytes, in: held(request)) else { return false }
        item.pointee.bytes = kept
        return true
      }
      if !isRead { fail(item, .unusableAnswer, shard) }
    }

    /// The host does not wait any longer: the request is denied.
    @inline(never)
    public static func cancel(_ request: UnsafeMutablePointer<RequestState>) {
      guard let pending = request.pointee.pending else { return }
      pending.takeUnretainedValue().cancel()
      forgetPending(request)
      var index: UInt32 = 0
      while let item = answer(index, of: request) {
        index &+= 1
        guard item.pointee.state == .unknown else { continue }
        item.pointee.state = .failed
        item.pointee.failure = .cancelled
        item.pointee.bytes = .empty
      }
      guard let plan = request.pointee.plan else { return }
      conclude(request, plan, allowsFailures: false)
    }

    /// What a request held beside its own memory is given back.
    @inline(never)
    static func releaseExternal(_ request: UnsafeMutablePointer<RequestState>) {
      if request.pointee.pending != nil || request.pointee.held.hasBlocks { releaseHeld(request) }
    }

    @inline(never)
    private static func releaseHeld(_ request: UnsafeMutablePointer<RequestState>) {
      if let pending = request.pointee.pending {
        pending.takeUnretainedValue().cancel()
        forgetPending(request)
      }
      request.pointee.held.freeBlocks()
    }

    private static func forgetPending(_ request: UnsafeMutablePointer<RequestState>) {
      request.pointee.pending?.release()
      request.pointee.pending = nil
    }

    /// From answers to the decision, and its counters.
    private static func conclude(
      _ request: UnsafeMutablePointer<RequestState>, _ plan: UnsafePointer<PlanImage>, allowsFailures: Bool = true
    ) {
      let isCached = settle(request, plan, allowsFailures)
      request.pointee.isCached = isCached
      settleShadow(request, plan, allowsFailures)
      tally(request)
    }

    /// Whether all that providers had to say came from the cache.
    private static func settle(
      _ request: UnsafeMutablePointer<RequestState>, _ plan: UnsafePointer<PlanImage>, _ allowsFailures: Bool
    ) -> Bool {
      var isCached = request.pointee.held.count > 0
      var index: UInt32 = 0
      while let item = answer(index, of: request) {
        index &+= 1
        isCached = isCached && item.pointee.isCached
        if passes(item, plan, allowsFailures) { continue }
        let rule = item.pointee.rule
        switch item.pointee.state {
        case .allows, .denies: deny(request, .rule, rule)
        case .erred:
          deny(request, .ruleError, rule)
          request.pointee.decision.error = RuleError(rule: rule, isOfMatch: false, error: item.pointee.error)
          request.pointee.decision.errors.append(request.pointee.decision.error)
        case .failed, .unknown: deny(request, .providerFailure, rule)
        }
        return isCached
      }
      return isCached
    }

    @inline(__always)
    private static func passes(
      _ item: UnsafeMutablePointer<HeldAnswer>, _ plan: UnsafePointer<PlanImage>, _ allowsFailures: Bool
    ) -> Bool {
      item.pointee.state == .allows || failurePasses(item, plan, allowsFailures)
    }

    @inline(never)
    private static func failurePasses(
      _ item: UnsafeMutablePointer<HeldAnswer>, _ plan: UnsafePointer<PlanImage>, _ allowsFailures: Bool
    ) -> Bool {
      guard item.pointee.state == .failed || item.pointee.state == .unknown else { return false }
      // A question that cannot be sent is the client's doing, not the provider's.
      guard allowsFailures, item.pointee.failure != .questionTooLarge else { return false }
      return external(of: item.pointee.rule, plan)?.pointee.failureAllows == true
    }

    private static func deny(_ request: UnsafeMutablePointer<RequestState>, _ kind: ReasonKind, _ rule: UInt32) {
      request.pointee.decision.allows = false
      request.pointee.decision.kind = kind
      request.pointee.decision.rule = rule
    }

    private static func settleShadow(
      _ request: UnsafeMutablePointer<RequestState>, _ plan: UnsafePointer<PlanImage>, _ allowsFailures: Bool
    ) {
      guard request.pointee.decision.hasShadow else { return }
      var index: UInt32 = 0
      while request.pointee.decision.shadowAllows, let rule = request.pointee.decision.shadowAsked.item(index) {
        index &+= 1
        let isDenied = heldAnswer(of: rule, request).map { !passes($0, plan, allowsFailures) } ?? false
        if isDenied || rule == request.pointee.shadowDenial { denyInShadow(rule, request, plan) }
      }
      if request.pointee.decision.shadowAllows == request.pointee.decision.allows {
        request.pointee.decision.shadowRules.removeAll()
      }
    }

    /// All that providers had to say came from the check cache.
    public static func isCached(_ request: UnsafeMutablePointer<RequestState>) -> Bool {
      request.pointee.isExternal && request.pointee.isCached
    }

    /// The held answer of the rule that denies, for what the client is told.
    public static func denial(_ request: UnsafeMutablePointer<RequestState>) -> HeldAnswer? {
      guard request.pointee.isExternal, !request.pointee.decision.allows else { return nil }
      var index: UInt32 = 0
      while let item = answer(index, of: request) {
        if item.pointee.rule == request.pointee.decision.rule, item.pointee.state != .allows { return item.pointee }
        index &+= 1
      }
      return nil
    }
  }
#endif
