/// One reply of the server, as RESP2 knows them.
public enum RedisReply: Sendable, Equatable {
    /// A bulk string: bytes of any kind.
    case string([UInt8])
    /// A status such as `OK`.
    case status(String)
    /// An integer.
    case integer(Int64)
    /// Nothing: a missing key, an aborted transaction.
    case null
    /// Several replies.
    case array([RedisReply])
    /// An error, by its text: `WRONGTYPE Operation against a key…`.
    case error(String)
}

extension RedisReply {
    /// The bytes of a bulk string or status; nil for everything else.
    public var bytes: [UInt8]? {
        switch self {
        case .string(let bytes): bytes
        case .status(let text): Array(text.utf8)
        default: nil
        }
    }

    /// The text of a bulk string or status, invalid UTF-8 repaired; nil for everything else.
    public var text: String? {
        switch self {
        case .string(let bytes): String(decoding: bytes, as: UTF8.self)
        case .status(let text): text
        default: nil
        }
    }

    /// The integer, also when it is written in a bulk string; nil for everything else.
    public var int: Int? {
        switch self {
        case .integer(let value): Int(exactly: value)
        case .string, .status: text.flatMap { Int($0) }
        default: nil
        }
    }

    /// The number, also when it is written in a bulk string as scores are; nil for everything else.
    public var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .string, .status: text.flatMap { Double($0) }
        default: nil
        }
    }

    /// The elements of an array; nil for everything else.
    public var array: [RedisReply]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// Whether this is the null reply.
    public var isNull: Bool { self == .null }

    /// Whether this is an error reply.
    public var isError: Bool {
        if case .error = self { true } else { false }
    }

    /// The error that an error reply stands for; nil for everything else.
    public var error: RedisError? {
        if case .error(let text) = self { RedisError(reply: text) } else { nil }
    }

    /// The reply itself, or its error thrown.
    public func get() throws(RedisError) -> RedisReply {
        if case .error(let text) = self { throw RedisError(reply: text) }
        return self
    }
}
