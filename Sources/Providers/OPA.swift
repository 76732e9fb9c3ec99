// OPA's REST API (openpolicyagent.org/docs/rest-api, "Get a Document (with Input)"): POST of an `input`, and a document
// comes back. A decision that is undefined is a document without `result`; what that means is the asker's to say.

enum OPA {
  static func message(_ settings: OPASettings, _ question: ProviderQuestion) throws(ProviderError) -> HTTPMessage {
    var writer = JSONWriter()
    let members = zip(settings.fields, question.values).map { name, value in
      FieldEntry(key: Array(name.utf8), value: value)
    }
    guard writer.write(.map([FieldEntry(key: Array("input".utf8), value: .map(members))])) else {
      throw ProviderError("the input cannot be written as JSON: \(writer.problem)")
    }
    var message = HTTPMessage(method: Array("POST".utf8), target: Array(settings.path.utf8), body: writer.text)
    message.add(header: "content-type", "application/json")
    message.add(header: "accept", "application/json")
    for header in settings.headers { message.add(header: header.name, header.value) }
    return message
  }

  static func reply(_ answer: HTTPAnswer) -> ProviderReply {
    var reply: ProviderReply
    if answer.status != 200 {
      reply = .failure(.provider, "it answers with HTTP status \(answer.status)")
    } else {
      switch JSONReader.read(answer.body) {
      case .failure(let error): reply = .failure(.unusable, "its answer is \(error.message)")
      case .success(let document):
        if case .map = document {
          reply = ProviderReply(.document(document))
        } else {
          reply = .failure(.unusable, "its answer is no JSON object")
        }
      }
    }
    reply.httpStatus = answer.status
    reply.maxAgeNanoseconds = CacheControl.maxAge(answer.values("cache-control"), age: answer.values("age").first)
    return reply
  }
}
