/// A task on its way: one item of a queue's list, taken apart.
public struct TaskMessage: Sendable, Hashable {
    /// Who the task is and how it is to run.
    public var headers: TaskHeaders
    /// Where the message goes.
    public var properties: MessageProperties
    /// What the task is called with, and what follows it.
    public var payload: TaskPayload
    /// The protocol the message was read in and is written in: 2, or 1 for producers with `task_protocol = 1`.
    public var protocolVersion: Int
    /// The mime type of the body, which names the serializer.
    public var contentType: String

    /// Makes a message; protocol 2 and JSON by default.
    public init(
        headers: TaskHeaders,
        properties: MessageProperties,
        payload: TaskPayload,
        protocolVersion: Int = 2,
        contentType: String = "application/json"
    ) {
        self.headers = headers
        self.properties = properties
        self.payload = payload
        self.protocolVersion = protocolVersion
        self.contentType = contentType
    }

    /// A fresh task for a queue, with `argsrepr` and `kwargsrepr` made from the arguments.
    ///
    /// - Parameters:
    ///   - task: the registered name.
    ///   - id: the task's id; a new one by default.
    ///   - args: positional arguments.
    ///   - kwargs: keyword arguments.
    ///   - queue: the queue's name.
    ///   - origin: who sends, as `gen<pid>@<host>`.
    ///   - replyTo: what to write as `reply_to`; Celery writes an id of the sending thread.
    public init(
        task: String,
        id: String = Identifier.uuid(),
        args: [JSONValue] = [],
        kwargs: JSONObject = .init(),
        queue: String = "celery",
        origin: String? = nil,
        replyTo: String = ""
    ) {
        var headers = TaskHeaders(task: task, id: id)
        headers.argsrepr = SafeRepr.args(args)
        headers.kwargsrepr = SafeRepr.kwargs(kwargs)
        headers.origin = origin
        self.init(
            headers: headers,
            properties: MessageProperties(correlationID: id, replyTo: replyTo, routingKey: queue),
            payload: TaskPayload(arguments: args, keywords: kwargs)
        )
    }
}
