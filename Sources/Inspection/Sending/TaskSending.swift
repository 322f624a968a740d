/// Puts messages into queues.
///
/// Throws ``InspectionError``; after `unavailable` the message may or may not have been sent, after `notSent` it was not.
public protocol TaskSending: Sendable {
    /// Sends a message, checks and all in one step.
    func send(_ message: OutgoingMessage) async throws -> SendOutcome
    /// Sends messages of one queue, all of them or none, checks and all in one step.
    ///
    /// The first one's `depthLimit` holds for all of them together.
    func send(_ messages: [OutgoingMessage]) async throws -> BulkSendOutcome
}

/// A message that is ready to be sent.
public struct OutgoingMessage: Sendable, Hashable {
    /// The list item.
    public var item: [UInt8]
    /// The task's id.
    public var taskID: String
    /// The queue.
    public var queue: String
    /// 0, the most urgent, to 9.
    public var priority: Int
    /// With as many waiting messages nothing more is sent; `nil` for no bound.
    public var depthLimit: Int?
    /// For how long no second message of the same task id is sent; `nil` for no such check.
    public var uniqueFor: Duration?

    /// How long it may take until there is a connection, where there is none; `nil` leaves it to the sender.
    public var patience: Duration?
    /// Whose task it is, where that may bound how many are sent.
    public var tenant: String?

    /// A message for a queue.
    public init(item: [UInt8], taskID: String, queue: String, priority: Int) {
        self.item = item
        self.taskID = taskID
        self.queue = queue
        self.priority = priority
    }
}

/// What became of a message.
public enum SendOutcome: Sendable, Hashable {
    /// It is in its queue.
    case sent
    /// It was not sent: one of the same task id was.
    case exists
    /// It was not sent: so many messages wait in its queue.
    case full(depth: Int)
    /// It was not sent: so many were within a minute, as many as the plan of its tenant allows.
    case tenantLimit(Int, plan: String, retryAfter: Duration)
}

/// What became of messages that were sent together.
public enum BulkSendOutcome: Sendable, Hashable {
    /// They are in their queue but for those at these places: of their task ids one was sent before, or stands before them.
    case sent(existing: Set<Int>)
    /// None was sent: so many messages wait in the queue that not all of them fit.
    case full(depth: Int)
}
