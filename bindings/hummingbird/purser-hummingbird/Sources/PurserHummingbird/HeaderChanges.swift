// Header changes of a decision, made to Hummingbird's types. A name that is none in HTTP cannot have come in and cannot
// go out, so such a change is nothing.

import HTTPTypes
import Purser

extension HTTPFields {
  mutating func apply(_ changes: [Decision.HeaderChange]) {
    for change in changes { apply(change) }
  }

  mutating func apply(_ change: Decision.HeaderChange) {
    switch change {
    case .set(let name, let value):
      if let name = HTTPField.Name(name) { self[name] = value }
    case .append(let name, let value):
      if let name = HTTPField.Name(name) { append(HTTPField(name: name, value: value)) }
    case .remove(let name):
      if let name = HTTPField.Name(name) { self[values: name] = [] }
    case .setIfAbsent(let name, let value):
      if let name = HTTPField.Name(name), !contains(name) { self[name] = value }
    case .setIfPresent(let name, let value):
      if let name = HTTPField.Name(name), contains(name) { self[name] = value }
    }
  }
}

extension HTTPRequest {
  mutating func apply(_ changes: [Decision.HeaderChange]) {
    for change in changes {
      switch change {
      // Kept apart from the other headers.
      case .set("host", let value): authority = value
      case .remove("host"): authority = nil
      case .setIfAbsent("host", let value): if authority == nil { authority = value }
      case .setIfPresent("host", let value): if authority != nil { authority = value }
      default: headerFields.apply(change)
      }
    }
  }
}

extension Headers {
  init(_ fields: HTTPFields) {
    self.init()
    reserveCapacity(fields.count)
    for field in fields { append(field.name.canonicalName, field.value) }
  }
}
