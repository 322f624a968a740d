/// Writes plain values as block-style YAML that PyYAML's `safe_load` reads back to the same values.
///
/// The layout is that of PyYAML's `safe_dump` with its defaults: keys sorted by code point, lists not indented below their key,
/// pure ASCII. Lines are never folded. Text that either schema of `YAMLSchema` would take for something else is quoted.
public enum YAMLEmitter {
    /// The document as UTF-8 bytes, ending in a line end.
    public static func bytes(_ value: YAMLValue) -> [UInt8] {
        var writer = BlockWriter()
        writer.root(value)
        return writer.out
    }

    /// The document as text, ending in a line end.
    public static func string(_ value: YAMLValue) -> String { String(decoding: bytes(value), as: UTF8.self) }
}

/// The state of writing one document.
private struct BlockWriter {
    var out: [UInt8] = []

    /// PyYAML writes longer keys with `?`; YAML readers refuse implicit keys beyond 1,024 characters.
    private static let longestImplicitKey = 128

    mutating func root(_ value: YAMLValue) {
        switch value {
        case .sequence(let items) where !items.isEmpty: sequence(items, indent: 0)
        case .mapping(let members) where !members.isEmpty: mapping(members, indent: 0)
        default:
            write(scalar(value))
            write("\n")
        }
    }

    /// Writes the lines of a list; the first line is taken to be indented already.
    private mutating func sequence(_ items: [YAMLValue], indent: Int) {
        for (place, item) in items.enumerated() {
            if place > 0 { pad(indent) }
            write("- ")
            inline(item, indent: indent + 2)
        }
    }

    /// Writes the lines of a mapping; the first line is taken to be indented already.
    private mutating func mapping(_ members: [YAMLMember], indent: Int) {
        let sorted = members.sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) }
        for (place, member) in sorted.enumerated() {
            if place > 0 { pad(indent) }
            let key = text(member.key)
            if key.utf8.count >= Self.longestImplicitKey {
                write("? \(key)\n")
                pad(indent)
                write(": ")
                inline(member.value, indent: indent + 2)
            } else {
                write("\(key):")
                under(member.value, indent: indent)
            }
        }
    }

    /// Writes what follows `key:`.
    private mutating func under(_ value: YAMLValue, indent: Int) {
        switch value {
        case .sequence(let items) where !items.isEmpty:
            write("\n")
            pad(indent)
            sequence(items, indent: indent)
        case .mapping(let members) where !members.isEmpty:
            write("\n")
            pad(indent + 2)
            mapping(members, indent: indent + 2)
        default: write(" \(scalar(value))\n")
        }
    }

    /// Writes what follows `- ` or `: ` on the same line.
    private mutating func inline(_ value: YAMLValue, indent: Int) {
        switch value {
        case .sequence(let items) where !items.isEmpty: sequence(items, indent: indent)
        case .mapping(let members) where !members.isEmpty: mapping(members, indent: indent)
        default: write("\(scalar(value))\n")
        }
    }

    private mutating func write(_ text: String) { out.append(contentsOf: text.utf8) }
    private mutating func pad(_ width: Int) { out.append(contentsOf: repeatElement(0x20, count: width)) }

    // MARK: Scalars

    private func scalar(_ value: YAMLValue) -> String {
        switch value {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .int(let value): return String(value)
        case .bigInt(let digits): return digits
        case .double(let value): return double(value)
        case .string(let value): return text(value)
        case .date(let value), .datetime(let value): return timestamp(value)
        case .bytes(let value): return "!!binary \"\(Base64Text.encode(value))\""
        case .sequence: return "[]"
        case .mapping: return "{}"
        }
    }

    private func double(_ value: Double) -> String {
        if value.isNaN { return ".nan" }
        if value.isInfinite { return value < 0 ? "-.inf" : ".inf" }
        let text = value.description
        // YAML 1.1 wants a point in every float, and a sign in every exponent, which Swift always writes.
        guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
        return text[..<exponent] + ".0" + text[exponent...]
    }

    private func timestamp(_ text: String) -> String {
        PythonTimestamp.value(Array(text.utf8)) == nil ? self.text(text) : text
    }

    private func text(_ value: String) -> String {
        let bytes = value.utf8
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return doubleQuoted(value) }
        return isPlain(value)
            ? value : "'\(value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
    }

    /// Whether printable ASCII text may stand without quotes; when in doubt, not.
    private func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        let startsSafely =
            isLetter(first) || isDigit(first) || first == 0x5F || first == 0x2F || first == 0x2E || first == 0x2B
            || first == 0x24 || first == 0x28
        guard startsSafely, last != 0x20, last != 0x3A, !text.hasPrefix("...") else { return false }
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte == 0x23, previous == 0x20 { return false }
            if byte == 0x20, previous == 0x3A { return false }
            previous = byte
        }
        return YAMLSchema.core.resolve(text) == nil && YAMLSchema.python.resolve(text) == nil && !looksNumeric(text)
    }

    /// Digits with signs, colons, points and underscores only: readers disagree about them too much to go unquoted.
    private func looksNumeric(_ text: String) -> Bool {
        guard text.utf8.contains(where: isDigit) else { return false }
        return text.utf8.allSatisfy { byte in
            isDigit(byte) || byte == 0x2B || byte == 0x2D || byte == 0x2E || byte == 0x3A || byte == 0x5F
                || byte == 0x20
        }
    }

    private func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) }

    private func doubleQuoted(_ value: String) -> String {
        var out = "\""
        for scalar in value.unicodeScalars {
            switch scalar.value {
            case 0x22: out += "\\\""
            case 0x5C: out += "\\\\"
            case 0x0A: out += "\\n"
            case 0x0D: out += "\\r"
            case 0x09: out += "\\t"
            case 0x20..<0x7F: out.unicodeScalars.append(scalar)
            case ..<0x100: out += "\\x" + hexadecimal(scalar.value, width: 2)
            case ..<0x10000: out += "\\u" + hexadecimal(scalar.value, width: 4)
            default: out += "\\U" + hexadecimal(scalar.value, width: 8)
            }
        }
        return out + "\""
    }

    private func hexadecimal(_ value: UInt32, width: Int) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
