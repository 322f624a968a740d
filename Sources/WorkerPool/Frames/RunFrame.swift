import CeleriacTasks
import CeleryMessage

/// The run frame: one task for a pool process.
extension PoolTask {
    private enum Tag {
        static let job: UInt8 = 1
        static let task: UInt8 = 2
        static let args: UInt8 = 3
        static let kwargs: UInt8 = 4
        static let queue: UInt8 = 5
        static let hostname: UInt8 = 6
        static let redelivered: UInt8 = 7
        static let softTimeLimit: UInt8 = 8
        static let timeLimit: UInt8 = 9
        static let maxRetries: UInt8 = 10
    }

    /// The message's headers; what is absent has the value of a plain message.
    fileprivate enum HeaderTag {
        static let id: UInt8 = 32
        static let rootID: UInt8 = 33
        static let parentID: UInt8 = 34
        static let retries: UInt8 = 35
        static let origin: UInt8 = 36
        static let argsrepr: UInt8 = 37
        static let kwargsrepr: UInt8 = 38
        static let lang: UInt8 = 39
        static let shadow: UInt8 = 40
        static let eta: UInt8 = 41
        static let expires: UInt8 = 42
        static let group: UInt8 = 43
        static let groupIndex: UInt8 = 44
        static let hardTimeLimit: UInt8 = 45
        static let softTimeLimit: UInt8 = 46
        static let ignoreResult: UInt8 = 47
        static let replacedTaskNesting: UInt8 = 48
        static let stampedHeaders: UInt8 = 49
        static let stamps: UInt8 = 50
        static let compression: UInt8 = 51
        static let redelivered: UInt8 = 52
        static let extra: UInt8 = 53
    }

    /// The message's properties but for those that only concern its transport; what is absent has the value of a plain
    /// message for the queue it came from.
    fileprivate enum PropertyTag {
        static let correlationID: UInt8 = 64
        static let replyTo: UInt8 = 65
        static let deliveryMode: UInt8 = 66
        static let exchange: UInt8 = 67
        static let routingKey: UInt8 = 68
        static let priority: UInt8 = 69
        static let expiration: UInt8 = 70
        static let deliveryInfo: UInt8 = 71
        static let extra: UInt8 = 72
    }

    /// How many bytes of arguments there are.
    var argumentBytes: Int { request.args.count + request.kwargs.count }

    /// Appends this task as a run frame, unless its payload is above `limit`, and returns the payload's length.
    func append(to writer: inout FrameWriter, limit: Int) -> Int {
        let start = writer.bytes.count
        let length = write(to: &writer)
        if length > limit { writer.truncate(to: start) }
        return length
    }

    private func write(to writer: inout FrameWriter) -> Int {
        writer.append(.run) { writer in
            writer.field(Tag.job, job)
            writer.field(Tag.task, request.task)
            writer.field(Tag.args, request.args)
            writer.field(Tag.kwargs, request.kwargs)
            writer.field(Tag.queue, request.queue)
            writer.field(Tag.hostname, request.hostname)
            if request.redelivered { writer.flag(Tag.redelivered) }
            writer.field(Tag.softTimeLimit, request.softTimeLimit)
            writer.field(Tag.timeLimit, request.timeLimit)
            writer.field(Tag.maxRetries, request.maxRetries)
            append(request.headers, to: &writer)
            append(request.properties, to: &writer)
        }
    }

    private func append(_ properties: MessageProperties, to writer: inout FrameWriter) {
        if properties.correlationID != request.id { writer.field(PropertyTag.correlationID, properties.correlationID) }
        writer.field(PropertyTag.replyTo, properties.replyTo)
        if properties.deliveryMode != 2 { writer.field(PropertyTag.deliveryMode, properties.deliveryMode) }
        if !properties.exchange.isEmpty { writer.field(PropertyTag.exchange, properties.exchange) }
        if properties.routingKey != request.queue { writer.field(PropertyTag.routingKey, properties.routingKey) }
        if properties.priority != 0 { writer.field(PropertyTag.priority, properties.priority) }
        writer.field(PropertyTag.expiration, properties.expiration)
        if !properties.deliveryInfo.isEmpty {
            writer.field(PropertyTag.deliveryInfo, JSONWriter.bytes(.object(properties.deliveryInfo)))
        }
        if !properties.extra.isEmpty {
            writer.field(PropertyTag.extra, JSONWriter.bytes(.object(properties.extra)))
        }
    }

