import Databases

/// An exact amount of money: a fixed-point decimal with six places.
///
/// It never passes through `Double`: `0.1 + 0.2` is `0.3`, and a total is the sum of its lines to the last kuruş.
struct Amount: Sendable, Hashable, Comparable {
    /// The amount in millionths of the currency's unit.
    let millionths: Int128

    static let zero = Amount(millionths: 0)
    private static let scale: Int128 = 1_000_000
    private static let places = 6
    /// Far above any amount of money and far below overflow, so that sums of many lines stay safe.
    private static let limit: Int128 = 1_000_000_000_000_000_000_000_000_000

    init(millionths: Int128) {
        self.millionths = millionths
    }

    /// Reads plain decimal notation: an optional sign, digits, and at most six digits after a dot.
    init?(_ text: String) {
        self.init(text, roundsFurtherPlaces: false)
    }

    /// Reads a value of a row; nil for what is not an amount, such as other text, bytes and NULL.
    ///
    /// SQLite keeps fractions of `NUMERIC` columns in floating point: the shortest text that means such a number is
    /// taken, and rounded to six places.
    init?(_ value: SQLValue) {
        switch value {
        case .int(let number): self.init(units: Int128(number))
        case .text(let text), .decimal(let text): self.init(text)
        case .double(let number) where abs(number) >= 1e15: self.init(large: number)
        case .double(let number) where abs(number) < 1e-3:
            self.init(millionths: Int128((number * 1e6).rounded()))
        case .double(let number): self.init(number.description, roundsFurtherPlaces: true)
        case .null, .bool, .timestamp, .bytes: return nil
        }
    }

    private init?(units: Int128) {
        guard abs(units) <= Self.limit / Self.scale else { return nil }
        self.init(millionths: units * Self.scale)
    }

    private init?(large number: Double) {
        guard let units = Int128(exactly: number.rounded()) else { return nil }
        self.init(units: units)
    }

    private init?(_ text: String, roundsFurtherPlaces: Bool) {
        var digits = Substring(text).utf8
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        let parts = digits.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, var value = Self.number(whole) else { return nil }
        var fraction = parts.count == 2 ? parts[1] : nil
        if let given = fraction {
            guard !given.isEmpty, given.allSatisfy(Self.isDigit) else { return nil }
            guard given.count <= Self.places || roundsFurtherPlaces else { return nil }
            fraction = given.prefix(Self.places)
        }
        for place in 0..<Self.places {
            let index = fraction.flatMap { $0.index($0.startIndex, offsetBy: place, limitedBy: $0.endIndex) }
            let digit: UInt8 =
                if let fraction, let index, index < fraction.endIndex { fraction[index] } else { UInt8(ascii: "0") }
            value = value * 10 + Int128(digit - UInt8(ascii: "0"))
        }
        if parts.count == 2, let next = parts[1].dropFirst(Self.places).first, next >= UInt8(ascii: "5") { value += 1 }
        guard value <= Self.limit else { return nil }
        self.init(millionths: isNegative ? -value : value)
    }

    /// The digits' number; nil without digits, for other characters, and for more than 21 digits.
    private static func number(_ digits: Substring.UTF8View) -> Int128? {
        guard !digits.isEmpty, digits.count <= 21, digits.allSatisfy(isDigit) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int128($1 - UInt8(ascii: "0")) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// The amount without its sign.
    var magnitude: Amount { Amount(millionths: abs(millionths)) }

    /// Plain decimal notation with all six places, as ``init(_:)-(String)`` reads it.
    var text: String { formatted(places: Self.places, group: "", decimal: ".") }

    /// The amount with so many places after the decimal sign (0 to 6), rounded half away from zero.
    func formatted(places: Int, group: String, decimal: String) -> String {
        var step: Int128 = 1
        for _ in places..<Self.places { step *= 10 }
        let rounded = (abs(millionths) + step / 2) / step
        var digits = String(rounded)
        if digits.count <= places { digits = String(repeating: "0", count: places + 1 - digits.count) + digits }
        let sign = millionths < 0 && rounded != 0 ? "-" : ""
        let whole = Self.grouped(String(digits.dropLast(places)), by: group)
        return places == 0 ? sign + whole : sign + whole + decimal + digits.suffix(places)
    }

    private static func grouped(_ digits: String, by separator: String) -> String {
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { result += separator }
            result.append(digit)
        }
        return result
    }

    static func + (left: Amount, right: Amount) -> Amount { Amount(millionths: left.millionths + right.millionths) }

    static func - (left: Amount, right: Amount) -> Amount { Amount(millionths: left.millionths - right.millionths) }

    static func < (left: Amount, right: Amount) -> Bool { left.millionths < right.millionths }
}
