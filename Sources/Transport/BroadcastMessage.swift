public import CeleryMessage

/// A message of remote control or of events: JSON in Kombu's envelope, for everybody who listens to an exchange.
public struct BroadcastMessage: Sendable, Hashable {
    /// The exchange's name, for example `celery.pidbox`.
    public var exchange: String
    /// The routing key; empty where all listeners are meant.
    public var routingKey: String
    /// The message's headers.
    public var headers: JSONObject
    /// The body as JSON text.
    public var body: [UInt8]
    /// Kombu's delivery mode: 2 for requests, 1 for replies and events.
    public var deliveryMode: Int

    /// Addresses a body.
    public init(
        exchange: String,
        routingKey: String = "",
        headers: JSONObject = JSONObject(),
        body: [UInt8],
        deliveryMode: Int = 1
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.headers = headers
        self.body = body
        self.deliveryMode = deliveryMode
    }

    /// The envelope, members in Kombu's order.
    public func encode() -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(body.count * 4 / 3 + 512)
        out += #"{"body": ""#.utf8
        out += Base64.encode(body)
        out += #"", "content-encoding": "utf-8", "content-type": "application/json", "headers": "#.utf8
        JSONWriter.write(headers, into: &out)
        out += #", "properties": {"delivery_mode": "#.utf8
        JSONWriter.write(.int(Int64(deliveryMode)), into: &out)
        out += #", "delivery_info": {"exchange": "#.utf8
        JSONWriter.writeString(exchange, into: &out)
        out += #", "routing_key": "#.utf8
        JSONWriter.writeString(routingKey, into: &out)
        out += #"}, "priority": 0, "body_encoding": "base64", "delivery_tag": "#.utf8
        JSONWriter.writeString(Identifier.uuid(), into: &out)
        out += "}}".utf8
        return out
    }
}

extension BroadcastMessage {
    /// The largest request or event that a worker reads.
    public static let largest = 1 << 20
    /// The largest reply that a client reads: those of `inspect` hold whole tasks.
    public static let largestReply = 64 << 20

    /// Reads an envelope: JSON bodies only, of a bounded size and depth.
    public init(decoding item: [UInt8], largest: Int = largest) throws(BroadcastError) {
        let envelope = try Self.json(item, largest)
        guard let properties = envelope["properties"], let text = envelope["body"]?.string else {
            throw BroadcastError("it is no message: body or properties are missing")
        }
        let type = envelope["content-type"]?.string ?? "application/json"
        guard type == "application/json" else { throw BroadcastError("its content type is \(type), not JSON") }
        if properties["body_encoding"]?.string == "base64" {
            guard let bytes = Base64.decode(text.utf8) else { throw BroadcastError("its body is no base64") }
            body = bytes
        } else {
            body = Array(text.utf8)
        }
        headers = envelope["headers"]?.object ?? JSONObject()
        exchange = properties["delivery_info"]?["exchange"]?.string ?? ""
        routingKey = properties["delivery_info"]?["routing_key"]?.string ?? ""
        deliveryMode = properties["delivery_mode"]?.int.flatMap { Int(exactly: $0) } ?? 1
    }

    /// The body as a value.
    public func value() throws(BroadcastError) -> JSONValue { try Self.json(body, Self.largestReply) }

    private static func json(_ bytes: [UInt8], _ largest: Int) throws(BroadcastError) -> JSONValue {
        do {
            return try JSONReader.value(bytes, limits: JSONLimits(depth: 128, bytes: largest))
        } catch {
            throw BroadcastError("it is no JSON: \(error)")
        }
    }
}

/// What is wrong with a message of remote control or of events.
public struct BroadcastError: Error, Sendable, CustomStringConvertible {
    /// The reason, in a few words.
    public let description: String

    /// Names the reason.
    public init(_ description: String) { self.description = description }
}
