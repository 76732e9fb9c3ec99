// The C functions as a host uses them: handles as objects that free themselves, statuses as errors, decisions copied
// out. Everything in these tests goes through here, so the door is tested with what is behind it.

import CPurser

struct Refused: Error, CustomStringConvertible {
  var status: purser_status
  /// `purser_problems_text`.
  var problems: String = ""

  var description: String { String(cString: purser_status_text(status)) + "\n" + problems }
}

func demand(_ status: purser_status) throws(Refused) {
  if status != PURSER_OK { throw Refused(status: status) }
}

/// A document that is not in a file.
struct Inline {
  var name: String
  var text: String

  init(_ text: String, name: String = "policy.yaml") {
    self.name = name
    self.text = text
  }
}

/// What a load is given; pointers into it live as long as it does.
final class LoadOptions {
  private let memory = LentMemory()
  private(set) var raw = purser_load_options()

  init(_ documents: [Inline], paths: [String] = [], served: [String]? = nil, constants: [String: String] = [:]) {
    raw.size = MemoryLayout<purser_load_options>.size
    raw.documents = UnsafePointer(
      memory.array(documents.map { purser_document(name: memory.text($0.name), text: memory.text($0.text)) }))
    raw.documents_count = documents.count
    raw.paths = UnsafePointer(memory.array(paths.map(memory.text)))
    raw.paths_count = paths.count
    if let served {
      raw.attributes_served = UnsafePointer(memory.array(served.map(memory.text)))
      raw.attributes_served_count = served.count
    }
    raw.constants = UnsafePointer(memory.array(constants.map { constant(memory, $0.key, $0.value) }))
    raw.constants_count = constants.count
  }
}

private func constant(_ memory: LentMemory, _ name: String, _ text: String) -> purser_constant {
  var value = purser_value()
  value.type = PURSER_TYPE_STRING.rawValue
  value.as.text = memory.text(text)
  return purser_constant(attribute: memory.text(name), value: value)
}

/// The text of problems, which are freed.
private func taken(_ problems: OpaquePointer?) -> String {
  guard let problems else { return "" }
  defer { purser_problems_free(problems) }
  var text = purser_text()
  return purser_problems_text(problems, &text) == PURSER_OK ? String(text) : ""
}

final class LoadedPlan {
  let handle: OpaquePointer
  /// Warnings as text.
  let warnings: String

  init(_ options: LoadOptions) throws(Refused) {
    var plan: OpaquePointer?
    var problems: OpaquePointer?
    var raw = options.raw
    let status = purser_plan_load(&raw, &plan, &problems)
    let text = taken(problems)
    guard status == PURSER_OK, let plan else { throw Refused(status: status, problems: text) }
    handle = plan
    warnings = text
  }

  convenience init(_ documents: String...) throws(Refused) { try self.init(LoadOptions(documents.map { Inline($0) })) }

  deinit { purser_plan_free(handle) }

  var digest: String {
    var text = purser_text()
    return purser_plan_digest(handle, &text) == PURSER_OK ? String(text) : ""
  }
}

final class TestEngine {
  let handle: OpaquePointer
  private let memory = LentMemory()

  init(served: [String]? = nil, constants: [String: String] = [:]) throws(Refused) {
    var options = purser_engine_options()
    options.size = MemoryLayout<purser_engine_options>.size
    if let served {
      options.attributes_served = UnsafePointer(memory.array(served.map(memory.text)))
      options.attributes_served_count = served.count
    }
    let memory = memory
    options.constants = UnsafePointer(memory.array(constants.map { constant(memory, $0.key, $0.value) }))
    options.constants_count = constants.count
    var engine: OpaquePointer?
    try demand(purser_engine_new(&options, &engine))
    guard let engine else { throw Refused(status: PURSER_UNAVAILABLE) }
    handle = engine
  }

  deinit { _ = purser_engine_free(handle) }

  func number(of custom: String, _ type: String) throws(Refused) -> UInt32 {
    var number: UInt32 = 0
    try demand(purser_engine_attribute(handle, memory.text(custom), memory.text(type), &number))
    return number
  }

  func metrics(_ backend: String = "") throws(Refused) -> String {
    var text = purser_text()
    try demand(purser_metrics_render(handle, memory.text(backend), &text))
    defer { purser_text_free(&text) }
    return String(text)
  }

