/// Turns message bodies and results into bytes and back: a serializer as Kombu registers them.
public protocol BodySerializer: Sendable {
    /// The name used in settings: `json`, `msgpack`, `yaml`.
    var name: String { get }
    /// The mime type on the wire.
    var contentType: String { get }
    /// The `content-encoding` on the wire: `utf-8` or `binary`.
    var contentEncoding: String { get }
    /// Reads one value.
    func decode(_ bytes: [UInt8], limits: JSONLimits) throws -> JSONValue
    /// Writes one value; throws for values the format has no form for.
    func encode(_ value: JSONValue) throws -> [UInt8]
}

/// Compresses message bodies and results, as `kombu/compression.py` registers it.
public protocol BodyCompression: Sendable {
    /// The mime name on the wire.
    var contentType: String { get }
    /// The names used in settings, which older messages carry too.
    var names: [String] { get }
    /// Compresses.
    func compress(_ bytes: [UInt8]) throws -> [UInt8]
    /// Decompresses; throws as soon as the result would be longer than `limit` bytes.
    func decompress(_ bytes: [UInt8], limit: Int) throws -> [UInt8]
}

/// Which serializers and compressions are known, and which content is accepted.
///
/// JSON is always known. Pickle never is: reading it would run code of the sender's choice.
public struct MessageCodecs: Sendable {
    /// The protocol for serializers.
    public typealias BodySerializer = CeleryMessage.BodySerializer
    /// The protocol for compressions.
    public typealias BodyCompression = CeleryMessage.BodyCompression

    /// JSON alone, nothing compressed: Celery's defaults.
    public static let json = MessageCodecs()

    private let serializers: [any BodySerializer]
    private let compressions: [any BodyCompression]
    private let acceptedTypes: Set<String>
    /// Whether `application/json` is accepted, looked up once because every message asks.
    let acceptsJSON: Bool

    /// Makes codecs.
    ///
    /// - Parameters:
    ///   - accept: names or mime types of the serializers to read (`accept_content`); JSON by default.
    ///   - serializers: formats beside JSON.
    ///   - compressions: compressions that can be read and written.
    public init(
        accept: Set<String> = ["json"],
        serializers: [any BodySerializer] = [],
        compressions: [any BodyCompression] = []
    ) {
        let known = [JSONSerializer()] + serializers
        self.serializers = known
        self.compressions = compressions
        acceptedTypes = Set(accept.map { name in known.first { $0.name == name }?.contentType ?? name })
        acceptsJSON = acceptedTypes.contains(JSONSerializer.contentType)
    }

    /// The serializer of a name or mime type.
    public func serializer(_ name: String) -> (any BodySerializer)? {
        serializers.first { $0.name == name || $0.contentType == name }
    }

    /// The compression of a name or mime type.
    public func compression(_ name: String) -> (any BodyCompression)? {
        compressions.first { $0.contentType == name || $0.names.contains(name) }
    }

    /// Whether messages of a mime type are read.
    public func accepts(contentType: String) -> Bool { acceptedTypes.contains(contentType) }
}

/// Celery's default serializer: JSON with Kombu's type tags.
public struct JSONSerializer: BodySerializer {
    static let contentType = "application/json"

    /// Makes the serializer.
    public init() {}

    /// `json`.
    public var name: String { "json" }
    /// `application/json`.
    public var contentType: String { Self.contentType }
    /// `utf-8`.
    public var contentEncoding: String { "utf-8" }

    /// Reads JSON.
    public func decode(_ bytes: [UInt8], limits: JSONLimits) throws -> JSONValue {
        try JSONReader.value(bytes, limits: limits)
    }

    /// Writes JSON.
    public func encode(_ value: JSONValue) throws -> [UInt8] { JSONWriter.bytes(value) }
}
