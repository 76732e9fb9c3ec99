// The cases of Tests/Cases/decisions, which any binding can run; their README tells the format.

import Foundation
import Testing

struct DecisionCase: CustomTestStringConvertible, Sendable {
  var name: String
  /// The YAML documents, one by one.
  var documents: [String]

  var testDescription: String { name }

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Cases/decisions")

  static let all: [DecisionCase] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { $0.hasSuffix(".yaml") }.sorted().map { file in
      let text = (try? String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)) ?? ""
      return DecisionCase(name: String(file.dropLast(5)), documents: text.components(separatedBy: "\n---\n"))
    }
  }()

  struct Request: Decodable {
    var name: String
    var request: [String: JSON]
    var expect: [String: JSON]
  }

  private struct File: Decodable {
    var constants: [String: String]?
    var requests: [Request]
  }

  func read() throws -> (requests: [Request], constants: [String: String]) {
    let data = try Data(contentsOf: DecisionCase.folder.appendingPathComponent(name + ".json"))
    let file = try JSONDecoder().decode(File.self, from: data)
    return (file.requests, file.constants ?? [:])
  }
}

extension Found {
  /// What is not as expected: `field: found X, expected Y`.
  func differences(from expected: [String: JSON]) -> [String] {
    var differences: [String] = []
    func hold<T: Equatable>(_ field: String, _ found: T?, _ wanted: T?) {
      if found != wanted {
        differences.append(
          "\(field): found \(found.map { "\($0)" } ?? "null"), expected \(wanted.map { "\($0)" } ?? "null")")
      }
    }
    if expected["verdict"] == nil { differences.append("the case expects no verdict") }
    for (field, json) in expected.sorted(by: { $0.key < $1.key }) {
      switch field {
      case "verdict": hold(field, allows ? "allow" : "deny", json.text)
      case "status": hold(field, JSON.int(Int64(status)), json)
      case "code": hold(field, JSON.int(Int64(code)), json)
      case "message": hold(field, message, json.text)
      case "kind": hold(field, kindName, json.text)
      case "reason": hold(field, reason, json.text)
      case "rule": hold(field, rule, json.text)
      case "body": hold(field, body, json.text)
      case "requestHeaders": hold(field, requestHeaders, json.texts)
      case "responseHeaders": hold(field, responseHeaders, json.texts)
      case "audits": hold(field, audits, json.texts)
      case "errors": hold(field, errors, json.texts)
      case "errorTexts": hold(field, errorTexts, json.texts)
      case "shadow": hold(field, shadowAllows.map { $0 ? "allow" : "deny" }, json.text)
      case "shadowRules": hold(field, shadowRules, json.texts)
      default: differences.append("the case expects `\(field)`, which is no field")
      }
    }
    return differences
  }
}
