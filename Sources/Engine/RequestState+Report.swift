// One report: the metrics and log records of a finished request, with the plan of its check. As free of locks and
// allocation as a check, once each series has been met.

import CEL
import CPlatform
import PurserAttributes
import PurserTelemetry

extension RequestState {
  /// Records. The worker is entered; `request` is checked. `now` is 0 to read the clock.
  public static func report(_ request: UnsafeMutablePointer<RequestState>, now: Int64) {
    let worker = request.pointee.worker
    let shard = worker.pointee.shard
    request.pointee.stage = .reported
    Shard.count(shard, .reports)
    guard let plan = request.pointee.plan, plan.pointee.metricCount > 0 || plan.pointee.accessLogCount > 0 else {
      return
    }
    WorkerState.prepare(worker, for: plan)
    WorkerState.aim(worker, at: plan.pointee.telemetryCode, of: request)
    worker.pointee.reporting = request
    let now = now == 0 ? platform_wall_nanoseconds() : now
    let evaluation = WorkerState.evaluation(worker)
    var index = 0
    while index < plan.pointee.metricCount {
      record(plan.pointee.metrics + index, evaluation, worker, now)
      index &+= 1
    }
    index = 0
    while index < plan.pointee.accessLogCount {
      log(plan.pointee.accessLogs + index, evaluation, worker)
      index &+= 1
    }
    WorkerState.rest(worker)
  }

  private static func record(
    _ metric: UnsafePointer<MetricRecord>, _ evaluation: Evaluation.Pointer,
    _ worker: UnsafeMutablePointer<WorkerState>, _ now: Int64
  ) {
    if metric.pointee.when != MetricRecord.noProgram {
      let condition = evaluate(metric.pointee.when, evaluation)
      if !condition.isTrue {
        if condition.kind != .bool { Shard.count(worker.pointee.shard, .valueErrors) }
        return
      }
    }
    let value = metric.pointee.value == MetricRecord.noProgram ? .int(1) : evaluate(metric.pointee.value, evaluation)
    let labels = worker.pointee.labels
    var index = 0
    while index < metric.pointee.labelCount {
      labels[index] = evaluate(metric.pointee.labels[index], evaluation)
      index &+= 1
    }
    PurserTelemetry.record(
      value, to: metric.pointee.instrument, in: worker.pointee.shard, labels: UnsafePointer(labels), now: now)
  }

  private static func log(
    _ record: UnsafePointer<AccessLogRecord>, _ evaluation: Evaluation.Pointer,
    _ worker: UnsafeMutablePointer<WorkerState>
  ) {
    if record.pointee.when != MetricRecord.noProgram {
      let condition = evaluate(record.pointee.when, evaluation)
      if condition.isFalse { return }
      // An erring condition keeps the record: better one too many than the one that mattered.
      if condition.kind != .bool { Shard.count(worker.pointee.shard, .logConditionErrors) }
    }
    let ring = worker.pointee.ring
    LogRing.begin(ring)
    var index = 0
    while index < record.pointee.fieldCount {
      LogRing.field(
        ring, key: record.pointee.fieldKeys[index], evaluate(record.pointee.fieldPrograms[index], evaluation))
      index &+= 1
    }
    index = 0
    while index < record.pointee.sinkCount {
      _ = LogRing.commit(ring, sink: record.pointee.sinks[index])
      index &+= 1
    }
    LogRing.cancel(ring)
  }
}
