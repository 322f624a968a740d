/// A message between the controller and a pool process; `Docs/PoolProtocol.md` has the format.
///
/// A frame is eight bytes (payload length, kind, three zero bytes) and a payload of fields, each a tag, a length and its
/// bytes. Whoever reads skips tags it does not know, so fields can be added without a new version.
public enum Frame {
    /// The version both sides must have.
    public static let version: UInt64 = 1
    /// The largest payload by default, in bytes: 128 MiB.
    public static let defaultLimit = 128 << 20
    /// The descriptor of the socket in a pool process.
    static let socketDescriptor: Int32 = 3
    /// The descriptor of the ``StartBoard`` in a pool process.
    static let boardDescriptor: Int32 = 4
    /// Bytes before the payload.
    static let headerSize = 8

    /// What a frame says.
    enum Kind: UInt8 {
        case hello = 1
        case ready = 2
        case run = 3
        case outcome = 4
        case recall = 5
        case returned = 6
        case cancel = 7
        case state = 8
        case log = 9
        case shutdown = 10
    }

    /// The kind and payload length of the frame that begins at `offset`, or `nil` while its header is incomplete.
    ///
    /// - Throws: ``PoolError`` for an unknown kind or a payload above `limit`.
    static func header(
        of bytes: RawSpan,
        at offset: Int,
        limit: Int
    ) throws(PoolError) -> (kind: Kind, length: Int)? {
        guard bytes.byteCount - offset >= headerSize else { return nil }
        let length = Int(UInt32(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        let code = bytes.unsafeLoadUnaligned(fromByteOffset: offset + 4, as: UInt8.self)
        guard let kind = Kind(rawValue: code) else {
            throw PoolError(code: .malformedFrame, message: "unknown frame kind \(code)")
        }
        guard length <= limit else {
            throw PoolError(code: .malformedFrame, message: "frame of \(length) bytes, at most \(limit) allowed")
        }
        return (kind, length)
    }

    /// Calls `body` with every field of a payload in order.
    ///
    /// - Throws: ``PoolError`` when a field reaches beyond the payload, and what `body` throws.
    static func fields(
        of payload: RawSpan,
        _ body: (_ tag: UInt8, _ value: RawSpan) throws(PoolError) -> Void
    ) throws(PoolError) {
        var offset = 0
        while offset < payload.byteCount {
            guard payload.byteCount - offset >= 5 else { throw cut }
            let tag = payload.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
            let size = UInt32(littleEndian: payload.unsafeLoadUnaligned(fromByteOffset: offset + 1, as: UInt32.self))
            offset += 5
            guard payload.byteCount - offset >= Int(size) else { throw cut }
            try body(tag, payload.extracting(offset..<offset + Int(size)))
            offset += Int(size)
        }
    }

    private static var cut: PoolError { PoolError(code: .malformedFrame, message: "a field is cut off") }
}

/// Appends frames to bytes that go out in one write.
struct FrameWriter {
    /// The frames so far.
    private(set) var bytes: [UInt8] = []

    /// Whether there is nothing to write.
    var isEmpty: Bool { bytes.isEmpty }

    /// Takes the frames out and goes on with none.
    mutating func take() -> [UInt8] {
        let taken = bytes
        bytes = []
        return taken
    }

    /// Drops the frames and keeps their memory, unless it is much.
    mutating func clear() {
        bytes.removeAll(keepingCapacity: bytes.count <= 256 << 10)
    }

    /// Appends a frame whose fields `body` writes, and returns its payload's length.
    @discardableResult
    mutating func append(_ kind: Frame.Kind, _ body: (inout FrameWriter) -> Void = { _ in }) -> Int {
        let start = bytes.count
        number(UInt32(0))
        bytes.append(kind.rawValue)
        for _ in 0..<3 { bytes.append(0) }
        body(&self)
        let length = bytes.count - start - Frame.headerSize
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: length).littleEndian) {
            for (place, byte) in $0.enumerated() { bytes[start + place] = byte }
        }
        return length
    }

    /// Removes what was appended since the bytes were `count` long.
    mutating func truncate(to count: Int) { bytes.removeLast(bytes.count - count) }

    /// Writes a field of bytes.
    mutating func field(_ tag: UInt8, _ value: [UInt8]) {
        bytes.append(tag)
        number(UInt32(truncatingIfNeeded: value.count))
        bytes.append(contentsOf: value)
    }

    /// Writes a field of text.
    mutating func field(_ tag: UInt8, _ text: String) {
        bytes.append(tag)
        var text = text
        text.withUTF8 { utf8 in
            number(UInt32(truncatingIfNeeded: utf8.count))
            bytes.append(contentsOf: utf8)
        }
    }

    /// Writes a field of text unless there is none.
    mutating func field(_ tag: UInt8, _ text: String?) {
        if let text { field(tag, text) }
    }

    /// Writes a field of eight bytes.
    mutating func field(_ tag: UInt8, _ value: UInt64) {
        bytes.append(tag)
        number(UInt32(8))
        number(value)
    }

    /// Writes a whole number unless there is none.
    mutating func field(_ tag: UInt8, _ value: Int?) {
        if let value { field(tag, UInt64(bitPattern: Int64(value))) }
    }

    /// Writes a floating-point number unless there is none.
    mutating func field(_ tag: UInt8, _ value: Double?) {
        if let value { field(tag, value.bitPattern) }
    }

    /// Writes a field that says yes by being there.
    mutating func flag(_ tag: UInt8) { field(tag, 1 as UInt64) }

    private mutating func number(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

extension RawSpan {
    /// The value as text; what is not UTF-8 is repaired.
    var text: String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }

    /// A copy of the value.
    var array: [UInt8] { withUnsafeBytes { Array($0) } }

    /// The value as eight bytes.
    func number() throws(PoolError) -> UInt64 {
        guard byteCount == 8 else {
            throw PoolError(code: .malformedFrame, message: "a number of \(byteCount) bytes, expected 8")
        }
        return UInt64(littleEndian: unsafeLoadUnaligned(as: UInt64.self))
    }

    /// The value as a whole number.
    func int() throws(PoolError) -> Int { Int(truncatingIfNeeded: Int64(bitPattern: try number())) }

    /// The value as a floating-point number.
    func double() throws(PoolError) -> Double { Double(bitPattern: try number()) }
}
