public import RedisClient

/// How the Redis transport is set up.
public struct RedisTransportConfiguration: Sendable {
    /// In which order queues are looked at within one priority.
    public enum QueueOrder: String, Sendable, CaseIterable {
        /// Every queue gets its turn to be first.
        case roundRobin = "round_robin"
        /// By name.
        case sorted
        /// As they were given.
        case priority
    }

    /// The server with the queues.
    public var broker: RedisConfiguration
    /// The server with the results; `nil` when there is no result backend.
    public var results: RedisConfiguration?
    /// The names of keys.
    public var keys: RedisKeys
    /// The order of queues within one priority.
    public var queueOrder: QueueOrder
    /// Seconds of silence after which a worker counts as dead and its messages are taken back.
    public var deadAfter: Int
    /// Seconds without renewal after which a message held by anybody goes back to its queue: `visibility_timeout`.
    public var visibilityTimeout: Double
    /// Seconds after which the lock of a sweep that never ended counts for nothing.
    public var sweepLockSeconds: Int
    /// Seconds that a renewed lease is written ahead of now: peers with a visibility timeout down to zero respect it.
    public var leaseAhead: Int
    /// Heartbeats after which all lists are looked at again, announced or not.
    public var beatsBetweenLooks = 15
    /// How many bytes the results of a chord's header may have; with more its body fails.
    public var chordBytes = 64 << 20
    /// Whether a chord's results come in the order of its header: `result_chord_ordered`; otherwise as they came.
    public var chordsAreOrdered = true
    /// How many ids of revoked tasks are remembered.
    public var revokedLimit = 50_000
    /// Seconds for which they are remembered.
    public var revokedTimeToLive = 10_800
    /// How many dead letters are kept.
    public var deadLetterLimit = 10_000
    /// How many bytes they may have together; an item of more than a quarter of that is left out.
    public var deadLetterBytes = 64 << 20
    /// Seconds for which they are kept.
    public var deadLetterTimeToLive = 14 * 86_400
    /// Seconds for which delivery counts are kept after the last change.
    public var deliveriesTimeToLive: Int

    /// Defaults for everything but the servers.
    public init(
        broker: RedisConfiguration,
        results: RedisConfiguration?,
        keys: RedisKeys = RedisKeys(),
        queueOrder: QueueOrder = .roundRobin,
        deadAfter: Int = 12,
        visibilityTimeout: Double = 3600,
        sweepLockSeconds: Int = 300,
        leaseAhead: Int = 10,
        deliveriesTimeToLive: Int = 86_400
    ) {
        self.broker = broker
        self.results = results
        self.keys = keys
        self.queueOrder = queueOrder
        self.deadAfter = deadAfter
        self.visibilityTimeout = visibilityTimeout
        self.sweepLockSeconds = sweepLockSeconds
        self.leaseAhead = leaseAhead
        self.deliveriesTimeToLive = deliveriesTimeToLive
    }
}
