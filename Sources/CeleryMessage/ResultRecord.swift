/// What is stored for a task, and published to the clients that wait for it (`celery/backends/base.py`).
public struct ResultRecord: Sendable, Hashable {
    /// The task's state.
    public var status: TaskState
    /// JSON text: the return value, an ``ExceptionInfo`` or what a custom state carries.
    public var result: [UInt8]
    /// Python's traceback, or a text that stands for it.
    public var traceback: String?
    /// What the task has sent; `nil` only where a revoked task never started.
    public var children: [ResultTuple]?
    /// When the task ended; set for SUCCESS, FAILURE and REVOKED.
    public var dateDone: Instant?
    /// Seconds east of UTC at which ``dateDone`` is written; 0 by default.
    public var utcOffset: Int
    /// The group of the task.
    public var groupID: String?
    /// The task that sent this one.
    public var parentID: String?
    /// What `result_extended` adds.
    public var extended: Extended?
    /// The task's id.
    public var taskID: String
    /// Unknown members of a record that was read.
    public var extra: JSONObject

    /// What `result_extended` adds to a record; all `nil` where there was no request, as for unregistered tasks.
    public struct Extended: Sendable, Hashable {
        /// The task's name.
        public var name: String?
        /// JSON text of the positional arguments.
        public var args: [UInt8]?
        /// JSON text of the keyword arguments.
        public var kwargs: [UInt8]?
        /// The worker's node name.
        public var worker: String?
        /// How many retries there were.
        public var retries: Int?
        /// The routing key.
        public var queue: String?
        /// The names of the stamps; they follow as members of their own.
        public var stampedHeaders: [String]?
        /// The stamps by name.
        public var stamps: JSONObject

        /// Makes the extended part.
        public init(
            name: String? = nil,
            args: [UInt8]? = nil,
            kwargs: [UInt8]? = nil,
            worker: String? = nil,
            retries: Int? = nil,
            queue: String? = nil,
            stampedHeaders: [String]? = nil,
            stamps: JSONObject = .init()
        ) {
            self.name = name
            self.args = args
            self.kwargs = kwargs
            self.worker = worker
            self.retries = retries
            self.queue = queue
            self.stampedHeaders = stampedHeaders
            self.stamps = stamps
        }

        /// The extended part for a message that ran on `worker`.
        public init(_ message: TaskMessage, worker: String) {
            self.init(
                name: message.headers.task,
                args: message.payload.args,
                kwargs: message.payload.kwargs,
                worker: worker,
                retries: message.headers.retries,
                queue: message.properties.routingKey,
                stampedHeaders: message.headers.stampedHeaders,
                stamps: message.headers.stamps
            )
        }
    }

    /// Makes a record.
    public init(
        taskID: String,
        status: TaskState,
        result: [UInt8] = Array("null".utf8),
        traceback: String? = nil,
        children: [ResultTuple]? = [],
        dateDone: Instant? = nil,
        utcOffset: Int = 0,
        groupID: String? = nil,
        parentID: String? = nil,
        extended: Extended? = nil,
        extra: JSONObject = .init()
    ) {
        self.taskID = taskID
        self.status = status
        self.result = result
        self.traceback = traceback
        self.children = children
        self.dateDone = dateDone
        self.utcOffset = utcOffset
        self.groupID = groupID
        self.parentID = parentID
        self.extended = extended
        self.extra = extra
    }

    /// The result as a value.
    public func value(limits: JSONLimits = .init()) throws(JSONError) -> JSONValue {
        try JSONReader.value(result, limits: limits)
    }

    /// The exception of a record whose state has one.
    public var exception: ExceptionInfo? {
        guard status.isException else { return nil }
        return (try? value()).flatMap(ExceptionInfo.init(json:))
    }
}
