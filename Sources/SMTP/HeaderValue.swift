import CeleryMessage

/// Writes values of mail headers: encoded words (RFC 2047), parameters (RFC 2231) and folding (RFC 5322).
package enum HeaderValue {
    /// Where a line is folded; RFC 5322 asks for 78 without the line break.
    private static let lineLength = 76
    /// Bytes of text in one encoded word: 60 characters of base64 and the frame make 72 of the 75 allowed.
    private static let wordBytes = 45

    /// Throws when `text` holds a line break, a NUL or any other control character.
    package static func refuseControls(in text: String) throws(MailFormatError) {
        for scalar in text.unicodeScalars where scalar.properties.generalCategory == .control {
            let kind = scalar == "\r" || scalar == "\n" ? "a line break" : "a control character"
            throw MailFormatError("must not contain \(kind): \(text.quotedForMessage)")
        }
        // Line and paragraph separator: some programs break lines at them.
        if text.unicodeScalars.contains(where: { $0 == "\u{2028}" || $0 == "\u{2029}" }) {
            throw MailFormatError("must not contain a line break: \(text.quotedForMessage)")
        }
    }

    /// The line of a header with free text, line break included.
    static func text(_ name: String, _ value: String) -> String {
        folded(name, isPlain(value) ? value.split(separator: " ").map(String.init) : encodedWords(value))
    }

    /// The line of a header with addresses, line break included.
    static func addresses(_ name: String, _ list: [MailAddress]) -> String {
        var tokens: [String] = []
        for (place, one) in list.enumerated() {
            let comma = place + 1 < list.count ? "," : ""
            guard let shown = one.name else {
                tokens.append(one.address + comma)
                continue
            }
            tokens += phrase(shown)
            tokens.append("<\(one.address)>\(comma)")
        }
        return folded(name, tokens)
    }

    /// The line of `Content-Type` or `Content-Disposition`; `parameters` are written as they are.
    static func structured(_ name: String, _ value: String, _ parameters: [String]) -> String {
        var tokens = [value]
        for parameter in parameters {
            tokens[tokens.count - 1] += ";"
            tokens.append(parameter)
        }
        return folded(name, tokens)
    }

    /// A file name as parameters: plain when ASCII, else RFC 2231 with an ASCII name for programs that know no better.
    ///
    /// The extended form comes first: readers that stop at the first of both then have the right one.
    static func fileName(_ name: String) -> [String] {
        let plain = name.utf8.allSatisfy { (0x20...0x7e).contains($0) } && name.utf8.count <= 60
        let quoted = "filename=\"\(escaped(asciiName(name)))\""
        return plain ? [quoted] : extendedParameter("filename", name) + [quoted]
    }

    // MARK: Words

    private static func isPlain(_ text: String) -> Bool {
        guard text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else { return false }
        // An encoded word written by hand would be decoded at the other end, and odd spaces would not survive folding.
        guard !text.contains("=?"), !text.hasPrefix(" "), !text.hasSuffix(" "), !text.contains("  ") else {
            return false
        }
        return text.split(separator: " ").allSatisfy { $0.utf8.count <= lineLength - 10 }
    }

    private static func phrase(_ name: String) -> [String] {
        guard isPlain(name) else { return encodedWords(name) }
        let atoms = name.utf8.allSatisfy { byte in
            byte == 0x20 || !"()<>[]:;@\\,.\"".utf8.contains(byte)
        }
        // A quoted string must not be folded inside: the break could change its spaces.
        return atoms ? name.split(separator: " ").map(String.init) : ["\"\(escaped(name))\""]
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            if character == "\"" || character == "\\" { result.append("\\") }
            result.append(character)
        }
    }

    private static func encodedWords(_ text: String) -> [String] {
        chunks(text).map { "=?UTF-8?B?\(base64($0))?=" }
    }

    /// Cuts between characters; only a character longer than a word is cut, between its scalars.
    private static func chunks(_ text: String) -> [[UInt8]] {
        var chunks: [[UInt8]] = []
        var current: [UInt8] = []
        func add(_ bytes: [UInt8]) {
            if current.count + bytes.count > wordBytes, !current.isEmpty {
                chunks.append(current)
                current = []
            }
            current += bytes
        }
        for character in text {
            let bytes = Array(String(character).utf8)
            if bytes.count <= wordBytes {
                add(bytes)
            } else {
                for scalar in character.unicodeScalars { add(Array(String(scalar).utf8)) }
            }
        }
        if !current.isEmpty { chunks.append(current) }
        return chunks
    }

    private static func base64(_ bytes: [UInt8]) -> String { String(decoding: Base64.encode(bytes), as: UTF8.self) }

    // MARK: Parameters

    private static func extendedParameter(_ name: String, _ value: String) -> [String] {
        let limit = 50
        var pieces = ["UTF-8''"]
        for byte in value.utf8 {
            let encoded = isAttributeByte(byte) ? String(UnicodeScalar(byte)) : "%" + hex(byte)
            if pieces[pieces.count - 1].utf8.count + encoded.utf8.count > limit { pieces.append("") }
            pieces[pieces.count - 1] += encoded
        }
        guard pieces.count > 1 else { return ["\(name)*=\(pieces[0])"] }
        return pieces.enumerated().map { "\(name)*\($0.offset)*=\($0.element)" }
    }

    private static func isAttributeByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return byte < 16 ? "0" + digits : digits
    }

    /// The nearest ASCII name: Turkish and accented letters lose their marks, anything else becomes `_`.
    private static func asciiName(_ name: String) -> String {
        var result = ""
        for scalar in name.unicodeScalars {
            if scalar.isASCII, scalar.value >= 0x20, scalar.value < 0x7f {
                result.unicodeScalars.append(scalar)
            } else if let plain = withoutMarks[scalar] {
                result.append(plain)
            } else if scalar.properties.generalCategory != .nonspacingMark {
                result.append("_")
            }
        }
        return String(result.prefix(60))
    }

    private static let withoutMarks: [UnicodeScalar: String] = [
        "ç": "c", "Ç": "C", "ğ": "g", "Ğ": "G", "ı": "i", "İ": "I", "ö": "o", "Ö": "O", "ş": "s", "Ş": "S", "ü": "u",
        "Ü": "U", "â": "a", "Â": "A", "î": "i", "Î": "I", "û": "u", "Û": "U", "ä": "a", "Ä": "A", "é": "e", "è": "e",
        "á": "a", "à": "a", "ó": "o", "ú": "u", "ñ": "n", "ß": "ss",
    ]

    // MARK: Folding

    private static func folded(_ name: String, _ tokens: [String]) -> String {
        var text = name + ":"
        var length = text.utf8.count
        for (place, token) in tokens.enumerated() {
            // Never before the first token: a line of nothing but a name confuses readers.
            if place > 0, length + 1 + token.utf8.count > lineLength {
                text += "\r\n"
                length = 0
            }
            text += " " + token
            length += 1 + token.utf8.count
        }
        return text + "\r\n"
    }
}
