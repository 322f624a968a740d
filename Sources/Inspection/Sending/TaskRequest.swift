public import CeleryMessage

/// A task that somebody asks to be run.
public struct TaskRequest: Sendable, Hashable {
    /// The task's name.
    public var task: String
    /// The id of the task.
    public var id: String
    /// The queue.
    public var queue: String
    /// Positional arguments.
    public var args: [JSONValue] = []
    /// Keyword arguments.
    public var kwargs = JSONObject()
    /// Not before this moment.
    public var eta: Instant?
    /// Not after this moment.
    public var expires: Instant?
    /// 0, the most urgent, to 9.
    public var priority = 0
    /// For how long no second task of the same id is sent; `nil` sends as often as it is asked for.
    public var uniqueFor: Duration?
    /// How long it may take until there is a connection, where there is none; `nil` leaves it to the sender.
    public var patience: Duration?

    /// How it is tried again, over what its task and queue say.
    public var retry: RequestedRetry?
    /// Whose task it is, where its arguments do not say so.
    public var tenant: String?

    /// A request without arguments.
    public init(task: String, id: String = Identifier.uuid(), queue: String) {
        self.task = task
        self.id = id
        self.queue = queue
    }
}
