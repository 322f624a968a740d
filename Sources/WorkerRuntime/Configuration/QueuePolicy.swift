public import Transport

/// How one queue's messages are taken and run.
public struct QueuePolicy: Sendable, Hashable {
    /// The queue's name.
    public var name: String
    /// The pool that runs its tasks, unless a task names another.
    public var pool: String
    /// Queues of a smaller rank are served first within a priority.
    public var rank: Int
    /// The most of its tasks that run at once in this worker; `nil` leaves it to the pool.
    public var concurrency: Int?
    /// Seconds until a run is cancelled, where neither message nor task says.
    public var softTimeLimit: Double?
    /// Seconds until a run is ended by force, where neither message nor task says.
    public var timeLimit: Double?
    /// The exchange it is bound to; `nil` is one of its own name.
    public var exchange: String?
    /// The exchange's type.
    public var exchangeType = "direct"
    /// The routing key it is bound by; `nil` is its own name.
    public var routingKey: String?

    /// How many of its completed tasks the history keeps.
    public var completed = HistoryBound.completed
    /// How many of its failed tasks the history keeps.
    public var failed = HistoryBound.failed

    /// Describes a queue.
    public init(
        name: String,
        pool: String,
        rank: Int = 0,
        concurrency: Int? = nil,
        softTimeLimit: Double? = nil,
        timeLimit: Double? = nil
    ) {
        self.name = name
        self.pool = pool
        self.rank = rank
        self.concurrency = concurrency
        self.softTimeLimit = softTimeLimit
        self.timeLimit = timeLimit
    }
}
