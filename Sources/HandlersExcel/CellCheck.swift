import CeleryMessage

/// Reads one cell as its column's rule asks: the value to keep, or what is wrong.
///
/// Made once per run, because a compiled regular expression belongs to one run.
struct CellCheck {
    /// What became of a cell.
    enum Verdict {
        /// Blank where that is allowed.
        case blank
        /// The value in canonical form, and its text for comparing and counting.
        case accepted(JSONValue, text: String)
        case refused(RowProblem.Reason)
    }

    let rule: ColumnRule
    private let pattern: Regex<AnyRegexOutput>?

    /// Compiles the rule; it was checked when the options were read.
    init(_ rule: ColumnRule) throws {
        self.rule = rule
        pattern = try rule.pattern.map { try Regex($0) }
    }

    /// Judges a cell by everything that can be said without looking at other rows.
    func verdict(_ value: CellValue) -> Verdict {
        if case .error = value { return .refused(.cellError) }
        let text = Self.trimmed(value.text)
        guard !text.isEmpty else { return rule.isRequired ? .refused(.required) : .blank }
        let reading = read(value, text: text)
        guard case .accepted(let json, let canonical) = reading else { return reading }
        if let reason = outOfBounds(json, text: canonical) { return .refused(reason) }
        if let pattern {
            guard canonical.utf8.count <= ColumnRule.patternBytes, matches(canonical, pattern) else {
                return .refused(.pattern)
            }
        }
        if let allowed = rule.allowed, !allowed.contains(canonical) { return .refused(.notAllowed(allowed)) }
        return reading
    }

    private func matches(_ text: String, _ pattern: Regex<AnyRegexOutput>) -> Bool {
        // Throws only for transforming captures, which a pattern in a text cannot have.
        (try? pattern.wholeMatch(in: text)) != nil
    }

    // MARK: Kinds

    private func read(_ value: CellValue, text: String) -> Verdict {
        switch rule.kind {
        case .text: .accepted(.string(text), text: text)
        case .integer: integer(value, text: text)
        case .decimal: decimal(value, text: text)
        case .date: date(value, text: text)
        case .email: EmailAddress.isPlausible(text) ? .accepted(.string(text), text: text) : wrongType
        case .phone:
            PhoneNumber.international(text, country: rule.country).map { .accepted(.string($0), text: $0) } ?? wrongType
        case .boolean: boolean(value, text: text)
        }
    }

    private var wrongType: Verdict { .refused(.wrongType(rule.kind)) }

    private func integer(_ value: CellValue, text: String) -> Verdict {
        switch value {
        case .number(let number):
            // Beyond 2^53 a spreadsheet has lost digits: what it shows is not what was typed.
            guard let whole = Int64(exactly: number), whole.magnitude <= 1 << 53 else { return wrongType }
            return .accepted(.int(whole), text: String(whole))
        case .text:
            guard let whole = Int64(text) else { return wrongType }
            return .accepted(.int(whole), text: String(whole))
        default: return wrongType
        }
    }

    private func decimal(_ value: CellValue, text: String) -> Verdict {
        switch value {
        case .number: return .accepted(.string(text), text: text)
        case .text:
            switch DecimalText.read(text, separator: rule.separator) {
            case .number(let digits): return .accepted(.string(digits), text: digits)
            case .ambiguous: return .refused(.ambiguousNumber)
            case .none: return wrongType
            }
        default: return wrongType
        }
    }

    private func date(_ value: CellValue, text: String) -> Verdict {
        switch value {
        case .date: return .accepted(.string(text), text: text)
        case .text:
            guard let date = CalendarDate(text: text) else { return wrongType }
            return .accepted(.string(date.description), text: date.description)
        default: return wrongType
        }
    }

    private static let yes: Set<String> = ["true", "yes", "evet", "e", "doğru", "var", "1"]
    private static let no: Set<String> = ["false", "no", "hayir", "h", "yanliş", "yok", "0"]

    private func boolean(_ value: CellValue, text: String) -> Verdict {
        if case .boolean(let flag) = value { return .accepted(.bool(flag), text: flag ? "true" : "false") }
        let word = TurkishFold.fold(text)
        if Self.yes.contains(word) { return .accepted(.bool(true), text: "true") }
        return Self.no.contains(word) ? .accepted(.bool(false), text: "false") : wrongType
    }

    // MARK: Bounds

