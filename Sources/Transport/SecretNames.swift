public import CeleryMessage

/// Names whose values must not be shown, such as `password`: the one place that masks, for logs, events, replies of
/// `inspect`, the history and the gateway alike.
///
/// A name is meant in every spelling, and as the last part of a longer one: `api_key` covers `apiKey`, `API-KEY` and
/// `partner_api_key`. One with `*` or `?` stands for every whole name that it fits: `card_*`.
public struct SecretNames: Sendable, Hashable {
    /// What is masked unless something else is configured.
    public static let usual = [
        "password", "passwd", "pwd", "passphrase", "secret", "token", "authorization", "api_key", "access_key",
        "private_key", "secret_key", "credential", "credentials", "cookie", "pin", "otp", "cvv", "card_number", "iban",
        "parola", "sifre", "şifre",
    ]

    /// What stands in the place of a secret.
    public static let stars = "***"

    /// The names without what may be written in several ways.
    private let names: [[UInt8]]
    /// Whether a name ends with the byte: most keys are settled by that.
    private let endings: [Bool]
    /// Names with `*` or `?`, in small letters.
    private let patterns: [[UInt8]]

    /// These names.
    public init(_ names: [String] = usual) {
        let isPattern = { (name: String) in name.contains("*") || name.contains("?") }
        self.names = names.filter { !isPattern($0) }.map { Self.plain(Array($0.lowercased().utf8)[...]) }
            .filter { !$0.isEmpty }
        patterns = names.filter(isPattern).map { Array($0.lowercased().utf8) }
        // Any key may fit a pattern.
        var endings = [Bool](repeating: !patterns.isEmpty, count: 256)
        for name in self.names { if let last = name.last { endings[Int(last)] = true } }
        self.endings = endings
    }

    /// Whether the value under a key is not to be shown.
    public func cover(_ key: String) -> Bool { cover(Array(key.utf8)[...]) }

    private func cover(_ key: ArraySlice<UInt8>) -> Bool {
        // Letters beyond ASCII are few and compared whole, below.
        guard let last = key.last, last >= 0x80 || endings[Int(Self.lower(last))] else { return false }
        var plain = Self.plain(key)
        if key.contains(where: { $0 >= 0x80 }) {
            plain = Self.plain(Array(String(decoding: key, as: UTF8.self).lowercased().utf8)[...])
        }
        if !patterns.isEmpty {
            let whole = Array(String(decoding: key, as: UTF8.self).lowercased().utf8)
            if patterns.contains(where: { Self.fits(whole[...], $0[...]) }) { return true }
        }
        return names.contains { name in
            guard plain.count >= name.count, plain.suffix(name.count) == name[...] else { return false }
            return plain.count == name.count || Self.beginsPart(name.count, in: key)
        }
    }

    /// Whether a text fits a pattern, the place of its last star being all that is gone back to.
    private static func fits(_ text: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        var (place, wanted) = (text.startIndex, pattern.startIndex)
        var star: (place: Int, wanted: Int)?
        while place < text.endIndex {
            if wanted < pattern.endIndex, pattern[wanted] == UInt8(ascii: "*") {
                star = (place, wanted)
                wanted += 1
            } else if wanted < pattern.endIndex, pattern[wanted] == UInt8(ascii: "?") || pattern[wanted] == text[place]
            {
                place += 1
                wanted += 1
            } else if let last = star {
                star = (last.place + 1, last.wanted)
                place = last.place + 1
                wanted = last.wanted + 1
            } else {
                return false
            }
        }
        return pattern[wanted...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// Whether the last so many letters of a key are a part of their own: behind a separator, or from a capital on.
    private static func beginsPart(_ letters: Int, in key: ArraySlice<UInt8>) -> Bool {
        var left = letters
        var place = key.endIndex
        while place > key.startIndex, left > 0 {
            place -= 1
            if !isSeparator(key[place]) { left -= 1 }
        }
        guard place > key.startIndex else { return true }
        let before = key[place - 1]
        return isSeparator(before) || (isCapital(key[place]) && !isCapital(before)) || (0x30...0x39).contains(before)
    }

    private static func plain(_ key: ArraySlice<UInt8>) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(key.count)
        for byte in key where !isSeparator(byte) { plain.append(lower(byte)) }
        return plain
    }

    @inline(__always)
    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: " ")
    }

    @inline(__always)
    private static func isCapital(_ byte: UInt8) -> Bool { byte &- 0x41 < 26 }

    @inline(__always)
    private static func lower(_ byte: UInt8) -> UInt8 { isCapital(byte) ? byte | 0x20 : byte }
}

