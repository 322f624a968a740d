public import CeleryMessage

/// One run of a task, as the engine hands it to a pool.
public struct PoolTask: Sendable {
    /// The engine's number for this run; unique while the run lives, in all pools of a worker.
    public var job: UInt64
    /// The task's name on the wire, which chooses the handler.
    public var task: String
    /// The message's headers.
    public var headers: TaskHeaders
    /// The positional arguments as JSON text; passed on as they are.
    public var args: [UInt8]
    /// The keyword arguments as JSON text; passed on as they are.
    public var kwargs: [UInt8]
    /// The queue the message came from.
    public var queue: String
    /// The node's name, for example `celery@host`.
    public var hostname: String
    /// Whether the message was delivered before.
    public var redelivered: Bool
    /// Seconds of run time until the run is cancelled; `nil` when there is no soft limit.
    public var softTimeLimit: Double?
    /// Seconds of run time until the run is ended; `nil` when there is no hard limit.
    public var timeLimit: Double?
    /// How many retries the task may take; `nil` without a bound.
    public var maxRetries: Int?

    /// Describes one run.
    public init(
        job: UInt64,
        task: String,
        headers: TaskHeaders,
        args: [UInt8],
        kwargs: [UInt8],
        queue: String,
        hostname: String,
        redelivered: Bool = false,
        softTimeLimit: Double? = nil,
        timeLimit: Double? = nil,
        maxRetries: Int? = 3
    ) {
        self.job = job
        self.task = task
        self.headers = headers
        self.args = args
        self.kwargs = kwargs
        self.queue = queue
        self.hostname = hostname
        self.redelivered = redelivered
        self.softTimeLimit = softTimeLimit
        self.timeLimit = timeLimit
        self.maxRetries = maxRetries
    }
}
