import CeleryMessage

extension RetryOverrides {
    /// The changes as an outcome frame carries them: `{"args", "kwargs", "queue", "exchange", "priority", "expires",
    /// "time_limit", "soft_time_limit", "headers"}`, what is unchanged left out; `expires` in microseconds since 1970 UTC.
    var json: JSONValue {
        var object = JSONObject()
        object["args"] = args.map(JSONValue.array)
        object["kwargs"] = kwargs.map(JSONValue.object)
        if let route {
            object["queue"] = .string(route.routingKey)
            object["exchange"] = .string(route.exchange)
        }
        object["priority"] = priority.map { .int(Int64($0)) }
        object["expires"] = expires.map { .int($0.microseconds) }
        object["time_limit"] = hardTimeLimit.map(JSONValue.double)
        object["soft_time_limit"] = softTimeLimit.map(JSONValue.double)
        if !headers.isEmpty { object["headers"] = .object(headers) }
        return .object(object)
    }

    /// Reads what ``json`` wrote; members that are not understood change nothing.
    init(json: JSONValue) {
        self.init()
        guard let object = json.object else { return }
        args = object["args"]?.array
        kwargs = object["kwargs"]?.object
        if let queue = object["queue"]?.string {
            route = MessageRoute(exchange: object["exchange"]?.string ?? "", routingKey: queue)
        }
        priority = object["priority"]?.int.flatMap { Int(exactly: $0) }
        expires = object["expires"]?.int.map(Instant.init(microseconds:))
        hardTimeLimit = object["time_limit"]?.number
        softTimeLimit = object["soft_time_limit"]?.number
        headers = object["headers"]?.object ?? JSONObject()
    }
}
