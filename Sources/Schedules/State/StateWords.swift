/// A cursor over the words of a state's text, which stand apart by one blank.
struct StateWords {
    private let bytes: [UInt8]
    private var next = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private static let blank = UInt8(ascii: " ")

    /// Steps over a word and the blank behind it; `nil` when nothing is left.
    private mutating func word() -> Range<Int>? {
        guard next <= bytes.count else { return nil }
        let start = next
        var end = start
        while end < bytes.count, bytes[end] != Self.blank { end += 1 }
        next = end + 1
        return start..<end
    }

    /// A word as text.
    mutating func text() -> String? { word().map { String(decoding: bytes[$0], as: UTF8.self) } }

    /// Everything that is left as text.
    mutating func rest() -> String? {
        guard next <= bytes.count else { return nil }
        defer { next = bytes.count + 1 }
        return String(decoding: bytes[next...], as: UTF8.self)
    }

    /// Sixteen hexadecimal digits.
    mutating func hexadecimal() -> UInt64? {
        guard let word = word(), word.count == 16 else { return nil }
        var number: UInt64 = 0
        for byte in bytes[word] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }

    /// A whole number in decimal digits.
    mutating func number() -> Int64? { word().flatMap(number) }

    /// The same, or none for a dash.
    mutating func optionalNumber() -> Int64?? {
        guard let word = word() else { return nil }
        if word.count == 1, bytes[word.lowerBound] == UInt8(ascii: "-") { return .some(nil) }
        return number(word).map { .some($0) }
    }

    private func number(_ word: Range<Int>) -> Int64? {
        let isNegative = word.first.map { bytes[$0] == UInt8(ascii: "-") } ?? false
        let digits = isNegative ? word.dropFirst() : word
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var number: Int64 = 0
        for place in digits {
            let digit = bytes[place] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            number = number * 10 + Int64(digit)
        }
        return isNegative ? -number : number
    }
}