    private func outOfBounds(_ value: JSONValue, text: String) -> RowProblem.Reason? {
        if let minimum = rule.minimum, order(value, text: text, minimum) < 0 {
            if case .length = minimum { return .tooShort(minimum.text) }
            return .tooSmall(minimum.text)
        }
        if let maximum = rule.maximum, order(value, text: text, maximum) > 0 {
            if case .length = maximum { return .tooLong(maximum.text) }
            return .tooLarge(maximum.text)
        }
        return nil
    }

    /// Less than zero below the bound, more than zero above it.
    private func order(_ value: JSONValue, text: String, _ bound: ColumnRule.Bound) -> Int {
        func compare<Value: Comparable>(_ left: Value?, _ right: Value) -> Int {
            guard let left, left != right else { return 0 }
            return left < right ? -1 : 1
        }
        return switch bound {
        case .length(let count): compare(text.count, count)
        case .integer(let number): compare(value.int, number)
        case .decimal(let number): compare(Double(text), number)
        case .date(let date): compare(CalendarDate(text: String(text.prefix(10))), date)
        }
    }

    /// Without white space at the ends, the no-break space that spreadsheets like included.
    static func trimmed(_ text: String) -> String {
        // Nearly every text needs nothing done, and bytes tell that faster than characters.
        guard let head = text.utf8.first, let tail = text.utf8.last else { return "" }
        if (0x21..<0x7F).contains(head), (0x21..<0x7F).contains(tail) { return text }
        guard let first = text.firstIndex(where: { !$0.isWhitespace }),
            let last = text.lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(text[first...last])
    }
}

/// Compares words without regard to case where Turkish and English disagree about the letter i.
enum TurkishFold {
    /// Lower case with `I`, `İ`, `ı` and `i` all the same, and runs of white space as one space.
    static func fold(_ text: String) -> String {
        var folded = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "I", "İ", "ı", "i": folded.append("i")
            default: folded.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return String(folded).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}

/// Tells whether a text can be an e-mail address; whether mail arrives only mail can tell.
enum EmailAddress {
    static func isPlausible(_ text: String) -> Bool {
        let halves = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard halves.count == 2, text.utf8.count <= 254, isLocalPart(halves[0]) else { return false }
        let labels = halves[1].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.count >= 2 && labels.allSatisfy(isLabel) && (labels.last?.count ?? 0) >= 2
    }

    private static func isLocalPart(_ bytes: Substring.UTF8View) -> Bool {
        let dot = UInt8(ascii: ".")
        guard (1...64).contains(bytes.count), bytes.first != dot, bytes.last != dot else { return false }
        return !zip(bytes, bytes.dropFirst()).contains { $0 == dot && $1 == dot } && bytes.allSatisfy(isLocal)
    }

    private static func isLocal(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || "!#$%&'*+/=?^_`{|}~.-".utf8.contains(byte)
    }

    /// Letters of other alphabets are fine here: mail software turns such domains into ASCII.
    private static func isLabel(_ bytes: Substring.UTF8View) -> Bool {
        let hyphen = UInt8(ascii: "-")
        guard (1...63).contains(bytes.count), bytes.first != hyphen, bytes.last != hyphen else { return false }
        if bytes.allSatisfy({ isLetterOrDigit($0) || $0 == hyphen }) { return true }
        return Substring(bytes).allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}

/// Brings phone numbers into the international form `+905551234567`.
enum PhoneNumber {
    /// The number in international form, or `nil` for what is none; national numbers get `country`.
    static func international(_ text: String, country: String) -> String? {
        // A no-break space is what spreadsheets put between groups.
        let kept = String(text.utf8.contains(0xC2) ? text.replacing("\u{a0}", with: "") : text).utf8
            .filter { !" -()./".utf8.contains($0) }
        let code = Array(country.utf8)
        let zero = UInt8(ascii: "0")
        let digits: [UInt8]
        if kept.first == UInt8(ascii: "+") {
            digits = Array(kept.dropFirst())
        } else if kept.starts(with: [zero, zero]) {
            digits = Array(kept.dropFirst(2))
        } else if kept.first == zero {
            digits = code + kept.dropFirst()
        } else if kept.starts(with: code), kept.count > 10 {
            digits = Array(kept)
        } else {
            digits = code + kept
        }
        guard (8...15).contains(digits.count), digits.allSatisfy({ (zero...zero + 9).contains($0) }),
            digits.first != zero
        else { return nil }
        // Turkish numbers have ten digits after the country code, and no area begins with 0 or 1.
        if digits.starts(with: "90".utf8) {
            guard digits.count == 12, digits[2] >= zero + 2 else { return nil }
        }
        return "+" + String(decoding: digits, as: UTF8.self)
    }
}
