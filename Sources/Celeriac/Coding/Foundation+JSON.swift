public import CeleryMessage
public import FoundationEssentials

/// Foundation's values travel as Kombu's typed ones, which Python reads as `datetime`, `UUID`, `Decimal` and `bytes`.
extension Date: JSONRepresentable {
    /// Reads a `datetime`, or its text; one without an offset is UTC.
    public static func reading(_ json: JSONValue) throws -> Date {
        let text: String? = if case .tagged(.datetime(let text)) = json { text } else { json.string }
        guard let instant = text.flatMap(ISO8601.date) else {
            throw DecodingError.expected(Date.self, "datetime", found: json)
        }
        return Date(timeIntervalSince1970: instant.seconds)
    }

    /// A `datetime` in UTC, exact to the microsecond.
    public var json: JSONValue { .tagged(.datetime(ISO8601.string(Instant(seconds: timeIntervalSince1970)))) }
}

extension UUID: JSONRepresentable {
    /// Reads a `UUID`, or its text with or without hyphens.
    public static func reading(_ json: JSONValue) throws -> UUID {
        let text: String? = if case .tagged(.uuid(let text)) = json { text } else { json.string }
        guard let uuid = text.flatMap(Self.uuid) else { throw DecodingError.expected(UUID.self, "UUID", found: json) }
        return uuid
    }

    /// A `UUID`.
    public var json: JSONValue { .tagged(.uuid(uuidString.lowercased().filter { $0 != "-" })) }

    private static func uuid(_ text: String) -> UUID? {
        guard text.utf8.count == 32 else { return UUID(uuidString: text) }
        var hyphenated = ""
        for (place, character) in text.enumerated() {
            if [8, 12, 16, 20].contains(place) { hyphenated.append("-") }
            hyphenated.append(character)
        }
        return UUID(uuidString: hyphenated)
    }
}

extension Decimal: JSONRepresentable {
    /// Reads a `Decimal`, its text, or a number.
    public static func reading(_ json: JSONValue) throws -> Decimal {
        let text: String? =
            switch json {
            case .tagged(.decimal(let text)), .string(let text), .bigInt(let text): text
            case .int(let number): String(number)
            case .double(let number): "\(number)"
            default: nil
            }
        guard let decimal = text.flatMap({ Decimal(string: $0) }) else {
            throw DecodingError.expected(Decimal.self, "Decimal", found: json)
        }
        return decimal
    }

    /// A `Decimal`.
    public var json: JSONValue { .tagged(.decimal(description)) }
}

extension Data: JSONRepresentable {
    /// Reads `bytes`.
    public static func reading(_ json: JSONValue) throws -> Data {
        guard case .tagged(.bytes(let bytes)) = json else {
            throw DecodingError.expected(Data.self, "bytes", found: json)
        }
        return Data(bytes)
    }

    /// `bytes`.
    public var json: JSONValue { .tagged(.bytes(Array(self))) }
}
