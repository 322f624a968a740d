extension TaggedValue {
    /// Whether Kombu registers a type of this name.
    static func isKnown(_ type: JSONValue) -> Bool {
        ["datetime", "date", "time", "decimal", "uuid", "bytes", "base64"].contains(type.string)
    }

    /// Decodes the two members of a tagged object; `nil` when the type is unknown or the value does not fit it.
    init?(type: JSONValue, value: JSONValue) {
        switch (type.string, value) {
        case ("datetime", .string(let text)):
            guard ISO8601.fields(text) != nil else { return nil }
            self = .datetime(text)
        case ("date", .string(let text)):
            guard let fields = ISO8601.fields(text) else { return nil }
            self = .date(fields.dateText)
        case ("time", .string(let text)):
            guard ISO8601.timeFields(text) != nil else { return nil }
            self = .time(text)
        case ("decimal", .string(let text)):
            guard Self.isDecimal(text) else { return nil }
            self = .decimal(text)
        case ("decimal", .int), ("decimal", .bigInt), ("decimal", .double): self = .decimal(value.pythonRepr)
        case ("uuid", .object(let object)):
            guard let hex = object["hex"]?.string, let digits = Self.uuid(hex, version: object["version"]) else {
                return nil
            }
            self = .uuid(digits)
        case ("bytes", .string(let text)):
            guard let bytes = Surrogates.utf8(text) else { return nil }
            self = .bytes(bytes)
        case ("base64", .string(let text)):
            guard let bytes = Base64.decode(Array(text.utf8)) else { return nil }
            self = .bytes(bytes)
        default: return nil
        }
    }

    /// Whether Python's `Decimal` accepts the text.
    private static func isDecimal(_ text: String) -> Bool {
        var rest = Substring(text.lowercased())
        if rest.first == "+" || rest.first == "-" { rest.removeFirst() }
        if rest == "inf" || rest == "infinity" { return true }
        for name in ["snan", "nan"] where rest.hasPrefix(name) {
            return rest.dropFirst(name.count).utf8.allSatisfy(isDigit)
        }
        let parts = rest.split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            var exponent = parts[1]
            if exponent.first == "+" || exponent.first == "-" { exponent.removeFirst() }
            guard !exponent.isEmpty, exponent.utf8.allSatisfy(isDigit) else { return false }
        }
        guard let mantissa = parts.first else { return false }
        let digits = mantissa.utf8.filter { $0 != UInt8(ascii: ".") }
        return !digits.isEmpty && digits.allSatisfy(isDigit) && mantissa.utf8.count - digits.count <= 1
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// The 32 digits of a UUID in any spelling Python accepts, with the version bits rewritten where one is given.
    private static func uuid(_ text: String, version: JSONValue?) -> String? {
        var digits: [UInt8] = []
        for byte in text.utf8 {
            if byte == UInt8(ascii: "-") || byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") { continue }
            guard let digit = hexadecimalDigit(byte) else { return nil }
            digits.append(digit)
        }
        guard digits.count == 32 else { return nil }
        switch version {
        case nil, .null?: break
        case .int(let number)? where (1...5).contains(number):
            digits[12] = UInt8(number)
            digits[16] = 8 | digits[16] & 3
        default: return nil
        }
        return String(decoding: digits.map { hexadecimalDigits[Int($0)] }, as: UTF8.self)
    }
}

/// Lower-case digits by value.
let hexadecimalDigits = Array("0123456789abcdef".utf8)
