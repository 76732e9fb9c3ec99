// Errors of a plan in words: "attribute `request.headers["x-user"]` is absent". There are few of them (a text for
// each slot and kind of error), so each is made once, when it is first asked for, and lives as long as the plan.

import CEL
import CPlatform
import PurserTelemetry

public enum ErrorText {
  /// Codes that are about a slot are 1 to 6.
  static var codes: Int { 6 }

  public static func text(of error: EvaluationError, _ plan: UnsafePointer<PlanImage>) -> Bytes {
    guard error.code.isAboutAttribute, error.detail < plan.pointee.policyCode.slotNameCount else {
      return Bytes(staticText: error.code.text)
    }
    let place = plan.pointee.errorTexts + (Int(error.detail) &* codes &+ Int(error.code.rawValue) &- 1)
    let known = platform_load_acquire(place)
    if known != 0 { return read(known) }
    guard let made = make(error, plan) else { return Bytes(staticText: error.code.text) }
    let kept = platform_set_once(place, made)
    if kept != made { CPlatform.free(UnsafeMutableRawPointer(bitPattern: UInt(truncatingIfNeeded: made))) }
    return read(kept)
  }

  /// A block of a length word and the text; its address.
  private static func make(_ error: EvaluationError, _ plan: UnsafePointer<PlanImage>) -> UInt64? {
    let name = plan.pointee.policyCode.slotNames[Int(error.detail)]
    let capacity = Int(name.count) &+ 80
    guard let block = malloc(capacity &+ 8) else { return nil }
    var text = TextSpan((block + 8).assumingMemoryBound(to: UInt8.self), capacity: capacity)
    Reason.append(error, plan.pointee.policyCode, &text)
    block.storeBytes(of: UInt64(text.bytes.count), as: UInt64.self)
    return UInt64(UInt(bitPattern: block))
  }

  private static func read(_ address: UInt64) -> Bytes {
    guard let block = UnsafeRawPointer(bitPattern: UInt(truncatingIfNeeded: address)) else { return .empty }
    return Bytes(block + 8, count: UInt32(truncatingIfNeeded: block.load(as: UInt64.self)))
  }

  static func free(_ texts: UnsafeMutablePointer<UInt64>, slots: Int) {
    var index = 0
    while index < slots &* codes {
      CPlatform.free(UnsafeMutableRawPointer(bitPattern: UInt(truncatingIfNeeded: texts[index])))
      index &+= 1
    }
    texts.deallocate()
  }
}
