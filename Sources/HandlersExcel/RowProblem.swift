import CeleryMessage

/// What is wrong with one cell of an uploaded sheet, for the person who filled it in.
struct RowProblem: Sendable, Hashable {
    /// The kinds of problems; the raw value is what programs can rely on.
    enum Reason: Sendable, Hashable {
        case required
        case cellError
        case wrongType(ColumnRule.Kind)
        case ambiguousNumber
        case pattern
        case notAllowed([String])
        case tooShort(String)
        case tooLong(String)
        case tooSmall(String)
        case tooLarge(String)
        case duplicate(row: Int)
    }

    /// The language of messages.
    enum Language: String, Sendable, CaseIterable {
        case english = "en"
        case turkish = "tr"
    }

    /// The row as the spreadsheet numbers it.
    var row: Int
    /// The rule's name.
    var column: String
    /// The cell as the spreadsheet names it, for example `C12`.
    var cell: String
    /// The first characters of what the cell holds.
    var excerpt: String
    var reason: Reason

    /// The entry in the task's result.
    func json(_ language: Language) -> JSONValue {
        [
            "row": .int(Int64(row)), "column": .string(column), "cell": .string(cell), "value": .string(excerpt),
            "code": .string(reason.code), "message": .string(reason.message(language)),
        ]
    }
}

extension RowProblem.Reason {
    /// A word for programs.
    var code: String {
        switch self {
        case .required: "required"
        case .cellError: "cell_error"
        case .wrongType(let kind): "not_" + kind.rawValue
        case .ambiguousNumber: "ambiguous_number"
        case .pattern: "pattern"
        case .notAllowed: "not_allowed"
        case .tooShort: "too_short"
        case .tooLong: "too_long"
        case .tooSmall: "too_small"
        case .tooLarge: "too_large"
        case .duplicate: "duplicate"
        }
    }

    /// A sentence for people.
    func message(_ language: RowProblem.Language) -> String {
        language == .turkish ? turkish : english
    }

    private var english: String {
        switch self {
        case .required: "a value is required"
        case .cellError: "the cell holds an error"
        case .wrongType(.text): "not a text"
        case .wrongType(.integer): "not a whole number"
        case .wrongType(.decimal): "not a number"
        case .wrongType(.date): "not a date"
        case .wrongType(.email): "not an e-mail address"
        case .wrongType(.phone): "not a phone number"
        case .wrongType(.boolean): "neither yes nor no"
        case .ambiguousNumber: "can be read as two different numbers; format the cell as a number"
        case .pattern: "does not have the expected form"
        case .notAllowed(let values): "not one of \(Self.list(values))"
        case .tooShort(let bound): "shorter than \(bound) characters"
        case .tooLong(let bound): "longer than \(bound) characters"
        case .tooSmall(let bound): "less than \(bound)"
        case .tooLarge(let bound): "more than \(bound)"
        case .duplicate(let row): "the same value as in row \(row)"
        }
    }

    private var turkish: String {
        switch self {
        case .required: "bu alan zorunludur"
        case .cellError: "hücrede hata değeri var"
        case .wrongType(.text): "metin değil"
        case .wrongType(.integer): "tam sayı değil"
        case .wrongType(.decimal): "sayı değil"
        case .wrongType(.date): "geçerli bir tarih değil"
        case .wrongType(.email): "geçerli bir e-posta adresi değil"
        case .wrongType(.phone): "geçerli bir telefon numarası değil"
        case .wrongType(.boolean): "evet ya da hayır değil"
        case .ambiguousNumber: "iki farklı sayı olarak okunabilir; hücreyi sayı olarak biçimlendirin"
        case .pattern: "beklenen biçimde değil"
        case .notAllowed(let values): "izin verilen değerlerden biri değil: \(Self.list(values))"
        case .tooShort(let bound): "en az \(bound) karakter olmalı"
        case .tooLong(let bound): "en fazla \(bound) karakter olmalı"
        case .tooSmall(let bound): "en az \(bound) olmalı"
        case .tooLarge(let bound): "en fazla \(bound) olmalı"
        case .duplicate(let row): "\(row). satırdaki değerle aynı"
        }
    }

    private static func list(_ values: [String]) -> String {
        values.prefix(10).joined(separator: ", ") + (values.count > 10 ? ", …" : "")
    }
}
