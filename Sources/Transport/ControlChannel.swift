public import CeleryMessage

/// What a control channel tells its worker without being asked.
public enum ControlNotice: Sendable {
    /// A request for all workers, as an envelope.
    case request([UInt8])
    /// A `worker-elect` event of another worker, as an envelope.
    case election([UInt8])
    /// Listening was interrupted and goes on: what was said meanwhile is lost.
    case listeningAgain
}

/// A task that must not start, and the record that says so.
public struct Revocation: Sendable, Hashable {
    /// The task's id.
    public var taskID: String
    /// The REVOKED record to store where the task has not begun; `nil` when no results are kept.
    public var result: StoredResult?

    /// Names a task.
    public init(taskID: String, result: StoredResult?) {
        self.taskID = taskID
        self.result = result
    }
}

/// What workers of a deployment have called off.
public struct RevokedNames: Sendable, Hashable {
    /// Task ids, oldest first.
    public var taskIDs: [String]
    /// Stamps: a header's name and one of its values.
    public var stamps: [RevokedStamp]

    /// Lists what was called off.
    public init(taskIDs: [String] = [], stamps: [RevokedStamp] = []) {
        self.taskIDs = taskIDs
        self.stamps = stamps
    }
}

/// A stamp whose tasks must not start.
public struct RevokedStamp: Sendable, Hashable {
    /// The stamp's name.
    public var header: String
    /// Its value.
    public var value: JSONValue

    /// Names a stamp.
    public init(header: String, value: JSONValue) {
        self.header = header
        self.value = value
    }
}

/// A message that waits for its time.
public struct ParkedMessage: Sendable, Hashable {
    /// The list item.
    public var item: [UInt8]
    /// When it goes back to its queue.
    public var due: Instant

    /// Describes a parked message.
    public init(item: [UInt8], due: Instant) {
        self.item = item
        self.due = due
    }
}

/// A queue as a client asks a worker to consume it.
public struct QueueBinding: Sendable, Hashable {
    /// The queue's name.
    public var queue: String
    /// The exchange it is bound to.
    public var exchange: String
    /// The routing key it is bound by.
    public var routingKey: String

    /// Binds a queue; to an exchange of its own name unless another is given.
    public init(queue: String, exchange: String? = nil, routingKey: String? = nil) {
        self.queue = queue
        self.exchange = exchange ?? queue
        self.routingKey = routingKey ?? queue
    }
}

/// How workers and their clients talk beside the queues: Celery's pidbox and events, and what workers remember together.
///
/// All calls throw ``TransportError``; they need a ``Broker`` that has been started.
public protocol ControlChannel: Sendable {
    /// The broker as `inspect stats` shows it, without secrets.
    var brokerInfo: JSONObject { get }

    /// Begins to listen, on the executor that the broker was made for.
    ///
    /// - Parameters:
    ///   - control: the exchange of requests, for example `celery.pidbox`.
    ///   - elections: the exchange of events where `worker-elect` is to be heard; `nil` for none.
    func listen(
        control: String,
        elections: String?,
        onNotice: @escaping @Sendable (ControlNotice) -> Void
    ) async throws

    /// Publishes to whoever listens, in one round trip; answers how many received each.
    func publish(_ messages: [BroadcastMessage]) async throws -> [Int]

    /// Puts a reply into its reader's mailbox, which its exchange and routing key name; dropped when there is none.
    func reply(_ message: BroadcastMessage) async throws

    /// Opens a mailbox for replies.
    func openMailbox(exchange: String, routingKey: String) async throws
    /// Empties a mailbox and closes it.
    func closeMailbox(exchange: String, routingKey: String) async throws -> [[UInt8]]

    /// Notes for all workers, also later ones, that tasks must not start, and stores the records of those that have not
    /// begun: nothing stored yet, RECEIVED, RETRY or REJECTED.
    func revoke(_ revocations: [Revocation]) async throws
    /// Notes for all workers, also later ones, that tasks with these stamps must not start.
    func revoke(stamps: [RevokedStamp]) async throws
    /// What has been revoked and is remembered.
    func revoked() async throws -> RevokedNames

    /// Messages of these queues that wait for their time, soonest first.
    func parked(queues: Set<String>, limit: Int) async throws -> [ParkedMessage]

    /// Binds a queue for producers that look bindings up.
    func bind(_ binding: QueueBinding) async throws
}
