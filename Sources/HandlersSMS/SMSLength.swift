/// How long a text message is: its alphabet, and how many parts it travels as; gateways charge by the part.
public struct SMSLength: Sendable, Hashable {
    /// The smallest alphabet that holds the whole text.
    public let encoding: SMSEncoding
    /// The text's length in units of that alphabet; an escaped letter counts two.
    public let units: Int
    /// How many parts it takes; 0 for no text.
    public let parts: Int

    /// Measures `text`; without `turkishShift` the alphabets are GSM-7 and UCS-2 only, as gateways abroad have them.
    public init(_ text: String, turkishShift: Bool = true) {
        if let widths = GSMAlphabet.widths(text, turkish: false) {
            self.init(widths, .gsm7)
        } else if turkishShift, let widths = GSMAlphabet.widths(text, turkish: true) {
            self.init(widths, .gsm7Turkish)
        } else {
            // A pair of surrogates must stay in one part, so it counts as one letter two units wide.
            self.init(text.unicodeScalars.map { $0.value > 0xffff ? 2 : 1 }, .ucs2)
        }
    }

    private init(_ widths: [Int], _ encoding: SMSEncoding) {
        self.encoding = encoding
        units = widths.reduce(0, +)
        if units <= encoding.single {
            parts = units == 0 ? 0 : 1
            return
        }
        var count = 1
        var used = 0
        for width in widths {
            if used + width > encoding.each {
                count += 1
                used = 0
            }
            used += width
        }
        parts = count
    }
}

extension SMSEncoding {
    /// Units in a message of one part.
    var single: Int {
        switch self {
        case .gsm7: 160
        case .gsm7Turkish: 155
        case .ucs2: 70
        }
    }

    /// Units in each part of a longer message: the rest goes to the header that joins them.
    var each: Int {
        switch self {
        case .gsm7: 153
        case .gsm7Turkish: 149
        case .ucs2: 67
        }
    }
}

/// The letters of GSM 03.38 (3GPP TS 23.038).
enum GSMAlphabet {
    private static let basic = Set(
        ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
            + "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà").unicodeScalars
    )
    /// Behind the escape character.
    private static let extended = Set("\u{c}^{}\\[~]|€".unicodeScalars)
    /// What the Turkish single shift table adds to the extension table.
    private static let turkish = Set("ĞğİıŞşç".unicodeScalars)

    /// The units each letter takes, or `nil` when one is in neither table.
    static func widths(_ text: String, turkish isTurkish: Bool) -> [Int]? {
        var widths: [Int] = []
        widths.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if basic.contains(scalar) {
                widths.append(1)
            } else if extended.contains(scalar) || (isTurkish && turkish.contains(scalar)) {
                widths.append(2)
            } else {
                return nil
            }
        }
        return widths
    }
}
