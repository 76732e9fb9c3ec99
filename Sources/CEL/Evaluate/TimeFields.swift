// getFullYear and its kin, of timestamps in a zone and of durations.

/// `value.getX()`, or `value.getX(zone)` with a zone already found.
func getField(_ builtin: Builtin, of value: Value, _ zone: UnsafePointer<TimeZone>?) -> Value {
  switch value.kind {
  case .error: return value
  case .timestamp:
    let offset = zone.map { Int64($0.pointee.offset(at: value.seconds)) } ?? 0
    return timestampField(builtin, value, offset: offset)
  case .duration where zone == nil: return durationField(builtin, value)
  default: return .failure(.noSuchOverload)
  }
}

/// `value.getX(zone)` with a zone that is known only now.
func getField(_ builtin: Builtin, of value: Value, zoneName: Value, _ evaluation: Evaluation.Pointer) -> Value {
  guard value.kind == .timestamp, zoneName.kind == .string else { return .failure(.noSuchOverload) }
  // Reading a zone's file costs as much as many steps.
  spend(2_000, evaluation)
  guard evaluation.pointee.stepsLeft >= 0 else { return .failure(.stepBudgetSpent) }
  guard let zone = TimeZone.load(zoneName.asBytes, arena: &evaluation.pointee.arena) else {
    return .failure(.unknownTimeZone)
  }
  return timestampField(builtin, value, offset: Int64(zone.offset(at: value.seconds)))
}

private func timestampField(_ builtin: Builtin, _ value: Value, offset: Int64) -> Value {
  let (days, second) = CivilDate.split(value.seconds &+ offset)
  switch builtin {
  case .getHours: return .int(second / 3_600)
  case .getMinutes: return .int(second / 60 % 60)
  case .getSeconds: return .int(second % 60)
  case .getMilliseconds: return .int(Int64(value.nanoseconds) / 1_000_000)
  case .getDayOfWeek: return .int(CivilDate.weekday(days))
  default: break
  }
  let date = CivilDate(days: days)
  switch builtin {
  case .getFullYear: return .int(date.year)
  case .getMonth: return .int(date.month &- 1)
  case .getDate: return .int(date.day)
  case .getDayOfMonth: return .int(date.day &- 1)
  case .getDayOfYear: return .int(days &- CivilDate.days(year: date.year, month: 1, day: 1))
  default: return .failure(.noSuchOverload)
  }
}

/// Hours, minutes and seconds are of the whole duration; milliseconds only of its last second.
private func durationField(_ builtin: Builtin, _ value: Value) -> Value {
  switch builtin {
  case .getHours: .int(value.seconds / 3_600)
  case .getMinutes: .int(value.seconds / 60)
  case .getSeconds: .int(value.seconds)
  case .getMilliseconds: .int(Int64(value.nanoseconds) / 1_000_000)
  default: .failure(.noSuchOverload)
  }
}
