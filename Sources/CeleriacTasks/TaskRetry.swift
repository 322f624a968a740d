public import CeleryMessage

/// Thrown to run the task again later, as `self.retry()` does.
public struct TaskRetry: Error, Sendable, Hashable {
    /// Seconds until the next run; `nil` takes the task's `default_retry_delay` or its backoff.
    public var countdown: Double?
    /// More retries than the task's own `max_retries` allows, or fewer; `nil` takes the task's.
    public var maxRetries: Int?
    /// Why: stored with state RETRY, and the failure when no retry is left.
    ///
    /// `nil` ends in `MaxRetriesExceededError`.
    public var cause: TaskFailure?
    /// What the next run has that this one had not: other arguments, another queue, priority, expiry or time limits.
    public var overrides: RetryOverrides

    /// Asks for another run.
    public init(
        countdown: Double? = nil,
        maxRetries: Int? = nil,
        cause: TaskFailure? = nil,
        overrides: RetryOverrides = RetryOverrides()
    ) {
        self.countdown = countdown
        self.maxRetries = maxRetries
        self.cause = cause
        self.overrides = overrides
    }
}

/// Thrown to end the task without storing anything, as Celery's `Ignore`.
public struct TaskIgnore: Error, Sendable, Hashable {
    /// Ends the task without a result.
    public init() {}
}

/// Thrown to reject the message, as Celery's `Reject`.
public struct TaskReject: Error, Sendable, Hashable {
    /// Why, for the log and the stored failure.
    public var reason: String
    /// Whether the message goes back to the end of its queue.
    public var requeue: Bool

    /// Rejects the message; with `requeue` it is delivered again.
    public init(reason: String, requeue: Bool = false) {
        self.reason = reason
        self.requeue = requeue
    }
}
