public import CeleryMessage
public import Schedules

/// Where a task's messages go, as the configuration says.
public struct TaskRoute: Sendable, Hashable {
    /// The queue.
    public var queue: String
    /// Whether results are not stored; `nil` for a task that the configuration does not know.
    public var ignoresResult: Bool?

    /// A route.
    public init(queue: String, ignoresResult: Bool? = nil) {
        self.queue = queue
        self.ignoresResult = ignoresResult
    }
}

/// Writes the messages of slots, as Celery's beat writes them.
public struct MessageWriter: Sendable {
    /// The forms and compressions there are.
    public var codecs: MessageCodecs
    /// The form of bodies whose entry names none.
    public var serializer: String
    /// Who sends: `gen<pid>@<host>`.
    public var origin: String
    /// What stands as `reply_to`.
    public var replyTo: String
    /// Where tasks go.
    public var route: @Sendable (String) -> TaskRoute

    /// A writer.
    public init(
        codecs: MessageCodecs = .json,
        serializer: String = "json",
        origin: String,
        replyTo: String,
        route: @escaping @Sendable (String) -> TaskRoute
    ) {
        self.codecs = codecs
        self.serializer = serializer
        self.origin = origin
        self.replyTo = replyTo
        self.route = route
    }

    /// The message of an entry's slot that is sent now.
    public func message(_ entry: ScheduleEntry, id: String, now: Instant) throws(MessageError) -> SlotEmission.Message {
        let options = entry.options
        let route = route(entry.task)
        let queue = options.queue ?? route.queue
        var headers = TaskHeaders(task: entry.task, id: id)
        headers.shadow = options.shadow
        headers.hardTimeLimit = options.timeLimit
        headers.softTimeLimit = options.softTimeLimit
        headers.origin = origin
        headers.ignoreResult = options.ignoresResult ?? route.ignoresResult
        headers.argsrepr = argsrepr(entry)
        headers.kwargsrepr = entry.kwargs == ScheduleEntry.noKeywords ? "{}" : kwargsrepr(entry)
        headers.extra = options.headers
        headers.extra["celery_beat_task"] = true
        if let countdown = options.countdown { headers.eta = ISO8601.string(now.advanced(bySeconds: countdown)) }
        if let eta = options.eta { headers.eta = eta }
        var properties = MessageProperties(correlationID: id, replyTo: replyTo, routingKey: queue)
        properties.priority = options.priority
        var message = TaskMessage(
            headers: headers,
            properties: properties,
            payload: TaskPayload(args: entry.args, kwargs: entry.kwargs)
        )
        switch options.expires {
        case .after(let seconds)?: message.setExpires(ISO8601.string(now.advanced(bySeconds: seconds)), now: now)
        case .at(let moment)?: message.setExpires(moment, now: now)
        case nil: break
        }
        let item = try message.encode(
            codecs: codecs,
            serializer: options.serializer ?? serializer,
            compression: options.compression
        )
        return SlotEmission.Message(queue: queue, priority: options.priority, item: item)
    }

    /// Celery's beat prints the list that the schedule has, and a tuple where it has none.
    private func argsrepr(_ entry: ScheduleEntry) -> String {
        guard entry.args != ScheduleEntry.noArguments, let value = try? JSONReader.value(entry.args) else {
            return "()"  // the text was made from a value, so it reads
        }
        return SafeRepr.value(value)
    }

    private func kwargsrepr(_ entry: ScheduleEntry) -> String {
        guard let value = try? JSONReader.value(entry.kwargs) else { return "{}" }  // as above
        return SafeRepr.value(value)
    }
}
