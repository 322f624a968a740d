/// Writes JSON byte for byte as Python's `json.dumps` does by default: `", "` and `": "` between parts, ASCII only,
/// `NaN` and `Infinity` where they occur, floats as `repr` prints them, and Kombu's tags around typed values.
public enum JSONWriter {
    /// Appends `value`.
    public static func write(_ value: JSONValue, into out: inout [UInt8]) {
        switch value {
        case .null: out.append("null")
        case .bool(let flag): out.append(flag ? "true" : "false")
        case .int(let number): writeInteger(number, into: &out)
        case .bigInt(let digits): out.append(contentsOf: digits.utf8)
        case .double(let number): writeDouble(number, into: &out)
        case .string(let text): writeString(text, into: &out)
        case .array(let values): write(values, into: &out)
        case .object(let object): write(object, into: &out)
        case .tagged(let tagged): write(tagged, into: &out)
        }
    }

    /// The JSON text of `value`.
    public static func string(_ value: JSONValue) -> String { String(decoding: bytes(value), as: UTF8.self) }

    /// The JSON text of `value` as bytes, all of them ASCII.
    public static func bytes(_ value: JSONValue) -> [UInt8] {
        var out: [UInt8] = []
        write(value, into: &out)
        return out
    }

    /// Appends a list.
    public static func write(_ values: [JSONValue], into out: inout [UInt8]) {
        out.append(UInt8(ascii: "["))
        for (place, value) in values.enumerated() {
            if place > 0 { out.append(", ") }
            write(value, into: &out)
        }
        out.append(UInt8(ascii: "]"))
    }

    /// Appends an object.
    public static func write(_ object: JSONObject, into out: inout [UInt8]) {
        out.append(UInt8(ascii: "{"))
        var first = true
        for (key, value) in object {
            if !first { out.append(", ") }
            first = false
            writeString(key, into: &out)
            out.append(": ")
            write(value, into: &out)
        }
        out.append(UInt8(ascii: "}"))
    }

