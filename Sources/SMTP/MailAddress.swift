/// An e-mail address with an optional display name.
///
/// Only what every server takes is accepted: ASCII addresses without quoted local parts. Display names may hold any
/// letters. Line breaks and other control characters are refused everywhere, so that no argument becomes a header.
public struct MailAddress: Sendable, Hashable, CustomStringConvertible {
    /// The name shown to people, or `nil`.
    public let name: String?
    /// The address itself, `local@domain`.
    public let address: String

    /// Reads `user@example.com`, `Name <user@example.com>` or `"Name, Inc." <user@example.com>`.
    public init(_ text: String) throws(MailFormatError) {
        try HeaderValue.refuseControls(in: text)
        let trimmed = text.trimmed
        guard let opening = trimmed.lastIndex(of: "<") else {
            try self.init(name: nil, address: trimmed)
            return
        }
        guard trimmed.last == ">" else { throw MailFormatError("is not an e-mail address: \(text.quotedForMessage)") }
        let address = trimmed[trimmed.index(after: opening)...].dropLast()
        try self.init(name: Self.unquoted(trimmed[..<opening].trimmed), address: String(address))
    }

    /// Joins a display name and an address; an empty name counts as none.
    public init(name: String?, address: String) throws(MailFormatError) {
        if let name { try HeaderValue.refuseControls(in: name) }
        guard Self.isAddress(address) else {
            throw MailFormatError("is not an e-mail address: \(address.quotedForMessage)")
        }
        self.name = name.flatMap { $0.isEmpty ? nil : $0 }
        self.address = address
    }

    /// Reads addresses separated by commas; commas inside quotes belong to the name.
    public static func list(_ text: String) throws(MailFormatError) -> [MailAddress] {
        var parts: [String] = [""]
        var quoted = false
        var escaped = false
        for character in text {
            if character == ",", !quoted {
                parts.append("")
                continue
            }
            if character == "\"", !escaped { quoted.toggle() }
            escaped = character == "\\" && !escaped
            parts[parts.count - 1].append(character)
        }
        var addresses: [MailAddress] = []
        for part in parts where !part.trimmed.isEmpty { addresses.append(try MailAddress(part)) }
        return addresses
    }

    /// The part after the at sign.
    public var domain: String {
        String(address[address.index(after: address.lastIndex(of: "@") ?? address.startIndex)...])
    }

    /// As a person would write it; headers are encoded elsewhere.
    public var description: String { name.map { "\($0) <\(address)>" } ?? address }

    private static func isAddress(_ text: String) -> Bool {
        guard text.utf8.count <= 254, let at = text.lastIndex(of: "@") else { return false }
        let local = text[..<at].utf8
        let domain = text[text.index(after: at)...]
        guard (1...64).contains(local.count), local.allSatisfy(isLocalByte) else { return false }
        return domain.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(isLabel)
    }

    /// RFC 5322's `atext` and the dot.
    private static func isLocalByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "!#$%&'*+-/=?^_`{|}~.".utf8.contains(byte)
    }

    private static func isLabel(_ label: Substring) -> Bool {
        let bytes = label.utf8
        guard (1...63).contains(bytes.count), bytes.first != UInt8(ascii: "-"), bytes.last != UInt8(ascii: "-") else {
            return false
        }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    private static func unquoted(_ name: String) -> String {
        guard name.count >= 2, name.first == "\"", name.last == "\"" else { return name }
        var result = ""
        var escaped = false
        for character in name.dropFirst().dropLast() {
            if character == "\\", !escaped {
                escaped = true
            } else {
                result.append(character)
                escaped = false
            }
        }
        return result
    }
}

extension StringProtocol {
    /// Without white space at both ends.
    package var trimmed: String {
        let start = self.drop(while: \.isWhitespace)
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }

    /// Quoted and cut for an error message, control characters replaced.
    package var quotedForMessage: String {
        let shown = prefix(80).unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : Character($0) }
        return "'\(String(shown))\(count > 80 ? "…" : "")'"
    }
}
