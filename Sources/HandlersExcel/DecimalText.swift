import Glibc

/// Numbers as decimal text: what a spreadsheet shows, and what people type.
enum DecimalText {
    /// A number with at most 15 significant digits and no exponent: the digits Excel itself keeps.
    static func plain(_ number: Double) -> String {
        if let whole = Int64(exactly: number) { return String(whole) }
        // The shortest text that means this number has at most 15 digits for all that people type.
        let short = number.description
        if short.utf8.count <= 16, !short.utf8.contains(UInt8(ascii: "e")) { return short }
        var buffer = [CChar](repeating: 0, count: 40)
        let count = withVaList([number]) { vsnprintf(&buffer, buffer.count, "%.15g", $0) }
        let text = String(decoding: buffer.prefix(Int(max(0, count))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return expanded(text)
    }

    /// Moves the point of `1.5e-07` to where it belongs.
    private static func expanded(_ text: String) -> String {
        let halves = text.split(separator: "e")
        guard halves.count == 2, let exponent = Int(halves[1]), let mantissa = halves.first else { return text }
        let sign = mantissa.hasPrefix("-") ? "-" : ""
        let parts = mantissa.drop { $0 == "-" }.split(separator: ".")
        let digits = parts.joined()
        let point = parts[0].count + exponent
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
        if point >= digits.count { return sign + digits + String(repeating: "0", count: point - digits.count) }
        return sign + digits.prefix(point) + "." + digits.dropFirst(point)
    }

    /// Which character a person uses before the fraction.
    enum Separator: String, Sendable, CaseIterable {
        case comma = ","
        case dot = "."

        var grouping: Character { self == .comma ? "." : "," }
    }

    /// What a typed number turned out to be.
    enum Reading: Sendable, Hashable {
        /// Canonical digits: an optional `-`, no grouping, a dot before the fraction.
        case number(String)
        /// `1.234` is twelve hundred to some and one and a quarter to others.
        case ambiguous
        case none
    }

    /// Reads a number a person typed; `separator` decides what would be ambiguous.
    static func read(_ text: String, separator: Separator?) -> Reading {
        var digits = Substring(text)
        var sign = ""
        if let first = digits.first, first == "-" || first == "+" {
            sign = first == "-" ? "-" : ""
            digits = digits.dropFirst()
        }
        guard let first = digits.first, let last = digits.last, isDigit(first), isDigit(last),
            digits.utf8.count <= 64, digits.allSatisfy({ isDigit($0) || $0 == "." || $0 == "," })
        else { return .none }
        let marks = digits.filter { !isDigit($0) }
        let chosen: Separator
        if let separator {
            chosen = separator
        } else if let mark = marks.last, Set(marks).count == 2 || marks.count == 1 {
            let tail = digits.split(separator: mark).last ?? ""
            if marks.count == 1, tail.count == 3, digits.count <= 7, first != "0" { return .ambiguous }
            chosen = mark == "," ? .comma : .dot
        } else if let mark = marks.first {
            chosen = mark == "," ? .dot : .comma
        } else {
            return .number(sign + digits)
        }
        guard let plain = canonical(digits, separator: chosen) else { return .none }
        return .number(sign + plain)
    }

    private static func canonical(_ digits: Substring, separator: Separator) -> String? {
        let halves = digits.split(separator: Character(separator.rawValue), omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return nil }
        let groups = halves[0].split(separator: separator.grouping, omittingEmptySubsequences: false)
        if groups.count > 1 {
            guard (1...3).contains(groups[0].count), groups.dropFirst().allSatisfy({ $0.count == 3 }) else {
                return nil
            }
        }
        let whole = groups.joined()
        guard !whole.isEmpty else { return nil }
        guard halves.count == 2 else { return whole }
        guard !halves[1].isEmpty, halves[1].allSatisfy(isDigit) else { return nil }
        return whole + "." + halves[1]
    }

    private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }
}
