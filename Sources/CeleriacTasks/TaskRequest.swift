public import CeleryMessage

/// The facts of one run, as Python's `self.request` has them.
public struct TaskRequest: Sendable {
    /// The message that asked for the run; its headers and arguments count, what follows the task does not.
    public let received: ReceivedMessage
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

    /// Gathers the facts of a run.
    public init(
        received: ReceivedMessage,
        queue: String,
        hostname: String,
        redelivered: Bool = false,
        softTimeLimit: Double? = nil,
        timeLimit: Double? = nil,
        maxRetries: Int? = 3
    ) {
        self.received = received
        self.queue = queue
        self.hostname = hostname
        self.redelivered = redelivered
        self.softTimeLimit = softTimeLimit
        self.timeLimit = timeLimit
        self.maxRetries = maxRetries
    }

    /// Gathers the facts of a run of which there is no message.
    public init(headers: TaskHeaders, queue: String, hostname: String) {
        self.init(received: ReceivedMessage(headers: headers), queue: queue, hostname: hostname)
    }

    /// The message's headers: id, name, retries, eta, group, stamps and so on.
    public var headers: TaskHeaders { _read { yield received.message.headers } }
    /// The message's properties: priority, `reply_to`, routing and those that its sender made up.
    public var properties: MessageProperties { _read { yield received.message.properties } }
    /// The priority the message was sent with.
    public var priority: Int { received.message.properties.priority }
    /// The first task of the workflow; the task's own id where it has no other.
    public var rootID: String { received.message.headers.root }
    /// The task that sent this one.
    public var parentID: String? { received.message.headers.parentID }
    /// The task id.
    public var id: String { received.message.headers.id }
    /// The task's name on the wire, which chooses the handler.
    public var task: String { received.message.headers.task }
    /// How many runs were retried before this one.
    public var retries: Int { received.message.headers.retries }
    /// The positional arguments as JSON text.
    public var args: [UInt8] { received.message.payload.args }
    /// The keyword arguments as JSON text.
    public var kwargs: [UInt8] { received.message.payload.kwargs }
}
