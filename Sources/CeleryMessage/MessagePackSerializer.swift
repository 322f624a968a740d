/// MessagePack as Kombu writes and reads it: the `bin` type for bytes, text for everything raw.
///
/// Integers beyond 64 bits, dates, decimals and UUIDs have no form here, as in Python's `msgpack`.
public struct MessagePackSerializer: BodySerializer {
    /// Makes the serializer.
    public init() {}

    /// `msgpack`.
    public var name: String { "msgpack" }
    /// `application/x-msgpack`.
    public var contentType: String { "application/x-msgpack" }
    /// `binary`.
    public var contentEncoding: String { "binary" }

    /// Reads one value; throws ``MessagePackError`` for anything that is not exactly that.
    public func decode(_ bytes: [UInt8], limits: JSONLimits) throws -> JSONValue {
        guard bytes.count <= limits.bytes else { throw MessagePackError("longer than allowed", at: limits.bytes) }
        var reader = MessagePackReader(bytes: bytes, maximumDepth: limits.depth)
        let value = try reader.value(depth: 0)
        guard reader.position == bytes.count else { throw reader.error("something follows the value") }
        return value
    }

    /// Writes one value, each part in its shortest form.
    public func encode(_ value: JSONValue) throws -> [UInt8] {
        var out: [UInt8] = []
        try MessagePackWriter.write(value, into: &out)
        return out
    }
}

/// Why MessagePack could not be read or written.
public struct MessagePackError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was wrong.
    public let message: String
    /// The byte at which reading stopped; `nil` on writing.
    public let offset: Int?

    /// Makes an error.
    public init(_ message: String, at offset: Int? = nil) {
        self.message = message
        self.offset = offset
    }

    /// The message with its place.
    public var description: String { offset.map { "\(message) at byte \($0)" } ?? message }
}

/// Walks MessagePack bytes; every count is compared with what is left before memory is taken for it.
private struct MessagePackReader {
    let bytes: [UInt8]
    let maximumDepth: Int
    var position = 0

    init(bytes: [UInt8], maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    func error(_ message: String) -> MessagePackError { MessagePackError(message, at: position) }

    mutating func value(depth: Int) throws(MessagePackError) -> JSONValue {
        let code = UInt8(try unsigned(1))
        switch code {
        case 0x00...0x7F: return .int(Int64(code))
        case 0x80...0x8F: return try map(Int(code & 0x0F), depth)
        case 0x90...0x9F: return try list(Int(code & 0x0F), depth)
        case 0xA0...0xBF: return .string(try string(Int(code & 0x1F)))
        case 0xC0: return .null
        case 0xC2: return .bool(false)
        case 0xC3: return .bool(true)
        case 0xC4...0xC6: return .tagged(.bytes(Array(try take(Int(try unsigned(1 << Int(code - 0xC4)))))))
        case 0xCA: return .double(Double(Float(bitPattern: UInt32(try unsigned(4)))))
        case 0xCB: return .double(Double(bitPattern: try unsigned(8)))
        case 0xCC...0xCF:
            let number = try unsigned(1 << Int(code - 0xCC))
            return Int64(exactly: number).map(JSONValue.int) ?? .bigInt(String(number))
        case 0xD0: return .int(Int64(Int8(truncatingIfNeeded: try unsigned(1))))
        case 0xD1: return .int(Int64(Int16(truncatingIfNeeded: try unsigned(2))))
        case 0xD2: return .int(Int64(Int32(truncatingIfNeeded: try unsigned(4))))
        case 0xD3: return .int(Int64(bitPattern: try unsigned(8)))
        case 0xD9...0xDB: return .string(try string(Int(try unsigned(1 << Int(code - 0xD9)))))
        case 0xDC, 0xDD: return try list(Int(try unsigned(code == 0xDC ? 2 : 4)), depth)
        case 0xDE, 0xDF: return try map(Int(try unsigned(code == 0xDE ? 2 : 4)), depth)
        case 0xE0...0xFF: return .int(Int64(Int8(bitPattern: code)))
        default: throw MessagePackError("unsupported type 0x" + String(code, radix: 16), at: position - 1)
        }
    }

    private mutating func take(_ count: Int) throws(MessagePackError) -> ArraySlice<UInt8> {
        guard count <= bytes.count - position else { throw error("the data ends inside a value") }
        position += count
        return bytes[position - count..<position]
    }

    private mutating func unsigned(_ count: Int) throws(MessagePackError) -> UInt64 {
        try take(count).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func string(_ count: Int) throws(MessagePackError) -> String {
        let start = position
        guard let text = String(validating: try take(count), as: UTF8.self) else {
            throw MessagePackError("invalid UTF-8", at: start)
        }
        return Surrogates.held(text)
    }

    private mutating func enter(_ count: Int, _ depth: Int) throws(MessagePackError) {
        guard depth < maximumDepth else { throw error("nested too deeply") }
        guard count <= bytes.count - position else { throw error("the data ends inside a value") }
    }

    private mutating func list(_ count: Int, _ depth: Int) throws(MessagePackError) -> JSONValue {
        try enter(count, depth)
        var values: [JSONValue] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try value(depth: depth + 1)) }
        return .array(values)
    }

