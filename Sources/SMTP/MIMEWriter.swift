import CeleryMessage

/// Turns a mail into the bytes that travel: 7-bit lines ending in CRLF, whatever letters it holds.
///
/// The same message always gives the same bytes; boundaries need no chance, because `=_` appears in no encoded part.
public struct MIMEWriter: Sendable {
    private let message: MailMessage
    private var out: [UInt8] = []
    private var boundaries = 0

    /// The bytes of `message`, not yet dot-stuffed.
    ///
    /// Throws when a header value holds a line break.
    public static func bytes(of message: MailMessage) throws(MailFormatError) -> [UInt8] {
        var writer = MIMEWriter(message: message)
        try writer.writeHeaders()
        writer.writeContent()
        return writer.out
    }

    private init(message: MailMessage) { self.message = message }

    private mutating func writeHeaders() throws(MailFormatError) {
        try HeaderValue.refuseControls(in: message.subject)
        try HeaderValue.refuseControls(in: message.messageID)
        write("Date: \(MailDate.text(message.date))\r\n")
        write(HeaderValue.addresses("From", [message.from]))
        if message.to.isEmpty {
            write("To: undisclosed-recipients:;\r\n")
        } else {
            write(HeaderValue.addresses("To", message.to))
        }
        if !message.cc.isEmpty { write(HeaderValue.addresses("Cc", message.cc)) }
        if !message.replyTo.isEmpty { write(HeaderValue.addresses("Reply-To", message.replyTo)) }
        write(HeaderValue.text("Subject", message.subject))
        write("Message-ID: <\(message.messageID)>\r\n")
        write("MIME-Version: 1.0\r\n")
    }

    private mutating func writeContent() {
        guard !message.attachments.isEmpty else { return writeBody() }
        let boundary = openMultipart("mixed")
        openPart(boundary)
        writeBody()
        for attachment in message.attachments {
            openPart(boundary)
            write(attachment)
        }
        closeMultipart(boundary)
    }

    private mutating func writeBody() {
        guard let html = message.html else { return writeText(message.text ?? "", subtype: "plain") }
        let boundary = openMultipart("alternative")
        openPart(boundary)
        writeText(message.text ?? HTMLText.plain(html), subtype: "plain")
        openPart(boundary)
        writeText(html, subtype: "html")
        closeMultipart(boundary)
    }

    private mutating func writeText(_ text: String, subtype: String) {
        let content = Self.withNetworkLines(text)
        let encoding = TransferEncoding.suitable(for: content)
        write(HeaderValue.structured("Content-Type", "text/\(subtype)", ["charset=utf-8"]))
        write("Content-Transfer-Encoding: \(encoding.rawValue)\r\n\r\n")
        switch encoding {
        case .sevenBit: out += content
        case .quotedPrintable: QuotedPrintable.append(content, to: &out)
        case .base64: appendBase64(content)
        }
        endLine()
    }

    private mutating func write(_ attachment: MailAttachment) {
        write(HeaderValue.structured("Content-Type", attachment.contentType, []))
        write("Content-Transfer-Encoding: base64\r\n")
        write(HeaderValue.structured("Content-Disposition", "attachment", HeaderValue.fileName(attachment.name)))
        write("\r\n")
        appendBase64(attachment.bytes)
        endLine()
    }

    // MARK: Multipart

    private mutating func openMultipart(_ subtype: String) -> String {
        boundaries += 1
        let boundary = "=_part_\(boundaries)_celeriac"
        write(HeaderValue.structured("Content-Type", "multipart/\(subtype)", ["boundary=\"\(boundary)\""]))
        write("\r\n")
        return boundary
    }

    private mutating func openPart(_ boundary: String) { write("--\(boundary)\r\n") }

    private mutating func closeMultipart(_ boundary: String) { write("--\(boundary)--\r\n") }

    // MARK: Bytes

    private mutating func write(_ text: String) { out += Array(text.utf8) }

    private mutating func endLine() {
        if out.suffix(2) != [13, 10] { out += [13, 10] }
    }

    private mutating func appendBase64(_ bytes: [UInt8]) {
        let encoded = Base64.encode(bytes)
        out.reserveCapacity(out.count + encoded.count + encoded.count / 38 + 4)
        var start = 0
        while start < encoded.count {
            let end = min(start + 76, encoded.count)
            out += encoded[start..<end]
            out += [13, 10]
            start = end
        }
    }

    /// UTF-8 with every kind of line break as CRLF.
    private static func withNetworkLines(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 64)
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte == 10, previous == 13 {
                previous = byte
                continue
            }
            if byte == 10 || byte == 13 { bytes += [13, 10] } else { bytes.append(byte) }
            previous = byte
        }
        return bytes
    }
}
