public import CeleryMessage

/// The facts of one run, as Python's `self.request` has them.
public struct TaskRequest: Sendable {
    /// The message's headers: id, name, retries, eta, group, stamps and so on.
    public var headers: TaskHeaders
    /// The queue the message came from.
    public var queue: String
    /// The node that runs the task, for example `celery@host`.
    public var hostname: String
    /// Whether the message was delivered before, to a worker that did not finish it.
    public var redelivered: Bool
    /// Seconds until the soft limit cancels the run; `nil` when there is none.
    public var softTimeLimit: Double?
    /// Seconds until the hard limit ends the run; `nil` when there is none.
    public var timeLimit: Double?
    /// How many retries the task may take; `nil` without a bound.
    public var maxRetries: Int?

    /// The task id.
    public var id: String { headers.id }
    /// The task's name on the wire.
    public var task: String { headers.task }
    /// How many runs were retried before this one.
    public var retries: Int { headers.retries }

    /// Gathers the facts of a run.
    public init(
        headers: TaskHeaders,
        queue: String,
        hostname: String,
        redelivered: Bool = false,
        softTimeLimit: Double? = nil,
        timeLimit: Double? = nil,
        maxRetries: Int? = 3
    ) {
        self.headers = headers
        self.queue = queue
        self.hostname = hostname
        self.redelivered = redelivered
        self.softTimeLimit = softTimeLimit
        self.timeLimit = timeLimit
        self.maxRetries = maxRetries
    }
}
