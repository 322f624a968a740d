import NIOCore

/// One command with its arguments, formatted as it goes on the wire.
///
/// ```swift
/// var command = RedisCommand("ZADD", key)
/// for (tag, score) in held { command.append(score); command.append(tag) }
/// ```
public struct RedisCommand: Sendable, Hashable {
    /// The name and the arguments.
    private(set) var parts: RedisArguments
    /// How many replies the server sends: one, except for the (un)subscribe commands, which confirm each channel.
    var replyCount = 1

    /// A command without arguments, or one whose arguments are appended afterwards (the cheapest way to many).
    public init(_ name: String) {
        parts = RedisArguments()
        parts.append(name)
    }

    /// A command with arguments of mixed types.
    public init<each Argument: RedisArgument>(_ name: String, _ argument: repeat each Argument) {
        parts = RedisArguments()
        parts.append(name)
        repeat (each argument).append(to: &parts)
    }

    /// A command with arguments of one type.
    public init(_ name: String, arguments: [some RedisArgument]) {
        self.init(name)
        parts.append(contentsOf: arguments)
    }

    /// How many arguments there are, the name not counted.
    public var argumentCount: Int { parts.count - 1 }

    /// Makes room for this many more bytes.
    public mutating func reserveCapacity(_ more: Int) { parts.reserveCapacity(more) }

    /// Appends a text as UTF-8.
    public mutating func append(_ text: String) { parts.append(text) }

    /// Appends bytes as they are.
    public mutating func append(_ value: [UInt8]) { parts.append(value) }

    /// Appends bytes as they are.
    public mutating func append(_ value: ArraySlice<UInt8>) { parts.append(value) }

    /// Appends an integer in decimal digits.
    public mutating func append(_ value: Int) { parts.append(value) }

    /// Appends a number in the shortest form that reads back exactly.
    public mutating func append(_ value: Double) { parts.append(value) }

    /// Appends several arguments, in order.
    public mutating func append(contentsOf arguments: [some RedisArgument]) { parts.append(contentsOf: arguments) }

    /// Appends arguments that are formatted already.
    public mutating func append(contentsOf arguments: RedisArguments) { parts.append(contentsOf: arguments) }

    /// The command as RESP: an array of bulk strings.
    public var wireBytes: [UInt8] {
        var out: [UInt8] = [UInt8(ascii: "*")]
        out.reserveCapacity(parts.bytes.count + 16)
        RedisArguments.writeDecimal(Int64(parts.count), to: &out)
        out += [UInt8(ascii: "\r"), UInt8(ascii: "\n")]
        out += parts.bytes
        return out
    }

    /// Appends the command to what is about to be written.
    func write(to out: inout ByteBuffer) {
        out.writeInteger(UInt8(ascii: "*"))
        out.writeString(String(parts.count))
        out.writeInteger(UInt16(0x0D0A))
        out.writeBytes(parts.bytes)
    }
}
