extension JSONValue {
    /// The value as Python's `repr` prints what Celery would hold for it.
    public var pythonRepr: String {
        switch self {
        case .null: "None"
        case .bool(let flag): flag ? "True" : "False"
        case .int(let number): String(number)
        case .bigInt(let digits): digits
        case .double(let number): PythonFloat.text(number)
        case .string(let text): PythonRepr.string(text)
        case .array(let values): "[" + values.map(\.pythonRepr).joined(separator: ", ") + "]"
        case .object(let object):
            "{" + object.map { PythonRepr.string($0.key) + ": " + $0.value.pythonRepr }.joined(separator: ", ") + "}"
        case .tagged(let tagged): PythonRepr.tagged(tagged)
        }
    }
}

/// The parts of Python's `repr`.
enum PythonRepr {
    /// A `str`: single quotes unless only those occur inside, escapes for everything that does not print.
    static func string(_ text: String) -> String {
        let points = Surrogates.points(text)
        let quote: UInt32 = points.contains(0x27) && !points.contains(0x22) ? 0x22 : 0x27
        var out = quote == 0x22 ? "\"" : "'"
        for point in points {
            switch point {
            case quote, 0x5C: out += "\\" + String(Character(Unicode.Scalar(UInt8(point))))
            case 0x0A: out += "\\n"
            case 0x0D: out += "\\r"
            case 0x09: out += "\\t"
            case 0x20..<0x7F: out.unicodeScalars.append(Unicode.Scalar(UInt8(point)))
            default:
                if let scalar = Unicode.Scalar(point), isPrintable(scalar) {
                    out.unicodeScalars.append(scalar)
                } else {
                    out += escape(point)
                }
            }
        }
        return out + (quote == 0x22 ? "\"" : "'")
    }

    private static func escape(_ point: UInt32) -> String {
        if point < 0x100 { return "\\x" + hexadecimal(point, width: 2) }
        if point < 0x10000 { return "\\u" + hexadecimal(point, width: 4) }
        return "\\U" + hexadecimal(point, width: 8)
    }

    private static func hexadecimal(_ number: UInt32, width: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: width - digits.count) + digits
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            false
        default: true
        }
    }

    /// A `bytes` object.
    static func bytes(_ bytes: [UInt8]) -> String {
        let quote: UInt8 = bytes.contains(0x27) && !bytes.contains(0x22) ? 0x22 : 0x27
        var out = quote == 0x22 ? "b\"" : "b'"
        for byte in bytes {
            switch byte {
            case quote, 0x5C: out += "\\" + String(Character(Unicode.Scalar(byte)))
            case 0x0A: out += "\\n"
            case 0x0D: out += "\\r"
            case 0x09: out += "\\t"
            case 0x20..<0x7F: out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "\\x" + hexadecimal(UInt32(byte), width: 2)
            }
        }
        return out + (quote == 0x22 ? "\"" : "'")
    }

    /// A value that Kombu tags; where its text is no date or time the text itself stands in.
    static func tagged(_ tagged: TaggedValue) -> String {
        switch tagged {
        case .datetime(let text): ISO8601.fields(text).map(datetime) ?? string(text)
        case .date(let text):
            ISO8601.fields(text).map { "datetime.date(\($0.year), \($0.month), \($0.day))" } ?? string(text)
        case .time(let text): ISO8601.timeFields(text).map(time) ?? string(text)
        case .decimal(let text): "Decimal('\(text)')"
        case .uuid(let digits): "UUID('\(Identifier.dashed(digits))')"
        case .bytes(let bytes): self.bytes(bytes)
        }
    }

    private static func datetime(_ fields: ISO8601.Fields) -> String {
        var parts = [
            fields.year, fields.month, fields.day, fields.hour, fields.minute, fields.second, fields.microsecond,
        ]
        if parts[6] == 0 { parts.removeLast(parts[5] == 0 ? 2 : 1) }
        return "datetime.datetime(" + parts.map(String.init).joined(separator: ", ") + zone(fields.offset) + ")"
    }

    private static func time(_ fields: ISO8601.Fields) -> String {
        var parts = [fields.hour, fields.minute, fields.second, fields.microsecond]
        if parts[3] == 0 { parts.removeLast(parts[2] == 0 ? 2 : 1) }
        return "datetime.time(" + parts.map(String.init).joined(separator: ", ") + zone(fields.offset) + ")"
    }

    private static func zone(_ offset: Int?) -> String {
        guard let offset else { return "" }
        if offset == 0 { return ", tzinfo=datetime.timezone.utc" }
        if offset > 0 { return ", tzinfo=datetime.timezone(datetime.timedelta(seconds=\(offset)))" }
        return ", tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=\(86400 + offset)))"
    }
}

extension JSONValue {
    /// The Python type's name, for the errors Python users know.
    public var pythonTypeName: String {
        switch self {
        case .null: "NoneType"
        case .bool: "bool"
        case .int, .bigInt: "int"
        case .double: "float"
        case .string: "str"
        case .array: "list"
        case .object: "dict"
        case .tagged(.datetime): "datetime"
        case .tagged(.date): "date"
        case .tagged(.time): "time"
        case .tagged(.decimal): "Decimal"
        case .tagged(.uuid): "UUID"
        case .tagged(.bytes): "bytes"
        }
    }
}
