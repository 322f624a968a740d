/// A phone number in E.164 form: a plus sign, the country's code, the number.
public struct PhoneNumber: Sendable, Hashable, CustomStringConvertible {
    /// For example `+905321234567`.
    public let e164: String

    /// Reads a number as people write it.
    ///
    /// For example `0532 123 45 67`, `+90 (532) 123-45-67`, `90532…`, `0090532…`, `532…`, and
    /// other countries' with `+` or `00`. `home` is the country code of numbers written without one.
    ///
    /// Throws for anything that cannot be a number, and for a number of the home country of the wrong length when that
    /// is Turkey's `90`: a typing error would cost money and reach a stranger.
    public init(_ text: String, home: String = "90") throws(PhoneNumberError) {
        var digits = ""
        var international = false
        for scalar in text.unicodeScalars where !Self.isSeparator(scalar) {
            if scalar == "+", digits.isEmpty, !international {
                international = true
            } else if ("0"..."9").contains(scalar) {
                digits.unicodeScalars.append(scalar)
            } else {
                throw PhoneNumberError(text)
            }
        }
        guard digits.utf8.count <= 20 else { throw PhoneNumberError(text) }
        if !international { digits = try Self.withCountry(digits, home: home, text) }
        guard (8...15).contains(digits.utf8.count), digits.first != "0" else { throw PhoneNumberError(text) }
        if digits.hasPrefix("90") {
            guard digits.utf8.count == 12, digits.dropFirst(2).first != "0" else { throw PhoneNumberError(text) }
        }
        e164 = "+" + digits
    }

    private static func withCountry(
        _ digits: String,
        home: String,
        _ text: String
    ) throws(PhoneNumberError) -> String {
        if digits.hasPrefix("00") { return String(digits.dropFirst(2)) }
        if digits.hasPrefix("0") { return home + digits.dropFirst() }
        // Turkish numbers have ten digits, so a number with the country's code in front has twelve.
        if home == "90" {
            if digits.utf8.count == 10 { return home + digits }
            if digits.utf8.count == 12, digits.hasPrefix(home) { return digits }
            throw PhoneNumberError(text)
        }
        return digits.hasPrefix(home) && digits.utf8.count >= 10 ? digits : home + digits
    }

    /// What people and programs put between digits, the invisible marks of copied numbers included.
    private static func isSeparator(_ scalar: UnicodeScalar) -> Bool {
        switch scalar {
        case " ", "\t", "-", "(", ")", ".", "/", "\u{a0}", "\u{202f}", "\u{2009}", "\u{2010}"..."\u{2015}": true
        case "\u{200b}"..."\u{200f}", "\u{202a}"..."\u{202e}", "\u{2066}"..."\u{2069}", "\u{feff}": true
        default: false
        }
    }

    /// Only the digits, country code first.
    public var digits: String { String(e164.dropFirst()) }

    /// Ten digits for a Turkish number, `00` and the digits for any other.
    public var turkishDialling: String { digits.hasPrefix("90") ? String(digits.dropFirst(2)) : "00" + digits }

    /// The number.
    public var description: String { e164 }

    /// For logs: the country code and the last two digits.
    public var masked: String {
        "\(e164.prefix(3))\(String(repeating: "*", count: max(e164.count - 5, 0)))\(e164.suffix(2))"
    }
}

/// A text that is no phone number.
public struct PhoneNumberError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The text, cut to a reasonable length.
    public let text: String

    /// Holds the text.
    public init(_ text: String) {
        let shown = text.unicodeScalars.prefix(40).map { $0.value < 32 || $0.value == 127 ? "?" : Character($0) }
        self.text = String(shown)
    }

    /// Names the number.
    public var description: String { "is not a phone number: '\(text)'" }
}
