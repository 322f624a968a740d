import CeleryMessage
import NIOCore

/// Writes values as browsers and command lines read them: compact JSON in UTF-8.
///
/// What JSON has no form for becomes what FastAPI makes of it: typed values their text, `NaN` and the infinities `null`.
enum WebJSON {
    /// The value as text.
    static func string(_ value: JSONValue) -> String { String(decoding: bytes(value), as: UTF8.self) }

    /// The value for a response's body.
    static func buffer(_ value: JSONValue) -> ByteBuffer { ByteBuffer(bytes: bytes(value)) }

    static func bytes(_ value: JSONValue) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(256)
        write(value, into: &out)
        return out
    }

    private static func write(_ value: JSONValue, into out: inout [UInt8]) {
        switch value {
        case .null: out += "null".utf8
        case .bool(let flag): out += (flag ? "true" : "false").utf8
        case .int(let number): out += String(number).utf8
        case .bigInt(let digits): out += digits.utf8
        case .double(let number): out += (number.isFinite ? value.pythonRepr : "null").utf8
        case .string(let text): write(text, into: &out)
        case .array(let values): write(values, into: &out)
        case .object(let object): write(object, into: &out)
        case .tagged(let tagged): write(text(of: tagged), into: &out)
        }
    }

    private static func write(_ values: [JSONValue], into out: inout [UInt8]) {
        out.append(UInt8(ascii: "["))
        for (place, value) in values.enumerated() {
            if place > 0 { out.append(UInt8(ascii: ",")) }
            write(value, into: &out)
        }
        out.append(UInt8(ascii: "]"))
    }

    private static func write(_ object: JSONObject, into out: inout [UInt8]) {
        out.append(UInt8(ascii: "{"))
        var isFirst = true
        for (key, value) in object {
            if !isFirst { out.append(UInt8(ascii: ",")) }
            isFirst = false
            write(key, into: &out)
            out.append(UInt8(ascii: ":"))
            write(value, into: &out)
        }
        out.append(UInt8(ascii: "}"))
    }

    private static func text(of tagged: TaggedValue) -> String {
        switch tagged {
        case .datetime(let text), .date(let text), .time(let text), .decimal(let text): text
        case .uuid(let digits): dashed(digits)
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Whether a byte stands for itself, and cannot begin one of the marks of Kombu's reader.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") && byte < 0xF4
    }

    private static func dashed(_ digits: String) -> String {
        guard digits.utf8.count == 32 else { return digits }
        var out = ""
        for (place, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(place) { out.append("-") }
            out.append(digit)
        }
        return out
    }

    private static func write(_ text: String, into out: inout [UInt8]) {
        // Most texts are names and numbers, in which nothing has to be written otherwise.
        let isDone = text.utf8.withContiguousStorageIfAvailable { bytes in
            guard bytes.allSatisfy(isPlain) else { return false }
            out.append(UInt8(ascii: "\""))
            out.append(contentsOf: bytes)
            out.append(UInt8(ascii: "\""))
            return true
        }
        if isDone == true { return }
        // Kombu's reader marks what a Swift string cannot hold, and its writer alone knows the marks.
        guard !text.unicodeScalars.contains("\u{10FFFF}") else { return JSONWriter.writeString(text, into: &out) }
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): out += #"\""#.utf8
            case UInt8(ascii: "\\"): out += #"\\"#.utf8
            case 0x0A: out += #"\n"#.utf8
            case 0x0D: out += #"\r"#.utf8
            case 0x09: out += #"\t"#.utf8
            case 0x00..<0x20:
                out += (byte < 0x10 ? #"\u000"# : #"\u00"#).utf8
                out += String(byte, radix: 16).utf8
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}