// MARK: Values

extension SecretNames {
    /// The value without secrets, however deep they lie.
    public func masked(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object): .object(masked(object))
        case .array(let values): .array(values.map(masked))
        default: value
        }
    }

    /// The members without secrets.
    public func masked(_ object: JSONObject) -> JSONObject {
        JSONObject(object.map { name, value in (name, cover(name) ? .string(Self.stars) : masked(value)) })
    }
}

// MARK: Python's texts

extension SecretNames {
    /// A text as Python prints values, such as `argsrepr` and `kwargsrepr`, without secrets: behind `'name': ` and `name=`.
    ///
    /// The text may be cut anywhere.
    public func masked(repr: String) -> String {
        guard repr.utf8.contains(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "=") }) else { return repr }
        let bytes = Array(repr.utf8)
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            if Self.isQuote(byte) {
                let start = place
                Self.skipString(bytes, &place)
                out += bytes[start..<place]
                guard let colon = Self.colon(bytes, behind: place), place - start > 2,
                    cover(bytes[(start + 1)..<(place - 1)])
                else { continue }
                out += ": '***'".utf8
                place = colon + 1
                Self.skipValue(bytes, &place)
            } else if byte == UInt8(ascii: "="), let name = Self.name(before: out), cover(name) {
                out += "='***'".utf8
                place += 1
                Self.skipValue(bytes, &place)
            } else {
                out.append(byte)
                place += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") }

    private static func colon(_ bytes: [UInt8], behind place: Int) -> Int? {
        guard let next = bytes[place...].firstIndex(where: { $0 != 0x20 }), bytes[next] == UInt8(ascii: ":") else {
            return nil
        }
        return next
    }

    /// The identifier at the end of a text.
    private static func name(before out: [UInt8]) -> ArraySlice<UInt8>? {
        let start = (out.lastIndex { !isNamePart($0) } ?? -1) + 1
        return start < out.endIndex ? out[start...] : nil
    }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte == UInt8(ascii: "_") || lower(byte) &- 0x61 < 26 || byte &- 0x30 < 10
    }

    private static func skipString(_ bytes: [UInt8], _ place: inout Int) {
        let quote = bytes[place]
        place += 1
        while place < bytes.count {
            let byte = bytes[place]
            place += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == quote { break }
        }
        place = min(place, bytes.count)
    }

    private static func skipValue(_ bytes: [UInt8], _ place: inout Int) {
        var depth = 0
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                skipString(bytes, &place)
                continue
            case UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "("): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ")"):
                if depth == 0 { return }
                depth -= 1
            case UInt8(ascii: ","):
                if depth == 0 { return }
            default: break
            }
            place += 1
        }
    }
}

// MARK: JSON text

extension SecretNames {
    /// Appends JSON text without white space between its parts, values of these names masked.
    ///
    /// Text that would be longer than `limit` becomes a string of its beginning. Answers whether it was not cut.
    /// The text is one that was read before: what is no JSON ends early, and does no harm.
    @discardableResult
    func copy(_ json: [UInt8], limit: Int, into out: inout [UInt8]) -> Bool {
        let start = out.count
        // Most results are a number, null, or true: nothing to look into.
        if json.count <= 32, json.allSatisfy({ $0 > 0x20 && $0 != UInt8(ascii: "\"") }) {
            out.append(contentsOf: json)
            return true
        }
        let isWhole = json.withUnsafeBufferPointer { bytes in
            var copy = JSONCopy(bytes: bytes, secrets: self, end: start + limit)
            return copy.run(into: &out)
        }
        guard !isWhole else { return true }
        let beginning = String(decoding: out[start...].prefix(limit), as: UTF8.self) + "…"
        out.removeSubrange(start...)
        JSONWriter.writeString(beginning, into: &out)
        return false
    }

