/// The properties of a message: what Kombu's virtual transport needs to deliver it (`kombu/transport/virtual/base.py`).
public struct MessageProperties: Sendable, Hashable {
    /// The task's id.
    public var correlationID: String?
    /// Where an RPC backend would send the result; tasks pass it on.
    public var replyTo: String?
    /// 2 for persistent, 1 for transient; Redis makes no difference.
    public var deliveryMode = 2
    /// The exchange; empty for the anonymous one, which routes by queue name.
    public var exchange: String
    /// The routing key; the queue's name with the anonymous exchange.
    public var routingKey: String
    /// 0...9 as a rule, larger is more urgent; kept as the caller gave it.
    public var priority = 0
    /// The key under which Kombu holds the message while it is unacknowledged; a fresh one is made when `nil`.
    public var deliveryTag: String?
    /// `base64` when the body is wrapped in it; any other value means plain text.
    public var bodyEncoding: String?
    /// Milliseconds to live as a string; not enforced on Redis.
    public var expiration: String?
    /// Whether the delivery information carries the mark of an earlier delivery.
    public var redelivered = false
    /// Unknown members of the delivery information.
    public var deliveryInfo = JSONObject()
    /// Every other property in order, such as `app_id`.
    public var extra = JSONObject()

    /// Makes the properties of a message for a queue.
    public init(correlationID: String? = nil, replyTo: String? = nil, exchange: String = "", routingKey: String) {
        self.correlationID = correlationID
        self.replyTo = replyTo
        self.exchange = exchange
        self.routingKey = routingKey
    }
}

extension MessageProperties {
    /// The properties as Python's `self.request.properties` shows them; those that concern the transport alone are left
    /// out.
    public var json: JSONValue {
        var info = deliveryInfo
        info["exchange"] = .string(exchange)
        info["routing_key"] = .string(routingKey)
        var object: JSONObject = [
            "correlation_id": correlationID.map(JSONValue.string) ?? .null,
            "reply_to": replyTo.map(JSONValue.string) ?? .null,
            "delivery_mode": .int(Int64(deliveryMode)),
            "delivery_info": .object(info),
            "priority": .int(Int64(priority)),
        ]
        object["expiration"] = expiration.map(JSONValue.string)
        for (key, value) in extra { object[key] = value }
        return .object(object)
    }
}
