import Databases

/// A configured text with fields: `{name}`, `{name|date}`, `{name|money}`; `{{` and `}}` stand for the braces.
///
/// Fields are filled with values of the header query. The text comes from the operator, the values are data: a value is
/// never read as a template.
struct TextTemplate: Sendable, Hashable {
    /// How a field's value is written.
    enum Format: String, Sendable, CaseIterable {
        case text
        case date
        case money
    }

    private enum Part: Sendable, Hashable {
        case literal(String)
        case field(String, Format)
    }

    /// What is wrong with a template, or with a value for it.
    struct Problem: Error, Equatable {
        let message: String
    }

    private let parts: [Part]

    init(_ text: String) throws(Problem) {
        var parts: [Part] = []
        var literal = ""
        var rest = Substring(text)
        while let character = rest.popFirst() {
            switch character {
            case "{" where rest.first == "{", "}" where rest.first == "}":
                literal.append(character)
                rest.removeFirst()
            case "{":
                guard let end = rest.firstIndex(of: "}") else { throw Problem(message: "a { is not closed") }
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = ""
                parts.append(try Self.field(rest[..<end]))
                rest = rest[rest.index(after: end)...]
            case "}": throw Problem(message: "a } was not opened; write }} for the sign itself")
            default: literal.append(character)
            }
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        self.parts = parts
    }

    private static func field(_ text: Substring) throws(Problem) -> Part {
        let words = text.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        let name = words.first.map(String.init) ?? ""
        guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else {
            throw Problem(message: "{\(text)} is not a field; expected {name}, {name|date} or {name|money}")
        }
        guard words.count == 2 else { return .field(name, .text) }
        guard let format = Format(rawValue: String(words[1])) else {
            throw Problem(message: "unknown format \(words[1]) in {\(text)}; known are text, date, money")
        }
        return .field(name, format)
    }

    /// The names of the fields.
    var fields: [String] {
        parts.compactMap { if case .field(let name, _) = $0 { name } else { nil } }
    }

    /// The text with its fields filled; NULL is written as nothing.
    ///
    /// - Throws: ``Problem`` for a field without a value, or whose value is not a date or an amount where one is
    ///   wanted.
    func filled(_ locale: StatementLocale, _ value: (String) -> SQLValue?) throws(Problem) -> String {
        var result = ""
        for part in parts {
            switch part {
            case .literal(let text): result += text
            case .field(let name, let format):
                guard let value = value(name) else {
                    throw Problem(message: "there is no column '\(name)' to fill {\(name)}")
                }
                result += try Self.text(value, format, name, locale)
            }
        }
        return result
    }

    private static func text(
        _ value: SQLValue,
        _ format: Format,
        _ name: String,
        _ locale: StatementLocale
    ) throws(Problem) -> String {
        if value.isNull { return "" }
        let text: String? =
            switch format {
            case .text: value.text
            case .date: value.text.flatMap(locale.date)
            case .money: Amount(value).map { locale.money($0) }
            }
        guard let text else { throw Problem(message: "the value of '\(name)' cannot be written as \(format.rawValue)") }
        return text
    }
}
