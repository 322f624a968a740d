/// Which plain scalars are text, and which are numbers, booleans, nulls and dates.
public enum YAMLSchema: Sendable, Hashable {
    /// YAML 1.2's core schema, for configuration: `true`/`false`, `null`/`~`, decimal, `0o` and `0x` integers, floats
    /// with or without a point (`1e3`), `.inf`, `.nan`. `yes`, `on`, dates and everything else are text.
    case core
    /// YAML 1.1 as PyYAML's `safe_load` reads it (`yaml/resolver.py`, `yaml/constructor.py`), for message bodies:
    /// besides, `yes`/`no`/`on`/`off` are booleans, `0o17` and `1e3` are text, `010` is octal, `1_000` and `1:30` (base 60)
    /// are integers, and dates are dates.
    case python

    /// What a plain scalar means, or `nil` when it is text.
    ///
    /// An integer beyond 64 bits is a `bigInt` when written in decimal; in another base, or with more digits than
    /// `mostDigits`, it is text.
    public func resolve(_ text: String) -> YAMLValue? {
        // Everything with a meaning is short ASCII, decimal integers apart.
        let length = text.utf8.count
        guard length <= Self.mostDigits else { return nil }
        guard let first = text.utf8.first else { return .null }
        if length <= Self.longestWord, !isDigit(first), let word = word(text) { return word }
        guard first == 0x2B || first == 0x2D || first == 0x2E || isDigit(first) else { return nil }
        let bytes = Array(text.utf8)
        guard bytes.allSatisfy({ $0 < 0x80 }) else { return nil }
        switch self {
        case .core: return coreNumber(bytes)
        case .python: return pythonNumber(bytes) ?? PythonTimestamp.value(bytes)
        }
    }

    /// The longest integer read, which is also Python's limit for converting text to an integer.
    public static let mostDigits = 4300

    /// The letters of `false`.
    private static let longestWord = 5

    private func word(_ text: String) -> YAMLValue? {
        switch text {
        case "", "~", "null", "Null", "NULL": .null
        case "true", "True", "TRUE": .bool(true)
        case "false", "False", "FALSE": .bool(false)
        case "yes", "Yes", "YES", "on", "On", "ON": self == .python ? .bool(true) : nil
        case "no", "No", "NO", "off", "Off", "OFF": self == .python ? .bool(false) : nil
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": .double(.infinity)
        case "-.inf", "-.Inf", "-.INF": .double(-.infinity)
        case ".nan", ".NaN", ".NAN": .double(.nan)
        default: nil
        }
    }

    private func coreNumber(_ bytes: [UInt8]) -> YAMLValue? {
        if bytes.starts(with: [0x30, 0x6F]) { return integer(bytes.dropFirst(2), radix: 8, negative: false) }
        if bytes.starts(with: [0x30, 0x78]) { return integer(bytes.dropFirst(2), radix: 16, negative: false) }
        let (negative, rest) = sign(bytes[...])
        if rest.allSatisfy(isDigit) { return integer(rest, radix: 10, negative: negative) }
        return isFloat(rest, exponentSign: .optional) ? float(bytes) : nil
    }

    private func pythonNumber(_ bytes: [UInt8]) -> YAMLValue? {
        let (negative, signed) = sign(bytes[...])
        if signed.contains(0x3A) { return baseSixty(signed, negative: negative) }
        // PyYAML lets underscores stand anywhere after the first digit.
        guard let first = signed.first, first != 0x5F else { return nil }
        let digits = signed.filter { $0 != 0x5F }[...]
        if signed.starts(with: [0x30, 0x62]) { return integer(digits.dropFirst(2), radix: 2, negative: negative) }
        if signed.starts(with: [0x30, 0x78]) { return integer(digits.dropFirst(2), radix: 16, negative: negative) }
        if digits.allSatisfy(isDigit) {
            let octal = first == 0x30 && signed.count > 1
            return integer(digits, radix: octal ? 8 : 10, negative: negative)
        }
        let point = signed.firstIndex(of: 0x2E)
        let exponent = signed.firstIndex { $0 == 0x65 || $0 == 0x45 } ?? signed.endIndex
        guard let point, point < exponent, !signed[exponent...].contains(0x5F) else { return nil }
        if first == 0x2E {
            // Without a digit before the point there is no sign, and no underscore right behind the point.
            guard signed.count == bytes.count, signed.dropFirst().first != 0x5F else { return nil }
        }
        return isFloat(digits, exponentSign: .required) ? float(bytes.filter { $0 != 0x5F }) : nil
    }

