extension Signature {
    /// A call of the task with this name on the wire, wherever it is written: ``init(task:args:kwargs:options:subtaskType:immutable:extra:)`` with what
    /// one usually says.
    ///
    /// - Parameter immutable: whether the result of the task before it is not put in front of the arguments, as `si` does.
    public init(_ task: String, args: [JSONValue] = [], kwargs: JSONObject = [:], immutable: Bool = false) {
        self.init(task: task, args: args, kwargs: kwargs, immutable: immutable)
    }

    /// The signature with options of `apply_async`; what is `nil` stays as it was.
    ///
    /// On a canvas they go to its tasks as Celery hands them on: those of a chain to its first task, those of a group to
    /// every member, those of a chord to header and body.
    ///
    /// - Parameters:
    ///   - taskID: the id to run under.
    ///   - queue: the queue, instead of what `task_routes` and the task's block say.
    ///   - countdown: how long to wait before it may run.
    ///   - eta: when it may run, instead of a countdown.
    ///   - expires: after how long it is not run any more, counted from sending.
    ///   - priority: 0...9 as a rule; 0 is the most urgent on Redis.
    ///   - timeLimit: after how long it is killed.
    ///   - softTimeLimit: after how long it is told to stop.
    ///   - ignoreResult: whether no result is stored.
    ///   - shadow: the name to show in logs and events.
    ///   - headers: message headers of one's own; they are added to those that are there.
    ///   - serializer: `json`, `yaml` or `msgpack`.
    ///   - compression: for example `zlib`.
    ///   - replyTo: what to write as `reply_to`.
    ///   - others: any other options by their names; unknown ones become properties of the message.
    public func set(
        taskID: String? = nil,
        queue: String? = nil,
        countdown: Duration? = nil,
        eta: Instant? = nil,
        expires: Duration? = nil,
        priority: Int? = nil,
        timeLimit: Duration? = nil,
        softTimeLimit: Duration? = nil,
        ignoreResult: Bool? = nil,
        shadow: String? = nil,
        headers: JSONObject? = nil,
        serializer: String? = nil,
        compression: String? = nil,
        replyTo: String? = nil,
        others: JSONObject = [:]
    ) -> Signature {
        var copy = self
        func put(_ key: String, _ value: JSONValue?) { if let value { copy.options[key] = value } }
        put("task_id", taskID.map(JSONValue.string))
        put("queue", queue.map(JSONValue.string))
        put("countdown", countdown.map(JSONValue.seconds))
        put("eta", eta.map { .string(ISO8601.string($0)) })
        put("expires", expires.map(JSONValue.seconds))
        put("priority", priority.map { .int(Int64($0)) })
        put("time_limit", timeLimit.map(JSONValue.seconds))
        put("soft_time_limit", softTimeLimit.map(JSONValue.seconds))
        put("ignore_result", ignoreResult.map(JSONValue.bool))
        put("shadow", shadow.map(JSONValue.string))
        if let headers { put("headers", .object((options["headers"]?.object ?? [:]).overlaid(with: headers))) }
        put("serializer", serializer.map(JSONValue.string))
        put("compression", compression.map(JSONValue.string))
        put("reply_to", replyTo.map(JSONValue.string))
        for (key, value) in others { copy.options[key] = value }
        return copy
    }

    /// The signature with arguments behind its own, and keyword arguments over its own: Celery's `clone`.
    public func adding(args: [JSONValue] = [], kwargs: JSONObject = [:]) -> Signature {
        var copy = self
        copy.args += args
        copy.kwargs = copy.kwargs.overlaid(with: kwargs)
        return copy
    }

    /// The signature, deaf to the result of the task before it, as Celery's `si`.
    public var immutably: Signature {
        var copy = self
        copy.immutable = true
        return copy
    }

    /// The signature with a task to be called with its result, as Celery's `link`.
    ///
    /// A chord hands the callback to its body, a group to its first task without a result.
    ///
    /// - Throws: ``MessageError`` for a canvas that lacks parts.
    public func link(_ callback: Signature) throws(MessageError) -> Signature {
        var copy = self
        try copy.link(callback.json)
        return copy
    }

    /// The signature with a task to be called when it fails, as Celery's `link_error`: with the failed task's id, or with
    /// `(request, exception, traceback)` where the errback takes that.
    ///
    /// - Throws: ``MessageError`` for a canvas that lacks parts.
    public func linkError(_ errback: Signature) throws(MessageError) -> Signature {
        var copy = self
        try copy.linkError(errback.json, .body)
        return copy
    }

    /// The signature and every part of it, callbacks and errbacks too, with stamps: headers that travel on to whatever
    /// the tasks send, and that workers can be told to revoke.
    ///
    /// A stamp of the same name is replaced.
    public func stamped(_ stamps: JSONObject) -> Signature {
        guard !stamps.isEmpty else { return self }
        var copy = self
        for key in ["link", "link_error"] where options[key] != nil {
            copy.options[key] = .array(Self.listed(options[key]).map { Self.stamped($0, stamps) })
        }
        switch kind {
        case .plain:
            for (name, stamp) in stamps { copy.options[name] = stamp }
            let names = (options["stamped_headers"]?.array ?? []) + stamps.keys.map(JSONValue.string)
            var seen: Set<JSONValue> = []
            copy.options["stamped_headers"] = .array(names.filter { seen.insert($0).inserted })
        case .chain, .group:
            copy.kwargs["tasks"] = kwargs["tasks"].map { Self.stamped($0, stamps) }
        case .chord:
            copy.kwargs["header"] = kwargs["header"].map { Self.stamped($0, stamps) }
            copy.kwargs["body"] = kwargs["body"].map { Self.stamped($0, stamps) }
        }
        return copy
    }

    /// A signature or a list of them with stamps; what is no signature stays as it is.
    private static func stamped(_ json: JSONValue, _ stamps: JSONObject) -> JSONValue {
        if let list = json.array { return .array(list.map { stamped($0, stamps) }) }
        guard let signature = try? Signature(json: json) else { return json }
        return signature.stamped(stamps).json
    }

    /// The right one after the left one, with its result: a chain, as Celery's `|`.
    ///
    /// Chains on either side are joined; a group on the left becomes the header of a chord when the chain is sent.
    public static func | (left: Signature, right: Signature) -> Signature {
        .chain(left.steps + right.steps)
    }

    /// The steps of a chain without options of its own, or the signature itself.
    private var steps: [Signature] {
        guard kind == .chain, options.isEmpty, args.isEmpty, let parts = try? parts() else { return [self] }
        return parts
    }
}

extension JSONValue {
    /// A number of seconds: an integer where it is whole.
    package static func seconds(_ duration: Duration) -> JSONValue { seconds(duration / .seconds(1)) }
}
