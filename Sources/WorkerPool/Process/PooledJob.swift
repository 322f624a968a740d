import CeleriacTasks
import NIOCore

/// A run that a pool process was given and has not ended.
final class PooledJob {
    let job: UInt64
    let softTimeLimit: TimeAmount?
    let timeLimit: (amount: TimeAmount, seconds: Double)?
    let estimate: RunTimeEstimates.Estimate
    /// What the estimate said when the run was given out; taken back by the same figure.
    let expectedSeconds: Double
    /// Its place among the run frames of its process, counted from 1.
    let ordinal: UInt64
    unowned let process: PoolProcess

    /// When it began to run, as far as the controller can tell; `nil` while it waits.
    var startedAt: NIODeadline?
    /// Whether it has run so long that nothing is to wait behind it.
    var isLong = false
    /// How often it was found not to have begun.
    var lateness = 0
    /// Whether it is to be ended as soon as it has begun.
    var isToEnd = false
    /// Whether a deadline was put off once for the answer to a recall.
    var wasPutOff = false

    init(_ task: PoolTask, ordinal: UInt64, estimate: RunTimeEstimates.Estimate, process: PoolProcess) {
        job = task.job
        softTimeLimit = task.request.softTimeLimit.flatMap(TimeAmount.init(limit:))
        timeLimit = task.request.timeLimit.flatMap { seconds in TimeAmount(limit: seconds).map { ($0, seconds) } }
        self.estimate = estimate
        expectedSeconds = estimate.seconds
        self.ordinal = ordinal
        self.process = process
    }
}

extension TimeAmount {
    /// A time limit in seconds; `nil` for what is no limit: above nine years, infinite or not a number.
    init?(limit seconds: Double) {
        guard seconds < 300_000_000 else { return nil }
        self = .nanoseconds(Int64(max(0, seconds) * 1_000_000_000))
    }
}