    private func append(_ headers: TaskHeaders, to writer: inout FrameWriter) {
        writer.field(HeaderTag.id, headers.id)
        writer.field(HeaderTag.rootID, headers.rootID)
        writer.field(HeaderTag.parentID, headers.parentID)
        if headers.retries != 0 { writer.field(HeaderTag.retries, headers.retries) }
        writer.field(HeaderTag.origin, headers.origin)
        writer.field(HeaderTag.argsrepr, headers.argsrepr)
        writer.field(HeaderTag.kwargsrepr, headers.kwargsrepr)
        if headers.lang != "py" { writer.field(HeaderTag.lang, headers.lang) }
        writer.field(HeaderTag.shadow, headers.shadow)
        writer.field(HeaderTag.eta, headers.eta)
        writer.field(HeaderTag.expires, headers.expires)
        writer.field(HeaderTag.group, headers.group)
        writer.field(HeaderTag.groupIndex, headers.groupIndex)
        writer.field(HeaderTag.hardTimeLimit, headers.hardTimeLimit)
        writer.field(HeaderTag.softTimeLimit, headers.softTimeLimit)
        if let ignore = headers.ignoreResult { writer.field(HeaderTag.ignoreResult, UInt64(ignore ? 1 : 0)) }
        if headers.replacedTaskNesting != 0 { writer.field(HeaderTag.replacedTaskNesting, headers.replacedTaskNesting) }
        if let names = headers.stampedHeaders {
            writer.field(HeaderTag.stampedHeaders, JSONWriter.bytes(.array(names.map(JSONValue.string))))
        }
        if !headers.stamps.isEmpty { writer.field(HeaderTag.stamps, JSONWriter.bytes(.object(headers.stamps))) }
        writer.field(HeaderTag.compression, headers.compression)
        if headers.redelivered { writer.flag(HeaderTag.redelivered) }
        if !headers.extra.isEmpty { writer.field(HeaderTag.extra, JSONWriter.bytes(.object(headers.extra))) }
    }

    /// Reads a run frame.
    ///
    /// - Throws: ``PoolError`` for what is not one; job, task and id must be there.
    init(runFrame payload: RawSpan) throws(PoolError) {
        var job: UInt64?
        var headers = TaskHeaders(task: "", id: "")
        headers.rootID = nil
        var (args, kwargs): ([UInt8], [UInt8]) = ([], [])
        var (queue, hostname) = ("", "")
        var redelivered = false
        var (softTimeLimit, timeLimit): (Double?, Double?)
        var maxRetries: Int?
        var properties = MessageProperties(routingKey: "")
        try Frame.fields(of: payload) { tag, value throws(PoolError) in
            switch tag {
            case Tag.job: job = try value.number()
            case Tag.task: headers.task = value.text
            case Tag.args: args = value.array
            case Tag.kwargs: kwargs = value.array
            case Tag.queue: queue = value.text
            case Tag.hostname: hostname = value.text
            case Tag.redelivered: redelivered = try value.int() != 0
            case Tag.softTimeLimit: softTimeLimit = try value.double()
            case Tag.timeLimit: timeLimit = try value.double()
            case Tag.maxRetries: maxRetries = try value.int()
            case PropertyTag.correlationID...: try properties.read(tag, value)
            default: try headers.read(tag, value)
            }
        }
        guard let job, !headers.task.isEmpty, !headers.id.isEmpty else {
            throw PoolError(code: .malformedFrame, message: "a run frame without job, task or id")
        }
        properties.correlationID = properties.correlationID ?? headers.id
        if properties.routingKey.isEmpty { properties.routingKey = queue }
        let request = TaskRequest(
            received: ReceivedMessage(
                TaskMessage(
                    headers: headers,
                    properties: properties,
                    payload: TaskPayload(args: args, kwargs: kwargs)
                )
            ),
            queue: queue,
            hostname: hostname,
            redelivered: redelivered,
            softTimeLimit: softTimeLimit,
            timeLimit: timeLimit,
            maxRetries: maxRetries
        )
        self.init(job: job, request: request)
    }
}

extension TaskHeaders {
    fileprivate mutating func read(_ tag: UInt8, _ value: RawSpan) throws(PoolError) {
        typealias Tag = PoolTask.HeaderTag
        switch tag {
        case Tag.id: id = value.text
        case Tag.rootID: rootID = value.text
        case Tag.parentID: parentID = value.text
        case Tag.retries: retries = try value.int()
        case Tag.origin: origin = value.text
        case Tag.argsrepr: argsrepr = value.text
        case Tag.kwargsrepr: kwargsrepr = value.text
        case Tag.lang: lang = value.text
        case Tag.shadow: shadow = value.text
        case Tag.eta: eta = value.text
        case Tag.expires: expires = value.text
        case Tag.group: group = value.text
        case Tag.groupIndex: groupIndex = try value.int()
        case Tag.hardTimeLimit: hardTimeLimit = try value.double()
        case Tag.softTimeLimit: softTimeLimit = try value.double()
        case Tag.ignoreResult: ignoreResult = try value.int() != 0
        case Tag.replacedTaskNesting: replacedTaskNesting = try value.int()
        case Tag.stampedHeaders: stampedHeaders = try value.json().array?.compactMap(\.string)
        case Tag.stamps: stamps = try value.json().object ?? [:]
        case Tag.compression: compression = value.text
        case Tag.redelivered: redelivered = try value.int() != 0
        case Tag.extra: extra = try value.json().object ?? [:]
        default: break
        }
    }
}

extension MessageProperties {
    fileprivate mutating func read(_ tag: UInt8, _ value: RawSpan) throws(PoolError) {
        typealias Tag = PoolTask.PropertyTag
        switch tag {
        case Tag.correlationID: correlationID = value.text
        case Tag.replyTo: replyTo = value.text
        case Tag.deliveryMode: deliveryMode = try value.int()
        case Tag.exchange: exchange = value.text
        case Tag.routingKey: routingKey = value.text
        case Tag.priority: priority = try value.int()
        case Tag.expiration: expiration = value.text
        case Tag.deliveryInfo: deliveryInfo = try value.json().object ?? [:]
        case Tag.extra: extra = try value.json().object ?? [:]
        default: break
        }
    }
}
