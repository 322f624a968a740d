import CeleryMessage

/// The texts of the pages in one language.
struct Words: Sendable {
    let locale: StatusLocale
    /// By name.
    let texts: [String: String]

    static let english = Words(.english)
    static let turkish = Words(.turkish)

    static func of(_ locale: StatusLocale) -> Words { locale == .turkish ? turkish : english }

    private init(_ locale: StatusLocale) {
        self.locale = locale
        // The file is part of this program, and a test reads it.
        let all = (try? JSONReader.value(PackageResources.words_json))?.object ?? JSONObject()
        let place = locale == .english ? 0 : 1
        texts = Dictionary(
            all.compactMap { name, values in values.array?[place].string.map { (name, $0) } },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The text of a name that stands in this program.
    subscript(name: String) -> String {
        guard let text = texts[name] else {
            assertionFailure("there are no words for \(name)")
            return name
        }
        return text
    }

    /// A text with its blanks filled: `{name}` by the value of that name; for one of something, where `n` is 1, the text
    /// that ends in `.one`, where there is one.
    subscript(name: String, values: KeyValuePairs<String, String>) -> String {
        let isOne = values.contains { $0.key == "n" && $0.value == "1" }
        let text = (isOne ? texts["\(name).one"] : nil) ?? self[name]
        return Self.filled(text) { blank in values.first { $0.key == blank }?.value }
    }

    /// A text with its blanks filled; those that have no value stay.
    static func filled(_ text: String, _ value: (Substring) -> String?) -> String {
        // One pass from left to right: a value that looks like a blank is not filled again.
        var out = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            out += rest[..<open]
            let blank = rest[rest.index(after: open)..<close]
            out += value(blank) ?? String(rest[open...close])
            rest = rest[rest.index(after: close)...]
        }
        return out + rest
    }
}
