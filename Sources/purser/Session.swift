import CPurser

/// An engine with one policy set and one worker: what a host has, for one thread.
final class Session {
  let plan: Plan
  let engine: OpaquePointer
  let vocabulary: Vocabulary
  private let set: OpaquePointer
  private let worker: OpaquePointer
  private let requestMemory: UnsafeMutableRawPointer

  /// Loads the documents. Warnings go to stderr, errors are thrown.
  init(policies paths: [String], store: String? = nil) throws(Failure) {
    let plan: Plan
    do {
      plan = try Plan(paths: paths)
    } catch {
      throw Failure(error.text)
    }
    var engine: OpaquePointer?
    // A proxy may run the same documents on this machine.
    var options = purser_engine_options()
    options.size = MemoryLayout<purser_engine_options>.size
    options.backends_off = 1
    let folder = Array((store ?? "").utf8CString.dropLast())
    try folder.withUnsafeBufferPointer { (bytes) throws(Failure) in
      options.store_directory = purser_text(data: bytes.baseAddress, size: bytes.count)
      try demand(purser_engine_new(&options, &engine), "no engine")
    }
    guard let engine else { throw Failure("error: no engine") }
    var set: OpaquePointer?
    try demand(purser_policy_set_new(engine, purser_text(), &set), "no policy set")
    guard let set else { throw Failure("error: no policy set") }
    var problems: OpaquePointer?
    let status = purser_policy_set_use(set, plan.handle, &problems)
    let list = ProblemList(taking: problems)
    if status != PURSER_OK {
      throw Failure(PlanFailure(status: status, problems: list).text)
    }
    var problem = purser_text()
    if purser_cache_problem(engine, &problem) == PURSER_OK {
      Console.complain("warning: answers are not kept in \(store ?? ""): \(String(taking: &problem))")
    }
    var worker: OpaquePointer?
    try demand(purser_worker_new(engine, &worker), "no worker")
    guard let worker else { throw Failure("error: no worker") }
    self.vocabulary = try Vocabulary(of: plan, in: engine)
    self.plan = plan
    self.engine = engine
    self.set = set
    self.worker = worker
    requestMemory = .allocate(byteCount: max(purser_request_size(), 1), alignment: 16)
  }

  deinit {
    _ = purser_worker_free(worker)
    _ = purser_policy_set_free(set)
    _ = purser_engine_free(engine)
    requestMemory.deallocate()
  }

  /// Begins a request, hands it to `body` and ends it.
  func request<Result>(
    _ values: RequestValues, _ body: (OpaquePointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let request = OpaquePointer(requestMemory)
    var host = RequestValues.host
    try demand(purser_request_begin(request, worker, set, &host, values.context, nil), "the request cannot begin")
    defer {
      _ = purser_request_end(request)
    }
    return try withExtendedLifetime(values) { () throws(Failure) in
      try body(request)
    }
  }

  /// All metrics in Prometheus' text format.
  func metrics() throws(Failure) -> String {
    var text = purser_text()
    try demand(purser_metrics_render(engine, purser_text(), &text), "no metrics")
    return String(taking: &text)
  }
}

/// Turns a status that is not OK into a failure.
func demand(_ status: purser_status, _ what: String) throws(Failure) {
  guard status == PURSER_OK else {
    throw Failure("error: \(what): \(String(cString: purser_status_text(status)))")
  }
}
