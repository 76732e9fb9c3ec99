// The well-known attributes.

import CEL
import CPlatform
import CPurser
import PurserAttributes
import PurserPolicy

/// Names and types at addresses that do not move, by number.
private let vocabularyTexts: [(name: Bytes, type: Bytes)] = {
  let texts = vocabularyStore
  return Vocabulary.wellKnown.map { (texts.keep($0.name), texts.keep($0.type.rawValue)) }
}()
private let vocabularyStore = TextStore()

@c @implementation
public func purser_attribute_number(
  _ name: purser_text, _ number_out: UnsafeMutablePointer<UInt32>?
) -> purser_status {
  guard let number_out, let name = name.string else { return PURSER_INVALID_ARGUMENT }
  guard let attribute = Vocabulary.attribute(named: name) else { return PURSER_NOT_FOUND }
  number_out.pointee = attribute.number
  return PURSER_OK
}

@c @implementation
public func purser_attribute_describe(
  _ number: UInt32, _ info_out: UnsafeMutablePointer<purser_attribute_info>?
) -> purser_status {
  guard let info_out, info_out.pointee.size >= MemoryLayout<purser_attribute_info>.size else {
    return PURSER_INVALID_ARGUMENT
  }
  guard let attribute = Vocabulary.attribute(number), number <= UInt32(truncatingIfNeeded: vocabularyTexts.count)
  else { return PURSER_NOT_FOUND }
  let texts = vocabularyTexts[Int(number) &- 1]
  info_out.pointee.name = purser_text(texts.name)
  info_out.pointee.type = purser_text(texts.type)
  info_out.pointee.phase = purser_phase(attribute.phase)
  return PURSER_OK
}

extension purser_phase {
  init(_ phase: Phase) {
    self =
      switch phase {
      case .connection: PURSER_PHASE_CONNECTION
      case .request: PURSER_PHASE_REQUEST
      case .response: PURSER_PHASE_RESPONSE
      }
  }
}
