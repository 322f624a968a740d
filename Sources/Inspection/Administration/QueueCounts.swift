/// How much there is of one queue, at one moment.
public struct QueueCounts: Sendable, Hashable {
    /// The queue's name.
    public var name: String
    /// How many wait, over all priorities.
    public var waiting = 0
    /// How many workers hold; `nil` where all queues together have too many to look at.
    public var active: Int?
    /// How many are parked until their time comes; `nil` where all queues together have too many to look at.
    public var delayed: Int?
    /// How many successes the history still has.
    public var completed = 0
    /// How many failures the history still has.
    public var failed = 0
    /// How many succeeded since the history began.
    public var completedEver = 0
    /// How many failed since the history began.
    public var failedEver = 0
    /// Whether Celeriac's workers take nothing from it.
    public var isPaused = false
    /// How many workers consume it; `nil` where nobody was asked.
    public var consumers: Int?
    /// For how long, in seconds, the next message to be taken has been seen to wait, by whoever looks: at least so long.
    public var oldestWaiting: Double?

    /// Counts of a queue in which nothing is.
    public init(name: String) { self.name = name }

    /// What is still to be done.
    public var total: Int { waiting + (active ?? 0) + (delayed ?? 0) }
}
