/// Arguments of a command or script, already formatted as RESP bulk strings.
///
/// Appending writes into one buffer, so building a command with hundreds of arguments allocates a handful of times.
/// Any byte is allowed: lengths are written before contents, nothing needs quoting, nothing can be injected.
public struct RedisArguments: Sendable, Hashable {
    /// How many arguments there are.
    public private(set) var count = 0
    /// The formatted arguments, without the leading array header.
    private(set) var bytes: [UInt8] = []

    /// No arguments yet.
    public init() {}

    /// These arguments, in order.
    public init<each Argument: RedisArgument>(_ argument: repeat each Argument) {
        repeat (each argument).append(to: &self)
    }

    /// These arguments, in order.
    public init(_ arguments: [some RedisArgument]) { append(contentsOf: arguments) }

    /// Makes room for this many more bytes, headers of the arguments included.
    public mutating func reserveCapacity(_ more: Int) { bytes.reserveCapacity(bytes.count + more) }

    /// Appends a text as UTF-8.
    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(buffer: UnsafeRawBufferPointer($0)) }
    }

    /// Appends bytes as they are.
    public mutating func append(_ value: [UInt8]) {
        value.withUnsafeBytes { append(buffer: $0) }
    }

    /// Appends bytes as they are.
    public mutating func append(_ value: ArraySlice<UInt8>) {
        value.withUnsafeBytes { append(buffer: $0) }
    }

    /// Appends an integer in decimal digits.
    public mutating func append(_ value: Int) { append(Int64(value)) }

    /// Appends an integer in decimal digits.
    public mutating func append(_ value: Int64) {
        count += 1
        bytes.append(UInt8(ascii: "$"))
        Self.writeDecimal(Int64(Self.decimalWidth(value)), to: &bytes)
        Self.endLine(&bytes)
        Self.writeDecimal(value, to: &bytes)
        Self.endLine(&bytes)
    }

    /// Appends a number in the shortest form that reads back exactly, as scores of sorted sets want it.
    public mutating func append(_ value: Double) {
        if let whole = Int64(exactly: value), abs(whole) < 1 << 53 {
            append(whole)
        } else if value.isInfinite {
            append(value < 0 ? "-inf" : "+inf")
        } else {
            append("\(value)")
        }
    }

    /// Appends one argument of any supported type.
    public mutating func append(_ argument: some RedisArgument) { argument.append(to: &self) }

    /// Appends several arguments, in order.
    public mutating func append(contentsOf arguments: [some RedisArgument]) {
        for argument in arguments { argument.append(to: &self) }
    }

    /// Appends arguments that are formatted already: a copy of their bytes.
    public mutating func append(contentsOf other: RedisArguments) {
        count += other.count
        bytes.append(contentsOf: other.bytes)
    }

    private mutating func append(buffer: UnsafeRawBufferPointer) {
        count += 1
        bytes.append(UInt8(ascii: "$"))
        Self.writeDecimal(Int64(buffer.count), to: &bytes)
        Self.endLine(&bytes)
        bytes.append(contentsOf: buffer)
        Self.endLine(&bytes)
    }

    private static func endLine(_ out: inout [UInt8]) {
        out.append(UInt8(ascii: "\r"))
        out.append(UInt8(ascii: "\n"))
    }

    /// How many characters the decimal form has, the sign included.
    static func decimalWidth(_ value: Int64) -> Int {
        var width = value < 0 ? 2 : 1
        var rest = value.magnitude
        while rest >= 10 {
            rest /= 10
            width += 1
        }
        return width
    }

    /// Writes the decimal form; `String(value)` would allocate for every number.
    static func writeDecimal(_ value: Int64, to out: inout [UInt8]) {
        if value < 0 { out.append(UInt8(ascii: "-")) }
        var divisor: UInt64 = 1
        let magnitude = value.magnitude
        while magnitude / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            out.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude / divisor % 10))
            divisor /= 10
        }
    }
}

extension RedisArguments: ExpressibleByArrayLiteral {
    /// Text arguments, in order.
    public init(arrayLiteral elements: String...) { self.init(elements) }
}