  func address(of backend: String) throws(Refused) -> String {
    var text = purser_text()
    try demand(purser_backend_address(handle, memory.text(backend), &text))
    defer { purser_text_free(&text) }
    return String(text)
  }

  func flush() throws(Refused) { try demand(purser_engine_flush(handle, 10_000)) }
}

final class TestSet {
  let engine: TestEngine
  let handle: OpaquePointer
  private let memory = LentMemory()

  init(_ engine: TestEngine, _ name: String = "") throws(Refused) {
    var set: OpaquePointer?
    try demand(purser_policy_set_new(engine.handle, memory.text(name), &set))
    guard let set else { throw Refused(status: PURSER_UNAVAILABLE) }
    self.engine = engine
    handle = set
  }

  /// An engine of its own, and a plan.
  convenience init(loading documents: String...) throws(Refused) {
    try self.init(TestEngine())
    try load(documents.map { Inline($0) })
  }

  deinit { _ = purser_policy_set_free(handle) }

  /// The warnings.
  @discardableResult
  func load(_ documents: [Inline]) throws(Refused) -> String { try load(LoadOptions(documents)) }

  @discardableResult
  func load(_ documents: String...) throws(Refused) -> String { try load(documents.map { Inline($0) }) }

  @discardableResult
  func load(_ options: LoadOptions) throws(Refused) -> String {
    var problems: OpaquePointer?
    var raw = options.raw
    let status = purser_policy_set_load(handle, &raw, &problems)
    let text = taken(problems)
    if status != PURSER_OK { throw Refused(status: status, problems: text) }
    return text
  }

  func use(_ plan: LoadedPlan) throws(Refused) {
    var problems: OpaquePointer?
    let status = purser_policy_set_use(handle, plan.handle, &problems)
    let text = taken(problems)
    if status != PURSER_OK { throw Refused(status: status, problems: text) }
  }

  var digest: String? {
    var text = purser_text()
    guard purser_policy_set_digest(handle, &text) == PURSER_OK else { return nil }
    defer { purser_text_free(&text) }
    return String(text)
  }
}

final class TestWorker {
  let engine: TestEngine
  let handle: OpaquePointer

  init(_ engine: TestEngine) throws(Refused) {
    var worker: OpaquePointer?
    try demand(purser_worker_new(engine.handle, &worker))
    guard let worker else { throw Refused(status: PURSER_UNAVAILABLE) }
    self.engine = engine
    handle = worker
  }

  deinit { _ = purser_worker_free(handle) }

  /// Begin, check, copy the decision, end.
  func decide(_ set: TestSet, _ attributes: [String: JSON]) throws -> Found {
    try TestRequest(self, set, HostTable(attributes)).check()
  }
}

final class TestRequest {
  let worker: TestWorker
  let set: TestSet
  let table: HostTable
  let connection: TestRequest?
  let handle: OpaquePointer
  private let memory: UnsafeMutableRawPointer
  private var isOpen = true

  init(
    _ worker: TestWorker, _ set: TestSet, _ table: HostTable, phase: purser_phase = PURSER_PHASE_REQUEST,
    connection: TestRequest? = nil
  ) throws(Refused) {
    memory = .allocate(byteCount: purser_request_size(), alignment: 16)
    self.worker = worker
    self.set = set
    self.table = table
    self.connection = connection
    handle = OpaquePointer(memory)
    var options = purser_request_options()
    options.size = MemoryLayout<purser_request_options>.size
    options.phase = phase
    options.connection = connection?.handle
    var host = HostTable.host
    try demand(purser_request_begin(handle, worker.handle, set.handle, &host, table.context, &options))
  }

  convenience init(_ worker: TestWorker, _ set: TestSet, _ attributes: [String: JSON] = [:]) throws {
    try self.init(worker, set, HostTable(attributes))
  }

  deinit {
    if isOpen { _ = purser_request_end(handle) }
    memory.deallocate()
  }

  @discardableResult
  func check() throws -> Found {
    try demand(purser_check(handle, 0, nil))
    return try Found(of: handle)
  }

  func report(now: Int64 = 0) throws(Refused) { try demand(purser_report(handle, now)) }

  func end() throws(Refused) {
    try demand(purser_request_end(handle))
    isOpen = false
  }
}
