/// One entry of `queues:`.
public struct QueueSettings: Sendable, Hashable {
    /// How much a queue matters beside the others of the same worker.
    public enum Tier: String, Sendable, Hashable, CaseIterable, Comparable {
        /// Served before the others.
        case high
        /// Served as usual.
        case medium
        /// Served when the others leave room.
        case low

        /// `high` before `medium` before `low`.
        public static func < (left: Tier, right: Tier) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .high: 0
            case .medium: 1
            case .low: 2
            }
        }
    }

    /// How many finished tasks are remembered, and for how long; `nil` sets no bound of that kind.
    public struct Retention: Sendable, Hashable {
        /// The most entries.
        public var count: Int?
        /// The longest time.
        public var age: Duration?

        /// Sets these bounds.
        public init(count: Int? = nil, age: Duration? = nil) {
            self.count = count
            self.age = age
        }
    }

    /// The queue's name.
    public var name: String
    /// `pool`: where its tasks run; `nil` means the pool `default`.
    public var pool: String?
    /// `tier`; default medium.
    public var tier = Tier.medium
    /// `concurrency`: the most tasks of this queue that one worker runs at once; `nil` means as many as its pool has slots.
    public var concurrency: Int?
    /// `global_concurrency`: the same over all workers; `nil` means no limit.
    public var globalConcurrency: Int?
    /// `rate_limit`: starts from this queue over all workers; `nil` means no limit.
    public var rateLimit: TaskAttributes.RateLimit?
    /// `exchange`; `nil` means as the queue.
    public var exchange: String?
    /// `exchange_type`; default direct.
    public var exchangeType = "direct"
    /// `routing_key`; `nil` means as the queue.
    public var routingKey: String?
    /// `retention.completed`; `nil` leaves it to the default.
    public var completed: Retention?
    /// `retention.failed`; `nil` leaves it to the default.
    public var failed: Retention?
    /// What this block says about limits, retries and the rest, for tasks that come through the queue.
    public var policy = TaskAttributes()

    /// A queue about which nothing is configured.
    public init(name: String) { self.name = name }
}
