public import CeleryMessage

/// A message on its way to a queue.
public struct Publication: Sendable, Hashable {
    /// The queue's name.
    public var queue: String
    /// The message's priority as its sender gave it; the broker chooses the list.
    public var priority: Int
    /// The list item.
    public var item: [UInt8]

    /// Addresses an item to a queue.
    public init(queue: String, priority: Int, item: [UInt8]) {
        self.queue = queue
        self.priority = priority
        self.item = item
    }
}

/// A result record on its way to the backend.
public struct StoredResult: Sendable, Hashable {
    /// The task's id.
    public var taskID: String
    /// The encoded record.
    public var record: [UInt8]
    /// Seconds until the backend may forget it; `nil` keeps it for good.
    public var timeToLive: Int?

    /// Describes a record to store; a stored SUCCESS is never overwritten, and waiting clients are told.
    public init(taskID: String, record: [UInt8], timeToLive: Int?) {
        self.taskID = taskID
        self.record = record
        self.timeToLive = timeToLive
    }
}

/// A message that could not be run, kept for a person to look at.
public struct RejectedMessage: Sendable, Hashable {
    /// Why, in a sentence.
    public var reason: String
    /// The queue it came from.
    public var queue: String
    /// The task's id, when it could be read.
    public var taskID: String?
    /// The item exactly as it was, cut at the store's limit.
    public var item: [UInt8]

    /// Describes a message to keep.
    public init(reason: String, queue: String, taskID: String?, item: [UInt8]) {
        self.reason = reason
        self.queue = queue
        self.taskID = taskID
        self.item = item
    }
}

/// One thing that follows from a task's end or from a step on its way.
public enum Effect: Sendable, Hashable {
    /// Store a result or state and tell waiting clients.
    case store(StoredResult)
    /// Put a message at the end of a queue.
    case publish(Publication)
    /// Put a message at the head of a queue, to be the next one taken.
    case putBack(Publication)
    /// Keep a message until a moment, then put it at the head of its queue.
    case park(Publication, taskID: String, until: Instant)
    /// Keep a message that cannot be run, with the reason.
    case keepRejected(RejectedMessage)
    /// Forget how often a message was taken back from dead workers.
    case forgetDeliveries(taskID: String)
}

/// Effects that happen all together or, when the message is no longer held, not at all.
public struct Commit: Sendable, Hashable {
    /// The message they follow from; `nil` when it was acknowledged before.
    public var tag: DeliveryTag?
    /// Whether the message is done with: it leaves `unacked` in the same step.
    public var acknowledges: Bool
    /// What happens, in order.
    public var effects: [Effect]

    /// Groups effects into one step.
    public init(tag: DeliveryTag?, acknowledges: Bool, effects: [Effect]) {
        self.tag = tag
        self.acknowledges = acknowledges
        self.effects = effects
    }
}

/// What became of a commit.
public enum CommitStatus: Sendable, Hashable {
    /// Everything happened.
    case done
    /// The message is no longer held by this worker: nothing happened.
    case lost
}
