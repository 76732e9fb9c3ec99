// Providers, the questions that they are asked, and the keys under which answers are kept.
//
// A key is made of what an answer can depend on, and of nothing else:
//
//   digest   the rule with its times, its provider, what of the set both may mean (lists, constants, custom attributes, how paths are
//            normalised)
//   slots    the attributes and entries that the rule's condition, the provider's question and `varyBy` read
//
// They come out of the compiled programs, so none can be forgotten.

#if !hasFeature(Embedded)
  import CEL
  import PurserAttributes
  import PurserEngine
  import PurserPolicy

  struct ExternalParts {
    private let documents: [ProviderDocument]
    private let environment: Environment
    /// What of everything that is compiled against counts for every key.
    private let surroundings: [UInt8]
    private let lifetimeMax: Int64
    private let compiler: ExpressionCompiler
    private(set) var providers: [ProviderPlan] = []
    private(set) var rules: [ExternalRulePlan] = []
    /// Parallel to `providers`.
    private var questions: [Question] = []

    /// What a question reads.
    private struct Question {
      var slots: [SlotDefinition] = []
      var digest: [UInt8] = []
    }

    static let lifetimeUsual: Int64 = 600_000_000_000

    init(
      documents: DocumentSet, environment: Environment, digest: DocumentDigest, binder: SlotBinder, regex: RegexLibrary?
    ) {
      self.documents = documents.providers
      self.environment = environment
      var surroundings = DigestText()
      withUnsafeBytes(of: digest) { surroundings.put(Array($0)) }
      surroundings.put((documents.policySet?.pathNormalization ?? .mergeSlashes).rawValue)
      // All lists: which of them a program searches is folded into it.
      for list in documents.providers.isEmpty ? [] : documents.valueLists {
        surroundings.put(list.identity.name)
        surroundings.put(list.type.rawValue)
        surroundings.put(UInt64(list.values.count))
        for value in list.values { surroundings.put(value.text) }
      }
      self.surroundings = withUnsafeBytes(of: Digest.of(surroundings.bytes)) { Array($0) }
      lifetimeMax = documents.policySet?.cacheLifetimeMax ?? ExternalParts.lifetimeUsual
      compiler = ExpressionCompiler(environment: environment, binder: binder, builder: CodeBuilder(regex: regex))
    }

    /// Attributes that questions read, and where.
    var needs: [(attribute: UInt32, position: Position)] { compiler.needs }

    // MARK: Providers

    mutating func compileProviders(_ problems: inout Problems, _ problem: (ProviderPlan) -> String?) {
      for document in documents {
        let errorsBefore = problems.errorCount
        var question = Question()
        var text = DigestText()
        text.put(document.identity.path)
        var fields: [ProviderField] = []
        var programs: [UInt32] = []
        func add(_ target: ProviderField.Target, _ source: ExpressionSource, _ type: TypeID?) {
          guard let program = compile(source, type, &question, &problems) else { return }
          fields.append(ProviderField(target))
          programs.append(program)
          text.put(target.name)
          text.put(source.bytes)
        }
        var service = ProviderService.opa
        var result: ResultPrograms?
        switch document.service {
        case .extAuthzGRPC(let authority, let attributes, let headers, let extensions):
          service = .extAuthzGRPC(authority: authority)
          for name in attributes {
            guard ProviderField.grpcAttributes.contains(name.text) else {
              problems.error(at: name.position, ExternalParts.noPlace(for: name.text))
              continue
            }
            add(.attribute(name.text), ExternalParts.optional(name), nil)
          }
          for name in headers { add(.header(name.text), ExternalParts.header(name), nil) }
          for item in extensions { add(.contextExtension(item.name), item.expression, .string) }
        case .extAuthzHTTP(let sendsQuery, let headers, let upstreamHeaders, let clientHeaders):
          service = .extAuthzHTTP(upstreamHeaders: upstreamHeaders, clientHeaders: clientHeaders)
          text.put(upstreamHeaders.joined(separator: ","))
          text.put(clientHeaders.joined(separator: ","))
          for name in ["request.method", sendsQuery ? "request.path" : "request.url_path"] {
            let written = WrittenText(text: name, position: document.position)
            add(.attribute(name), ExternalParts.optional(written), nil)
          }
          for name in headers { add(.header(name.text), ExternalParts.header(name), nil) }
        case .opa(let input, let decision, let status, let body):
          for item in input { add(.input(item.name), item.expression, nil) }
          result = self.result(decision, status, body, &problems)
          for source in [decision, status, body] { text.put(source?.bytes ?? []) }
        }
        text.put(service.name)
        let endpoint = document.endpoint
        for part in [
          endpoint.url, endpoint.unixPath, endpoint.authorityFile, endpoint.certificateFile, endpoint.keyFile,
          endpoint.serverName,
        ] { text.put(part ?? "") }
        question.digest = text.bytes
        questions.append(question)
        let plan = ProviderPlan(
          path: document.identity.path, service: service, endpoint: document.endpoint, limits: document.limits,
          fields: fields, programs: programs, failureAllows: document.failureAllows, result: result)
        // What could not be compiled is missing from it, and has been said.
        if problems.errorCount == errorsBefore, let said = problem(plan) { problems.error(at: document.position, said) }
        providers.append(plan)
      }
    }

    private func compile(
      _ source: ExpressionSource, _ type: TypeID?, _ question: inout Question, _ problems: inout Problems
    ) -> UInt32? {
      let purpose = ExpressionCompiler.Purpose(
        phase: .request, subject: "the question is asked", type: type, warnsOfUnguardedReads: true)
      let program = compiler.compile(source, for: purpose, &problems)
      if program != nil { question.slots += compiler.slots(of: source) }
      return program
    }

    /// `attribute`, or nothing where it is absent.
    private static func optional(_ name: WrittenText) -> ExpressionSource {
      let text = "has(\(name.text)) ? optional.of(\(name.text)) : optional.none()"
      return ExpressionSource(bytes: Array(text.utf8), at: name.position)
    }

    private static func header(_ name: WrittenText) -> ExpressionSource {
      ExpressionSource(bytes: Array("request.headers[?\"\(name.text)\"]".utf8), at: name.position)
    }

    private static func noPlace(for name: String) -> String {
      let hint = suggestion(for: name, among: ProviderField.grpcAttributes)
      return "`\(name)` has no place in Envoy's CheckRequest"
        + (hint.isEmpty ? "; send it by `contextExtensions`" : hint)
    }

    /// Programs over `result`.
    private func result(
      _ decision: ExpressionSource?, _ status: ExpressionSource?, _ body: ExpressionSource?, _ problems: inout Problems
    ) -> ResultPrograms? {
      var environment = Environment()
      for library in Extension.allCases where library != .block && library != .regex { environment.enable(library) }
      environment.declare(Variable(name: "result", type: .dyn, id: 0))
      let compiler = ExpressionCompiler(
        environment: environment, binder: compiler.binder, builder: CodeBuilder(regex: nil))
      func program(_ source: ExpressionSource?, _ type: TypeID) -> UInt32? {
        let purpose = ExpressionCompiler.Purpose(
          phase: .request, subject: "the answer is read", type: type, warnsOfUnguardedReads: false)
        return source.flatMap { compiler.compile($0, for: purpose, &problems) }
      }
      let programs = (program(decision, .bool), program(status, .int), program(body, .string))
      guard let decides = programs.0 else { return nil }
      return ResultPrograms(
        code: compiler.builder.finish(), variable: 0, decision: decides, status: programs.1, body: programs.2)
    }

    // MARK: Rules

    /// The number of a rule's plan; none where `problems` says why not.
    mutating func add(
      _ rule: ExternalDraft, of unit: PolicyUnit, _ origin: DocumentOrigin, _ problems: inout Problems
    ) -> UInt32 {
      guard let number = documents.indices.first(where: { documents[$0].identity.path == rule.provider }) else {
        let name = rule.provider.split(separator: "/").last.map { String($0) } ?? rule.provider
        let hint = suggestion(for: name, among: documents.map { $0.identity.name })
        problems.error(at: origin.position(of: rule.providerPlace), "there is no Provider `\(rule.provider)`\(hint)")
        return RuleRecord.noExternal
      }
      let policyPath = unit.path.text
      var plan = ExternalRulePlan(provider: number, policyPath: policyPath, cache: nil)
      if let cache = rule.cache {
        // A Shadow policy asks nobody: it is to find what the policy that it stands in for was told.
        let keeper = unit.replaces?.path.text ?? policyPath
        plan.cache = self.cache(cache, of: rule, path: keeper + "/" + rule.name, provider: number, origin, &problems)
      }
      rules.append(plan)
      return UInt32(truncatingIfNeeded: rules.count &- 1)
    }

    private func cache(
      _ cache: CacheDraft, of rule: ExternalDraft, path: String, provider: Int, _ origin: DocumentOrigin,
      _ problems: inout Problems
    ) -> CachePlan? {
      let position = origin.position(of: cache.place)
      let longest = max(cache.ttl, cache.denyTTL)
      if longest > lifetimeMax || cache.staleFor > lifetimeMax &- longest {
        problems.error(
          at: position,
          "answers would be kept for more than \(lifetimeMax / 1_000_000_000)s, `staleIfError` included; `cacheLifetimeMax` of the PolicySet permits more"
        )
      }
      guard questions.indices.contains(provider) else { return nil }
      let question = questions[provider]
      let inRule = refuseUnsteady(rule.slots, in: "the rule's condition", at: position, &problems)
      let inQuestion = refuseUnsteady(question.slots, in: "the provider's question", at: position, &problems)
      var definitions: [SlotDefinition] = []
      var varied: [SlotDefinition] = []
      for name in cache.varyBy {
        let source = ExternalParts.optional(
          WrittenText(text: name.text, position: origin.position(of: name.place)))
        let purpose = ExpressionCompiler.Purpose(
          phase: .request, subject: "the question is asked", type: nil, warnsOfUnguardedReads: false)
        guard compiler.compile(source, for: purpose, &problems) != nil else { continue }
        let slots = compiler.slots(of: source)
        _ = refuseUnsteady(slots, in: "`varyBy`", at: origin.position(of: name.place), &problems)
        varied += slots
      }
      for definition in inRule + inQuestion + varied {
        if definition.variable < ListVariable.first, !definitions.contains(definition) {
          definitions.append(definition)
        }
      }
      // One order, whatever the order in which they are read.
      let named = definitions.map { (name: compiler.binder.name(of: $0), definition: $0) }
        .ordered { bytesPrecede($0.name, $1.name) }
      var purgeBy: [Int] = []
      for name in cache.purgeBy {
        let wanted = Vocabulary.attribute(named: name.text)?.name ?? name.text
        if let place = named.indices.first(where: { named[$0].name == wanted }) {
          if purgeBy.contains(place) { continue }
          guard purgeBy.count < CachePlan.purgeByMax else {
            problems.error(
              at: origin.position(of: name.place),
              "answers can be purged by at most \(CachePlan.purgeByMax) attributes")
            continue
          }
          purgeBy.append(place)
        } else {
          problems.error(
            at: origin.position(of: name.place),
            "`\(name.text)` is not part of the key, so answers cannot be told apart by it; add it to `varyBy`")
        }
      }
      for name in cache.headers where name == "set-cookie" {
        problems.error(at: position, "`\(name)` is never kept, and never made where answers are")
      }
      let unmade = providers[provider].service.headersMade.filter { !cache.headers.contains($0.lowercased()) }
      if !unmade.isEmpty {
        let names = unmade.map { "`\($0)`" }.joined(separator: ", ")
        problems.warn(
          at: position,
          "of an answer only those header changes are made that `headers` of `cache` names, so not \(names) of provider `\(providers[provider].path)`"
        )
      }
      var text = DigestText()
      text.put(surroundings)
      text.put(path)
      text.put(rule.condition)
      text.put(question.digest)
      text.put(cache.headers.joined(separator: ","))
      for entry in named { text.put(entry.name) }
      // An answer that was to be kept for longer is another one.
      for time in [cache.ttl, cache.denyTTL, cache.staleFor] { text.put(UInt64(bitPattern: time)) }
      return CachePlan(
        digest: Digest.of(text.bytes), slots: [], definitions: named.map { $0.definition },
        names: named.map { $0.name }, purgeBy: purgeBy, ttl: cache.ttl, denyTTL: cache.denyTTL,
        staleFor: cache.staleFor, headers: cache.headers)
    }

    /// What differs from request to request can be no part of a key; what is left may be.
    private func refuseUnsteady(
      _ slots: [SlotDefinition], in place: String, at position: Position, _ problems: inout Problems
    ) -> [SlotDefinition] {
      slots.filter { slot in
        guard slot.variable < ListVariable.first, let attribute = compiler.binder.attribute(slot.variable) else {
          return true
        }
        let name = compiler.binder.name(of: slot)
        if attribute.type.isMap, slot.key == nil {
          problems.error(
            at: position,
            "\(place) reads all of `\(name)`, and no two requests have all of it alike: read entries of it, or do not cache"
          )
          return false
        }
        guard ExternalParts.differs(attribute.name, slot.key) else { return true }
        problems.error(
          at: position,
          "\(place) reads `\(name)`, which differs from request to request: no kept answer would be found again")
        return false
      }
    }

    private static func differs(_ attribute: String, _ key: [UInt8]?) -> Bool {
      if attribute == "request.headers", let key {
        let name = String(decoding: key, as: UTF8.self)
        return name.hasPrefix("x-b3-") && name != "x-b3-sampled" || unsteadyHeaders.contains(name)
      }
      return unsteadyAttributes.contains(attribute)
    }

    private static let unsteadyAttributes: Set<String> = [
      "request.id", "request.time", "connection.id", "source.port", "request.duration",
    ]
    private static let unsteadyHeaders: Set<String> = [
      "x-request-id", "x-correlation-id", "traceparent", "tracestate", "b3", "uber-trace-id", "x-amzn-trace-id",
      "sentry-trace",
      "x-cloud-trace-context", "date",
    ]

    /// Adds the programs to the code, and learns the numbers of what is read there. False when there would be too many, or where the
    /// code does not read what a key is made of: a check does not look again.
    mutating func link(with linker: CodeLinker) -> Bool {
      guard !documents.isEmpty else { return true }
      guard let place = linker.add(compiler.builder.finishFragment()) else { return false }
      for index in providers.indices {
        providers[index].programs = providers[index].programs.map { $0 &+ place.programFirst }
      }
      for index in rules.indices {
        guard var cache = rules[index].cache else { continue }
        cache.slots = cache.definitions.compactMap { linker.slot(of: $0) }
        guard cache.slots.count == cache.definitions.count else { return false }
        rules[index].cache = cache
      }
      return true
    }
  }
#endif

#if hasFeature(Embedded)
  import CEL
  import PurserAttributes
  import PurserEngine
  import PurserPolicy

  /// The small flavour has no providers.
  struct ExternalParts {
    let providers: [ProviderPlan] = []
    let rules: [ExternalRulePlan] = []
    let needs: [(attribute: UInt32, position: Position)] = []

    func add(
      _ rule: ExternalDraft, of unit: PolicyUnit, _ origin: DocumentOrigin, _ problems: inout Problems
    ) -> UInt32 { RuleRecord.noExternal }

    func link(with linker: CodeLinker) -> Bool { true }
  }
#endif
