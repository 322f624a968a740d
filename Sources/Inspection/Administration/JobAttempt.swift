public import CeleryMessage

/// One attempt of a job: when it ran, where, and how it ended.
public struct JobAttempt: Sendable, Hashable {
    /// 1 is the first.
    public var number: Int
    /// How it ended: RETRY, or the state of the task for the last one.
    public var outcome: TaskState
    /// When it began.
    public var startedAt: Instant?
    /// When it ended.
    public var finishedAt: Instant
    /// How long it ran.
    public var runtime: Duration?
    /// The node that ran it.
    public var worker: String?
    /// What it raised.
    public var failure: FinishedTask.Failure?

    /// An attempt that ended with a retry.
    public init(_ attempt: FinishedTask.Attempt, number: Int) {
        self.number = number
        outcome = .retry
        startedAt = attempt.startedAt
        finishedAt = attempt.finishedAt
        runtime = attempt.runtime
        worker = attempt.worker
        failure = attempt.failure
    }

    /// The last attempt of a task that has ended.
    public init(last task: FinishedTask) {
        number = task.attempts
        outcome = task.state
        startedAt = task.startedAt
        finishedAt = task.finishedAt
        runtime = task.runtime
        worker = task.worker
        failure = task.failure
    }

    /// The attempts that ended with a retry, oldest first; the newest are kept where there were many.
    ///
    /// - Parameter count: how many there were.
    public static func earlier(_ attempts: [FinishedTask.Attempt], of count: Int) -> [JobAttempt] {
        // A message may claim any number of retries.
        let first = max(1, min(max(0, count), Int(Int32.max)) - attempts.count + 1)
        return attempts.enumerated().map { JobAttempt($1, number: first + $0) }
    }

    /// Every attempt of a task that has ended.
    public static func all(of task: FinishedTask) -> [JobAttempt] {
        let earlier = earlier(task.earlierAttempts, of: task.attempts - 1)
        // A task that was called off before it began made no attempt.
        return task.startedAt == nil && task.runtime == nil ? earlier : earlier + [JobAttempt(last: task)]
    }
}
