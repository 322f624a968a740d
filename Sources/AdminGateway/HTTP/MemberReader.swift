import CeleryMessage

/// Reads the members of a JSON object; what cannot be understood is refused with the member's name.
struct MemberReader {
    private let object: JSONObject
    /// What stands before the names: `options.` for the members of the member `options`.
    private let prefix: String

    /// Refuses members that are none: a misspelt one would have no effect.
    init(_ object: JSONObject, known: Set<String>, prefix: String = "") throws {
        self.object = object
        self.prefix = prefix
        if let stranger = object.keys.first(where: { !known.contains($0) }) {
            throw GatewayError.invalid(prefix + Self.printable(stranger), "There is no member of that name.")
        }
    }

    /// The value of a member; `nil` where it is absent or null.
    subscript(name: String) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    func text(_ name: String, longest: Int = 255) throws -> String? {
        guard let value = self[name] else { return nil }
        guard let text = value.string, !text.isEmpty, text.unicodeScalars.count <= longest,
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { throw invalid(name, "Expected a text of 1 to \(longest) characters, none of them a control character.") }
        return text
    }

    func required(_ name: String) throws -> String {
        guard let text = try text(name) else { throw invalid(name, "It is missing.") }
        return text
    }

    func flag(_ name: String) throws -> Bool {
        guard let value = self[name] else { return false }
        guard let flag = value.bool else { throw invalid(name, "Expected true or false.") }
        return flag
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let value = self[name] else { return nil }
        // JSON knows one kind of number: 4.0 is whole.
        guard let number = value.number.flatMap({ Int(exactly: $0) }), range.contains(number) else {
            throw invalid(name, "Expected a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    func array(_ name: String) throws -> [JSONValue] {
        guard let value = self[name] else { return [] }
        guard let array = value.array else { throw invalid(name, "Expected a list.") }
        return array
    }

    func object(_ name: String) throws -> JSONObject {
        guard let value = self[name] else { return JSONObject() }
        guard let object = value.object else { throw invalid(name, "Expected an object.") }
        return object
    }

    /// A number of seconds from now, a century at most.
    func delay(_ name: String, unit: Double = 1) throws -> Duration? {
        guard let value = self[name] else { return nil }
        guard let number = value.number, number >= 0, number * unit <= 3_155_760_000 else {
            throw invalid(name, "Expected a number, 0 or more.")
        }
        return .seconds(number * unit)
    }

    /// A moment in ISO 8601.
    func moment(_ name: String) throws -> Instant? {
        guard let value = self[name] else { return nil }
        if case .tagged(.datetime(let text)) = value, let moment = ISO8601.date(text) { return moment }
        guard let text = value.string, let moment = ISO8601.date(text) else {
            throw invalid(name, "Expected a time in ISO 8601, such as 2026-01-31T08:00:00+03:00.")
        }
        return moment
    }

    func invalid(_ name: String, _ message: String) -> GatewayError { .invalid(prefix + name, message) }

    /// A name of a client's making, fit for an answer.
    private static func printable(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.prefix(64).filter { $0.isASCII && $0.value > 0x20 }))
    }
}
