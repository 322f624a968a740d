import CeleriacTasks
import CeleryMessage

/// What is expected of one column.
struct ColumnRule: Sendable {
    /// The kinds of values a column can ask for.
    enum Kind: String, Sendable, CaseIterable {
        case text
        case integer
        case decimal
        case date
        case email
        case phone
        case boolean
    }

    /// A lower or upper bound; what it counts depends on the column's kind.
    enum Bound: Sendable, Hashable {
        /// Characters of text, e-mail addresses and phone numbers.
        case length(Int)
        case integer(Int64)
        case decimal(Double)
        case date(CalendarDate)

        var text: String {
            switch self {
            case .length(let count): String(count)
            case .integer(let number): String(number)
            case .decimal(let number): DecimalText.plain(number)
            case .date(let date): date.description
            }
        }
    }

    /// The key in problems and accepted rows.
    var name: String
    /// The heading in the sheet.
    var header: String
    var kind: Kind = .text
    /// Whether every row must have a value; a column that is required must be in the sheet, others may be missing.
    var isRequired = false
    /// A regular expression the whole value must match.
    var pattern: String?
    var minimum: Bound?
    var maximum: Bound?
    /// Whether a value may appear once only.
    var isUnique = false
    /// The values allowed, or `nil` for any.
    var allowed: [String]?
    /// Whether values of this column stay out of the result.
    var isMasked = false
    /// The character before a typed number's fraction; `nil` refuses numbers that could be read in two ways.
    var separator: DecimalText.Separator?
    /// The country code put before national phone numbers.
    var country = "90"

    /// Bytes of a value up to which a pattern is tried: backtracking on more could take for ever.
    static let patternBytes = 1_000
}

extension ColumnRule {
    private static let keys = [
        "name", "header", "type", "required", "pattern", "min", "max", "unique", "one_of", "mask", "decimal_separator",
        "country",
    ]

    /// Reads a rule from its block of options.
    init(_ options: OptionReader) throws(HandlerOptionError) {
        try options.refuseUnknown(except: Self.keys)
        let name = try options.requiredString("name")
        self.init(name: name, header: try options.string("header") ?? name)
        if let type = try options.string("type") {
            guard let kind = Kind(rawValue: type) else {
                let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw options.error("type", "unknown type '\(type)'; known are \(known)")
            }
            self.kind = kind
        }
        isRequired = try options.bool("required") ?? false
        isUnique = try options.bool("unique") ?? false
        isMasked = try options.bool("mask") ?? false
        allowed = try Self.allowed(options)
        minimum = try Self.bound("min", options, kind: kind)
        maximum = try Self.bound("max", options, kind: kind)
        country = try Self.country(options)
        if let text = try options.string("decimal_separator") {
            guard let separator = DecimalText.Separator(rawValue: text) else {
                throw options.error("decimal_separator", "must be ',' or '.'")
            }
            self.separator = separator
        }
        if let pattern = try options.string("pattern") {
            do { _ = try Regex(pattern) } catch {
                throw options.error("pattern", "is no regular expression: \(error)")
            }
            self.pattern = pattern
        }
    }

    /// A list of allowed values; numbers are compared as the text they are shown as.
    private static func allowed(_ options: OptionReader) throws(HandlerOptionError) -> [String]? {
        guard let list = try options.array("one_of") else { return nil }
        var allowed: [String] = []
        for element in list {
            switch element {
            case .string(let text): allowed.append(text)
            case .int(let number): allowed.append(String(number))
            case .double(let number): allowed.append(DecimalText.plain(number))
            default: throw options.error("one_of", "expected texts and numbers, got \(element.kindName)")
            }
        }
        guard !allowed.isEmpty else { throw options.error("one_of", "must not be empty") }
        return allowed
    }

    private static func country(_ options: OptionReader) throws(HandlerOptionError) -> String {
        let value = options.value("country")
        guard let country = value.map({ $0.string ?? $0.int.map { String($0) } ?? "" }) else { return "90" }
        let digits = country.hasPrefix("+") ? String(country.dropFirst()) : country
        guard (1...3).contains(digits.count), digits.allSatisfy({ ("0"..."9").contains($0) }) else {
            throw options.error("country", "must be a country code such as 90")
        }
        return digits
    }

    private static func bound(_ key: String, _ options: OptionReader, kind: Kind) throws(HandlerOptionError) -> Bound? {
        guard let value = options.value(key) else { return nil }
        let expected: String
        switch kind {
        case .text, .email, .phone:
            if let length = value.int, (0...32_767).contains(length) { return .length(Int(length)) }
            expected = "a number of characters from 0 to 32767"
        case .integer:
            if let number = value.int { return .integer(number) }
            expected = "a whole number"
        case .decimal:
            let typed = value.string.flatMap(Double.init)
            if let number = value.number ?? typed, number.isFinite { return .decimal(number) }
            expected = "a number"
        case .date:
            if let date = value.dateText.flatMap(CalendarDate.init(text:)) { return .date(date) }
            expected = "a date such as 2024-12-31"
        case .boolean: throw options.error(key, "has no meaning for type boolean")
        }
        throw options.error(key, "expected \(expected), got \(value.kindName)")
    }
}

extension JSONValue {
    /// YAML reads an unquoted `2024-12-31` as a date of its own type.
    fileprivate var dateText: String? {
        switch self {
        case .string(let text), .tagged(.date(let text)): text
        default: nil
        }
    }
}
