public import CeleryMessage

/// A request of remote control as it came (`kombu/pidbox.py`).
public struct ControlRequest: Sendable, Hashable {
    /// Where a reply goes.
    public struct ReplyAddress: Sendable, Hashable {
        /// The exchange of replies.
        public var exchange: String
        /// The routing key, which names the mailbox.
        public var routingKey: String

        /// Names a mailbox.
        public init(exchange: String, routingKey: String) {
            self.exchange = exchange
            self.routingKey = routingKey
        }
    }

    /// The command's name.
    public var method: String
    /// Its arguments by name.
    public var arguments: JSONObject
    /// The nodes it is for; empty for all.
    public var destination: [String]
    /// The names of nodes it is for, in the matcher's language.
    public var pattern: String?
    /// `glob` or `pcre`.
    public var matcher: String?
    /// What the reply repeats.
    public var ticket: String?
    /// Where the reply goes; `nil` when none is wanted.
    public var replyTo: ReplyAddress?

    /// Makes a request.
    public init(
        method: String,
        arguments: JSONObject = JSONObject(),
        destination: [String] = [],
        pattern: String? = nil,
        matcher: String? = nil,
        ticket: String? = nil,
        replyTo: ReplyAddress? = nil
    ) {
        self.method = method
        self.arguments = arguments
        self.destination = destination
        self.pattern = pattern
        self.matcher = matcher
        self.ticket = ticket
        self.replyTo = replyTo
    }

    /// Reads a request from its body.
    public init(body: JSONValue) throws(BroadcastError) {
        guard let method = body["method"]?.string else { throw BroadcastError("it names no method") }
        self.method = method
        switch body["arguments"] {
        case .object(let arguments)?: self.arguments = arguments
        case nil, .null?: arguments = JSONObject()
        default: throw BroadcastError("its arguments are no object")
        }
        if let one = body["destination"]?.string {
            destination = [one]
        } else {
            destination = body["destination"]?.array?.compactMap(\.string) ?? []
        }
        pattern = body["pattern"]?.string
        matcher = body["matcher"]?.string
        ticket = body["ticket"]?.string
        if let reply = body["reply_to"], let exchange = reply["exchange"]?.string,
            let routingKey = reply["routing_key"]?.string
        {
            replyTo = ReplyAddress(exchange: exchange, routingKey: routingKey)
        }
    }

    /// The body, members in Kombu's order.
    public var body: JSONValue {
        var body: JSONObject = [
            "method": .string(method),
            "arguments": .object(arguments),
            "destination": destination.isEmpty ? .null : .array(destination.map(JSONValue.string)),
            "pattern": pattern.map(JSONValue.string) ?? .null,
            "matcher": matcher.map(JSONValue.string) ?? .null,
        ]
        guard let replyTo else { return .object(body) }
        body["ticket"] = ticket.map(JSONValue.string) ?? .null
        body["reply_to"] = ["exchange": .string(replyTo.exchange), "routing_key": .string(replyTo.routingKey)]
        return .object(body)
    }
}