    /// One pass over JSON text.
    private struct JSONCopy {
        let bytes: UnsafeBufferPointer<UInt8>
        let secrets: SecretNames
        /// How long the output may get.
        let end: Int
        var place = 0

        init(bytes: UnsafeBufferPointer<UInt8>, secrets: SecretNames, end: Int) {
            self.bytes = bytes
            self.secrets = secrets
            self.end = end
        }

        /// Answers whether everything was copied.
        mutating func run(into out: inout [UInt8]) -> Bool {
            while place < bytes.count {
                guard out.count <= end else { return false }
                let byte = bytes[place]
                if byte == UInt8(ascii: "\"") {
                    copyString(into: &out)
                } else if byte <= 0x20 {
                    place &+= 1
                } else {
                    copyPlain(into: &out)
                }
            }
            return out.count <= end
        }

        /// Copies up to the next string or white space.
        private mutating func copyPlain(into out: inout [UInt8]) {
            let start = place
            while place < bytes.count, bytes[place] > 0x20, bytes[place] != UInt8(ascii: "\"") { place &+= 1 }
            out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<place]))
        }

        /// Copies a string; when it is a secret's name, its value is passed.
        private mutating func copyString(into out: inout [UInt8]) {
            let start = place
            let isPlain = skipString()
            if isPlain {
                out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<place]))
            } else {
                // A line break would end the line of the record.
                for byte in bytes[start..<place] { out.append(byte < 0x20 ? 0x20 : byte) }
            }
            var next = place
            while next < bytes.count, bytes[next] <= 0x20 { next &+= 1 }
            guard next < bytes.count, bytes[next] == UInt8(ascii: ":"), place - start >= 2 else { return }
            guard mayBeSecret(start + 1, place - 1), secrets.cover(name(start + 1, place - 1)) else { return }
            out.append(literal: ":\"***\"")
            place = next + 1
            skipValue()
        }

        /// Whether a key may be one of the names, by its last letter, which may be written as an escape.
        private func mayBeSecret(_ start: Int, _ end: Int) -> Bool {
            guard end > start else { return false }
            let last = bytes[end - 1]
            if last >= 0x80 || secrets.endings[Int(SecretNames.lower(last))] { return true }
            return end - start >= 6 && bytes[end - 6] == UInt8(ascii: "\\")
        }

        private func name(_ start: Int, _ end: Int) -> ArraySlice<UInt8> {
            let raw = Array(bytes[start..<end])
            guard raw.contains(UInt8(ascii: "\\")) else { return raw[...] }
            let quoted = [UInt8(ascii: "\"")] + raw + [UInt8(ascii: "\"")]
            return Array(((try? JSONReader.value(quoted))?.string ?? "").utf8)[...]
        }

        /// Passes a string; answers whether it holds no control characters.
        private mutating func skipString() -> Bool {
            var isPlain = true
            place &+= 1
            while place < bytes.count {
                let byte = bytes[place]
                place &+= 1
                if byte == UInt8(ascii: "\"") { return isPlain }
                if byte < 0x20 { isPlain = false }
                if byte == UInt8(ascii: "\\") { place &+= 1 }
            }
            place = min(place, bytes.count)
            return isPlain
        }

        private mutating func skipValue() {
            var depth = 0
            while place < bytes.count {
                switch bytes[place] {
                case UInt8(ascii: "\""):
                    _ = skipString()
                    continue
                case UInt8(ascii: "["), UInt8(ascii: "{"): depth &+= 1
                case UInt8(ascii: "]"), UInt8(ascii: "}"):
                    if depth == 0 { return }
                    depth &-= 1
                case UInt8(ascii: ","):
                    if depth == 0 { return }
                default: break
                }
                place &+= 1
            }
        }
    }
}
