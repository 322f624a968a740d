import Databases

/// How amounts and days are written; a small table instead of Foundation's locales, which cost memory at start.
enum StatementLocale: String, Sendable, CaseIterable {
    case turkish = "tr_TR"
    case german = "de_DE"
    case british = "en_GB"
    case american = "en_US"

    /// An amount, `1.234.567,89` in Turkish.
    func money(_ amount: Amount, places: Int = 2) -> String {
        switch self {
        case .turkish, .german: amount.formatted(places: places, group: ".", decimal: ",")
        case .british, .american: amount.formatted(places: places, group: ",", decimal: ".")
        }
    }

    /// A day, `15.01.2027` in Turkish, from ISO 8601 text with or without a time of day; nil for anything else.
    func date(_ text: String) -> String? {
        guard let day = Day(text) else { return nil }
        return switch self {
        case .turkish, .german: "\(day.day).\(day.month).\(day.year)"
        case .british: "\(day.day)/\(day.month)/\(day.year)"
        case .american: "\(day.month)/\(day.day)/\(day.year)"
        }
    }

    /// The parts of `2027-01-15`, still as text: they are rearranged, never calculated with.
    private struct Day {
        let year: Substring
        let month: Substring
        let day: Substring

        init?(_ text: String) {
            let parts = text.prefix(10).split(separator: "-", omittingEmptySubsequences: false)
            guard parts.map(\.utf8.count) == [4, 2, 2], parts.allSatisfy({ $0.utf8.allSatisfy(Self.isDigit) }),
                let month = Int(parts[1]), (1...12).contains(month), let day = Int(parts[2]), (1...31).contains(day)
            else { return nil }
            let rest = text.dropFirst(10)
            guard rest.isEmpty || rest.first == "T" || rest.first == " " else { return nil }
            self.year = parts[0]
            self.month = parts[1]
            self.day = parts[2]
        }

        private static func isDigit(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
    }
}
