/// The transfer encodings of message bodies: quoted-printable (RFC 2045) and base64 in lines.
enum TransferEncoding: String {
    /// Text that is ASCII in short lines already.
    case sevenBit = "7bit"
    /// Text with some other letters.
    case quotedPrintable = "quoted-printable"
    /// Anything else.
    case base64

    /// The smallest encoding that carries `text`, which has CRLF line breaks.
    static func suitable(for text: [UInt8]) -> TransferEncoding {
        var special = 0
        var lineLength = 0
        var longest = 0
        for byte in text {
            if byte == 10 {
                lineLength = 0
            } else {
                lineLength += 1
                longest = max(longest, lineLength)
            }
            if byte > 126 || (byte < 32 && byte != 13 && byte != 10 && byte != 9) { special += 1 }
        }
        // `=_` opens every boundary, and only plain text could hold it by itself.
        if special == 0, longest <= 78, !holdsBoundaryMark(text) { return .sevenBit }
        return special * 6 > text.count ? .base64 : .quotedPrintable
    }

    private static func holdsBoundaryMark(_ text: [UInt8]) -> Bool {
        zip(text, text.dropFirst()).contains { $0 == UInt8(ascii: "=") && $1 == UInt8(ascii: "_") }
    }
}

/// Quoted-printable text (RFC 2045, section 6.7).
enum QuotedPrintable {
    private static let hex = Array("0123456789ABCDEF".utf8)
    private static let lineLength = 76

    /// Appends `text`, whose line breaks are CRLF, in lines of at most 76 characters.
    static func append(_ text: [UInt8], to out: inout [UInt8]) {
        out.reserveCapacity(out.count + text.count + text.count / 4)
        var column = 0
        for (place, byte) in text.enumerated() {
            if byte == 13, place + 1 < text.count, text[place + 1] == 10 { continue }
            if byte == 10 {
                out += [13, 10]
                column = 0
                continue
            }
            let plain = (byte >= 33 && byte <= 126 && byte != UInt8(ascii: "=")) || isInnerSpace(byte, place, text)
            let width = plain ? 1 : 3
            // One place is kept for the `=` of a soft break.
            if column + width > lineLength - 1 {
                out += [UInt8(ascii: "="), 13, 10]
                column = 0
            }
            if plain {
                out.append(byte)
            } else {
                out += [UInt8(ascii: "="), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
            column += width
        }
    }

    /// White space may stand for itself except at a line's end, where servers drop it.
    private static func isInnerSpace(_ byte: UInt8, _ place: Int, _ text: [UInt8]) -> Bool {
        guard byte == 32 || byte == 9, place + 1 < text.count else { return false }
        return text[place + 1] != 13 && text[place + 1] != 10
    }
}