    private mutating func map(_ count: Int, _ depth: Int) throws(MessagePackError) -> JSONValue {
        try enter(count, depth)
        var object = JSONObject()
        for _ in 0..<count {
            let key = try key(depth)
            object[key] = try value(depth: depth + 1)
        }
        return .object(object)
    }

    /// A key as text; numbers and constants become what JSON would have made of them.
    private mutating func key(_ depth: Int) throws(MessagePackError) -> String {
        let start = position
        switch try value(depth: depth + 1) {
        case .string(let text): return text
        case .int, .bigInt, .double, .bool, .null:
            var reader = MessagePackReader(bytes: bytes, maximumDepth: maximumDepth)
            reader.position = start
            return JSONWriter.string(try reader.value(depth: depth + 1))
        default: throw MessagePackError("a key is no text", at: start)
        }
    }
}

private enum MessagePackWriter {
    static func write(_ value: JSONValue, into out: inout [UInt8]) throws(MessagePackError) {
        switch value {
        case .null: out.append(0xC0)
        case .bool(let flag): out.append(flag ? 0xC3 : 0xC2)
        case .int(let number): writeInteger(number, into: &out)
        case .bigInt(let digits):
            guard let number = UInt64(digits) else { throw MessagePackError("an integer beyond 64 bits") }
            out.append(0xCF)
            append(number, bytes: 8, to: &out)
        case .double(let number):
            out.append(0xCB)
            append(number.bitPattern, bytes: 8, to: &out)
        case .string(let text): try writeString(text, into: &out)
        case .array(let values):
            try head(values.count, short: (0x90, 15), long: [(0xDC, 2), (0xDD, 4)], into: &out)
            for element in values { try write(element, into: &out) }
        case .object(let object):
            try head(object.count, short: (0x80, 15), long: [(0xDE, 2), (0xDF, 4)], into: &out)
            for (key, member) in object {
                try writeString(key, into: &out)
                try write(member, into: &out)
            }
        case .tagged(.bytes(let bytes)):
            try head(bytes.count, short: nil, long: [(0xC4, 1), (0xC5, 2), (0xC6, 4)], into: &out)
            out.append(contentsOf: bytes)
        case .tagged: throw MessagePackError("a date, decimal or UUID, which MessagePack has no form for")
        }
    }

    private static func writeString(_ text: String, into out: inout [UInt8]) throws(MessagePackError) {
        guard let bytes = Surrogates.utf8(text) else { throw MessagePackError("a lone surrogate in a text") }
        try head(bytes.count, short: (0xA0, 31), long: [(0xD9, 1), (0xDA, 2), (0xDB, 4)], into: &out)
        out.append(contentsOf: bytes)
    }

    private static func writeInteger(_ number: Int64, into out: inout [UInt8]) {
        switch number {
        case -32..<0: out.append(UInt8(bitPattern: Int8(number)))
        case 0...0x7F: out.append(UInt8(number))
        case 0x80...0xFF: appendInteger(0xCC, number, bytes: 1, to: &out)
        case 0x100...0xFFFF: appendInteger(0xCD, number, bytes: 2, to: &out)
        case 0x1_0000...0xFFFF_FFFF: appendInteger(0xCE, number, bytes: 4, to: &out)
        case 0x1_0000_0000...Int64.max: appendInteger(0xCF, number, bytes: 8, to: &out)
        case -0x80...(-33): appendInteger(0xD0, number, bytes: 1, to: &out)
        case -0x8000...(-0x81): appendInteger(0xD1, number, bytes: 2, to: &out)
        case -0x8000_0000...(-0x8001): appendInteger(0xD2, number, bytes: 4, to: &out)
        default: appendInteger(0xD3, number, bytes: 8, to: &out)
        }
    }

    private static func appendInteger(_ code: UInt8, _ number: Int64, bytes: Int, to out: inout [UInt8]) {
        out.append(code)
        append(UInt64(bitPattern: number), bytes: bytes, to: &out)
    }

    /// The code and count of a string or container in the shortest form that holds it.
    private static func head(
        _ count: Int,
        short: (code: UInt8, limit: Int)?,
        long: [(code: UInt8, bytes: Int)],
        into out: inout [UInt8]
    ) throws(MessagePackError) {
        if let short, count <= short.limit { return out.append(short.code | UInt8(count)) }
        guard let form = long.first(where: { count < 1 << (8 * $0.bytes) }) else {
            throw MessagePackError("more parts than MessagePack can count")
        }
        out.append(form.code)
        append(UInt64(count), bytes: form.bytes, to: &out)
    }

    private static func append(_ number: UInt64, bytes: Int, to out: inout [UInt8]) {
        for index in (0..<bytes).reversed() { out.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * index))) }
    }
}