    private func baseSixty(_ bytes: ArraySlice<UInt8>, negative: Bool) -> YAMLValue? {
        let parts = bytes.split(separator: 0x3A, omittingEmptySubsequences: false)
        guard let head = parts.first, let tail = parts.last, head.first.map(isDigit) == true else { return nil }
        let point = tail.firstIndex(of: 0x2E)
        guard head.allSatisfy({ isDigit($0) || $0 == 0x5F }), point != nil || head.first != 0x30 else { return nil }
        var minutes = parts.dropFirst()
        if let point { minutes = minutes.dropLast() + [tail[..<point]] }
        for part in minutes {
            guard (1...2).contains(part.count), part.allSatisfy(isDigit) else { return nil }
            if part.count == 2, let ten = part.first, ten > 0x35 { return nil }
        }
        let clean = head.filter { $0 != 0x5F }
        guard var total = Int64(String(decoding: clean, as: UTF8.self)) else { return nil }
        for part in minutes {
            guard let digit = Int64(String(decoding: part, as: UTF8.self)) else { return nil }
            let (product, high) = total.multipliedReportingOverflow(by: 60)
            let (sum, carry) = product.addingReportingOverflow(digit)
            if high || carry { return nil }
            total = sum
        }
        guard let point else { return .int(negative ? -total : total) }
        let places = tail[(point + 1)...]
        guard places.allSatisfy({ isDigit($0) || $0 == 0x5F }) else { return nil }
        let fraction = Double("0." + String(decoding: places.filter { $0 != 0x5F }, as: UTF8.self) + "0") ?? 0
        let seconds = Double(total) + fraction
        return .double(negative ? -seconds : seconds)
    }

    private func sign(_ bytes: ArraySlice<UInt8>) -> (negative: Bool, rest: ArraySlice<UInt8>) {
        switch bytes.first {
        case 0x2D: (true, bytes.dropFirst())
        case 0x2B: (false, bytes.dropFirst())
        default: (false, bytes)
        }
    }

    private func integer(_ digits: ArraySlice<UInt8>, radix: Int, negative: Bool) -> YAMLValue? {
        guard let first = digits.first, first != 0x2B, first != 0x2D else { return nil }
        let text = (negative ? "-" : "") + String(decoding: digits, as: UTF8.self)
        if let value = Int64(text, radix: radix) { return .int(value) }
        guard radix == 10, digits.allSatisfy(isDigit) else { return nil }
        let significant = String(decoding: digits.drop { $0 == 0x30 }, as: UTF8.self)
        return .bigInt((negative ? "-" : "") + significant)
    }

    private enum ExponentSign { case optional, required }

    /// Whether this is digits with a point, an exponent, or both, and at least one digit before the exponent.
    private func isFloat(_ bytes: ArraySlice<UInt8>, exponentSign: ExponentSign) -> Bool {
        var rest = bytes
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        var places = 0
        if rest.first == 0x2E {
            rest = rest.dropFirst()
            places = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(places)
        }
        guard whole.count + places > 0 else { return false }
        guard let mark = rest.first else { return true }
        guard mark == 0x65 || mark == 0x45 else { return false }
        rest = rest.dropFirst()
        let signed = rest.first == 0x2B || rest.first == 0x2D
        if signed { rest = rest.dropFirst() } else if exponentSign == .required { return false }
        return !rest.isEmpty && rest.allSatisfy(isDigit)
    }

    private func float(_ bytes: [UInt8]) -> YAMLValue? {
        guard let point = bytes.firstIndex(of: 0x2E) else { return number(bytes).map { .double($0) } }
        // Swift's reader wants a digit on both sides of the point; a zero more changes nothing.
        let places = bytes[(point + 1)...]
        let digits = places.prefix(while: isDigit)
        var whole = bytes[..<point]
        if whole.last.map(isDigit) != true { whole.append(0x30) }
        return number(whole + [0x2E] + digits + [0x30] + places.dropFirst(digits.count)).map { .double($0) }
    }

    private func number(_ bytes: some Collection<UInt8>) -> Double? { Double(String(decoding: bytes, as: UTF8.self)) }
}

/// Whether this byte is an ASCII digit.
func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