    private static func write(_ tagged: TaggedValue, into out: inout [UInt8]) {
        let type: StaticString
        let text: String
        switch tagged {
        case .datetime(let value): (type, text) = ("datetime", value)
        case .date(let value): (type, text) = ("date", value)
        case .time(let value): (type, text) = ("time", value)
        case .decimal(let value): (type, text) = ("decimal", value)
        case .uuid(let digits):
            out.append(#"{"__type__": "uuid", "__value__": {"hex": "#)
            writeString(digits, into: &out)
            out.append("}}")
            return
        case .bytes(let bytes):
            if let valid = String(validating: bytes, as: UTF8.self) {
                (type, text) = ("bytes", Surrogates.held(valid))
            } else {
                (type, text) = ("base64", String(decoding: Base64.encode(bytes), as: UTF8.self))
            }
        }
        out.append(#"{"__type__": ""#)
        out.append(type)
        out.append(#"", "__value__": "#)
        writeString(text, into: &out)
        out.append(UInt8(ascii: "}"))
    }

    // MARK: Strings

    /// Appends `text` quoted and escaped.
    public static func writeString(_ text: String, into out: inout [UInt8]) {
        var text = text
        text.withUTF8 { writeQuoted($0, into: &out) }
    }

    /// Appends valid UTF-8 quoted and escaped.
    private static func writeQuoted(_ bytes: UnsafeBufferPointer<UInt8>, into out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        var start = 0
        var place = plainEnd(bytes, from: 0)
        while place < bytes.count {
            out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<place]))
            if bytes[place] < 0x80 {
                writeEscape(bytes[place], into: &out)
                place += 1
            } else {
                place += writeScalar(bytes, at: place, into: &out)
            }
            start = place
            place = plainEnd(bytes, from: place)
        }
        out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<place]))
        out.append(UInt8(ascii: "\""))
    }

    /// Where the next byte is that needs an escape.
    private static func plainEnd(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        guard let base = bytes.baseAddress else { return start }
        var place = start
        while place &+ 8 <= bytes.count {
            let escaped = ByteWord.escaped(ByteWord.load(base + place))
            if escaped != 0 { return place &+ escaped.trailingZeroBitCount &>> 3 }
            place &+= 8
        }
        while place < bytes.count {
            let byte = bytes[place]
            guard byte &- 0x20 < 0x5F, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else { break }
            place &+= 1
        }
        return place
    }

    private static func writeEscape(_ byte: UInt8, into out: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""): out.append("\\\"")
        case UInt8(ascii: "\\"): out.append("\\\\")
        case 0x08: out.append("\\b")
        case 0x0C: out.append("\\f")
        case 0x0A: out.append("\\n")
        case 0x0D: out.append("\\r")
        case 0x09: out.append("\\t")
        default: writeUnit(UInt32(byte), into: &out)
        }
    }

    /// Escapes the character at `place`, a marked surrogate as one; answers how many bytes were used.
    private static func writeScalar(
        _ bytes: UnsafeBufferPointer<UInt8>,
        at place: Int,
        into out: inout [UInt8]
    ) -> Int {
        let (point, length) = scalar(bytes, at: place)
        if point == Surrogates.marker, place + 8 <= bytes.count, bytes[place + 4] == 0xF4 {
            let (next, more) = scalar(bytes, at: place + 4)
            if let surrogate = Surrogates.unmarked(next) {
                writeUnit(surrogate, into: &out)
                return length + more
            }
            if next == Surrogates.marker {
                writePoint(next, into: &out)
                return length + more
            }
        }
        writePoint(point, into: &out)
        return length
    }

    private static func scalar(_ bytes: UnsafeBufferPointer<UInt8>, at place: Int) -> (UInt32, Int) {
        let lead = UInt32(bytes[place])
        let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        var point = lead & (0xFF >> UInt32(length + 1))
        for index in place + 1..<place + length { point = point << 6 | UInt32(bytes[index] & 0x3F) }
        return (point, length)
    }

    private static func writePoint(_ point: UInt32, into out: inout [UInt8]) {
        if point < 0x10000 {
            writeUnit(point, into: &out)
        } else {
            writeUnit(0xD800 + (point - 0x10000) >> 10, into: &out)
            writeUnit(0xDC00 + (point - 0x10000) & 0x3FF, into: &out)
        }
    }

    private static func writeUnit(_ unit: UInt32, into out: inout [UInt8]) {
        out.append("\\u")
        for shift: UInt32 in [12, 8, 4, 0] { out.append(hexadecimalDigits[Int(unit >> shift & 0xF)]) }
    }

    // MARK: Numbers

    /// Appends an integer in decimal.
    static func writeInteger(_ number: Int64, into out: inout [UInt8]) {
        if number < 0 { out.append(UInt8(ascii: "-")) }
        writeMagnitude(number.magnitude, into: &out)
    }

    private static func writeMagnitude(_ number: UInt64, into out: inout [UInt8]) {
        if number >= 10 { writeMagnitude(number / 10, into: &out) }
        out.append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    private static func writeDouble(_ number: Double, into out: inout [UInt8]) {
        if number.isNaN {
            out.append("NaN")
        } else if number.isInfinite {
            out.append(number < 0 ? "-Infinity" : "Infinity")
        } else {
            PythonFloat.write(number, into: &out)
        }
    }

    // MARK: For people

    /// The value over several lines with two spaces of indent, non-ASCII text kept, control characters escaped so
    /// that printing it to a terminal is safe.
    public static func pretty(_ value: JSONValue) -> String {
        var out = ""
        writePretty(value, indent: 0, into: &out)
        return out
    }

    private static func writePretty(_ value: JSONValue, indent: Int, into out: inout String) {
        switch value {
        case .array(let values) where !values.isEmpty:
            out += "["
            for (place, element) in values.enumerated() {
                out += place > 0 ? ",\n" : "\n"
                out += String(repeating: " ", count: indent + 2)
                writePretty(element, indent: indent + 2, into: &out)
            }
            out += "\n" + String(repeating: " ", count: indent) + "]"
        case .object(let object) where !object.isEmpty:
            out += "{"
            for (place, member) in object.enumerated() {
                out += place > 0 ? ",\n" : "\n"
                out += String(repeating: " ", count: indent + 2) + prettyString(member.key) + ": "
                writePretty(member.value, indent: indent + 2, into: &out)
            }
            out += "\n" + String(repeating: " ", count: indent) + "}"
        case .string(let text): out += prettyString(text)
        default: out += string(value)
        }
    }

    private static func prettyString(_ text: String) -> String {
        var out = "\""
        for point in Surrogates.points(text) {
            guard let scalar = Unicode.Scalar(point), !isControl(scalar), point != 0x22, point != 0x5C else {
                var escaped: [UInt8] = []
                if point < 0x80 { writeEscape(UInt8(point), into: &escaped) } else { writePoint(point, into: &escaped) }
                out += String(decoding: escaped, as: UTF8.self)
                continue
            }
            out.unicodeScalars.append(scalar)
        }
        return out + "\""
    }

    /// Control characters, and the format characters that reorder what a terminal shows.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}

extension [UInt8] {
    /// Appends the bytes of a literal.
    @inline(__always)
    mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
