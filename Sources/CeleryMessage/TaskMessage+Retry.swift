/// What a retry changes beside its time: the keyword arguments of `Task.retry`.
public struct RetryOverrides: Sendable, Hashable {
    /// Other positional arguments.
    public var args: [JSONValue]?
    /// Other keyword arguments.
    public var kwargs: JSONObject?
    /// Another queue.
    public var route: MessageRoute?
    /// Another priority.
    public var priority: Int?
    /// Another expiry.
    public var expires: Instant?
    /// Another hard time limit in seconds.
    public var hardTimeLimit: Double?
    /// Another soft time limit in seconds.
    public var softTimeLimit: Double?
    /// Headers to add.
    public var headers = JSONObject()

    /// Changes nothing.
    public init() {}
}

extension TaskMessage {
    /// The message that runs this task again (`celery/app/task.py`, `signature_from_request`).
    ///
    /// Identity, place in groups and chords, limits, stamps, custom headers and what follows the task are kept; the
    /// count of retries goes up, `argsrepr` and `kwargsrepr` are made anew, and a task without a parent becomes its
    /// own. It is written as JSON and uncompressed, with a fresh delivery tag, in protocol 2.
    ///
    /// - Parameters:
    ///   - countdown: how long to wait; zero or `nil` means at once.
    ///   - eta: when to run, instead of a countdown.
    ///   - now: the moment from which the countdown runs.
    ///   - overrides: what to change beside.
    public func retried(
        countdown: Duration? = nil,
        eta: Instant? = nil,
        now: Instant,
        overrides: RetryOverrides = .init()
    ) -> TaskMessage {
        var headers = headers
        headers.lang = "py"
        // A producer can write any number; the largest stays what it is.
        headers.retries += headers.retries < .max ? 1 : 0
        headers.parentID = headers.parentID ?? headers.id
        headers.compression = nil
        headers.redelivered = false
        headers.eta = nil
        if let eta {
            headers.eta = ISO8601.string(eta)
        } else if let countdown, countdown > .zero {
            headers.eta = ISO8601.string(now + countdown)
        }
        headers.hardTimeLimit = overrides.hardTimeLimit ?? headers.hardTimeLimit
        headers.softTimeLimit = overrides.softTimeLimit ?? headers.softTimeLimit
        for (key, value) in overrides.headers { headers.extra[key] = value }

        var message = TaskMessage(headers: headers, properties: retryProperties(overrides), payload: payload)
        message.replaceArguments(overrides)
        message.setExpires(overrides.expires.map { ISO8601.string($0) } ?? headers.expires, now: now)
        return message
    }

    private func retryProperties(_ overrides: RetryOverrides) -> MessageProperties {
        let route =
            overrides.route ?? MessageRoute(exchange: properties.exchange, routingKey: properties.routingKey)
        var fresh = MessageProperties(
            correlationID: headers.id,
            replyTo: properties.replyTo,
            exchange: route.exchange,
            routingKey: route.routingKey
        )
        fresh.priority = overrides.priority ?? properties.priority
        // Celery hands the first sender on as an option, which ends up among the properties.
        fresh.extra["origin"] = headers.origin.map(JSONValue.string) ?? .null
        return fresh
    }

    private mutating func replaceArguments(_ overrides: RetryOverrides) {
        if let args = overrides.args { payload.args = JSONWriter.bytes(.array(args)) }
        if let kwargs = overrides.kwargs { payload.kwargs = JSONWriter.bytes(.object(kwargs)) }
        // Texts of arguments that cannot be read stay as they came: they are for people only.
        if let args = try? payload.arguments() { headers.argsrepr = SafeRepr.args(args) }
        if let kwargs = try? payload.keywords() { headers.kwargsrepr = SafeRepr.kwargs(kwargs) }
    }

    /// Sets the expiry, and the milliseconds left as the property that goes with it.
    public mutating func setExpires(_ text: String?, now: Instant) {
        headers.expires = text
        properties.expiration = headers.expiresInstant.map { moment in
            String(max(0, (moment - now).microseconds / 1000))
        }
    }
}
