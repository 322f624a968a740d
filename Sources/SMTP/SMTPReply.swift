import NIOCore

/// A mail server's answer to one command: three digits and one or more lines of text.
public struct SMTPReply: Sendable, Hashable, CustomStringConvertible {
    /// 2xx done, 3xx go on, 4xx not now, 5xx never.
    public let code: Int
    /// The text of each line, without the code.
    public let lines: [String]

    /// Holds an answer.
    public init(code: Int, lines: [String]) {
        self.code = code
        self.lines = lines
    }

    /// The lines joined by spaces.
    public var text: String { lines.joined(separator: " ") }
    /// Whether the command was done or may go on.
    public var isPositive: Bool { (200..<400).contains(code) }
    /// Whether trying again later makes sense.
    public var isTemporary: Bool { (400..<500).contains(code) }
    /// The answer on one line.
    public var description: String { text.isEmpty ? "\(code)" : "\(code) \(text)" }
}

/// Cuts replies out of the bytes a server sends; bounded, whatever the server is.
struct SMTPReplyParser {
    /// RFC 5321 asks for 512; some servers write longer ones.
    private static let lineLimit = 2048
    private static let linesLimit = 256

    private var buffer = ByteBuffer()
    private var code: Int?
    private var lines: [String] = []

    /// Whether bytes are left that belong to no complete reply.
    var hasLeftover: Bool { buffer.readableBytes > 0 || code != nil }

    mutating func append(_ bytes: inout ByteBuffer) {
        buffer.discardReadBytes()
        buffer.writeBuffer(&bytes)
    }

    /// The next complete reply, or `nil` when more bytes are needed.
    mutating func next() throws(SMTPError) -> SMTPReply? {
        while let line = try nextLine() {
            let digits = line.prefix(3)
            guard digits.count == 3, digits.allSatisfy({ (48...57).contains($0) }) else {
                throw SMTPError(.protocolViolation, "the server sent a line without a reply code")
            }
            let code = digits.reduce(0) { $0 * 10 + Int($1) - 48 }
            guard self.code == nil || self.code == code, (200..<600).contains(code), lines.count < Self.linesLimit
            else {
                throw SMTPError(.protocolViolation, "the server sent a reply that does not hold together")
            }
            lines.append(Self.printable(line.dropFirst(4)))
            let separator = line.count > 3 ? line[line.startIndex + 3] : 32
            guard separator == UInt8(ascii: "-") else {
                let reply = SMTPReply(code: code, lines: lines)
                self.code = nil
                lines = []
                return reply
            }
            self.code = code
        }
        return nil
    }

    private mutating func nextLine() throws(SMTPError) -> [UInt8]? {
        guard let end = buffer.readableBytesView.firstIndex(of: 10) else {
            guard buffer.readableBytes <= Self.lineLimit else {
                throw SMTPError(.protocolViolation, "the server sent a line that does not end")
            }
            return nil
        }
        let length = end - buffer.readerIndex
        guard length <= Self.lineLimit, var line = buffer.readBytes(length: length) else {
            throw SMTPError(.protocolViolation, "the server sent a line that is too long")
        }
        buffer.moveReaderIndex(forwardBy: 1)
        if line.last == 13 { line.removeLast() }
        return line
    }

    /// The text goes to logs and results: no control characters, and nothing that is not UTF-8.
    private static func printable(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.filter { $0 >= 32 && $0 != 127 }, as: UTF8.self)
    }
}
