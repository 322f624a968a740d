/// Reads for parts that producers in other languages write loosely: a value of another type than expected is passed
/// and counts as absent, where Celery's worker would not mind it either.
extension JSONScanner {
    /// Text, or a number as text.
    mutating func optionalString() throws(JSONError) -> String? {
        switch try peek() {
        case UInt8(ascii: "\""): return string(try text())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let number = try number()
            return String(decoding: buffer(number.start, number.end), as: UTF8.self)
        default:
            try skipValue(depth: 2)
            return nil
        }
    }

    /// An integer, also one written as text or with a fraction.
    mutating func optionalInteger() throws(JSONError) -> Int? {
        switch try peek() {
        case UInt8(ascii: "\""): return Int(string(try text()))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let number = try number()
            if number.integral { return integer(number).flatMap { Int(exactly: $0) } }
            return Int(exactly: double(number).rounded(.towardZero))
        default:
            try skipValue(depth: 2)
            return nil
        }
    }

    /// A finite number.
    mutating func optionalNumber() throws(JSONError) -> Double? {
        switch try peek() {
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let value = double(try number())
            return value.isFinite ? value : nil
        default:
            try skipValue(depth: 2)
            return nil
        }
    }

    /// A boolean.
    mutating func optionalBool() throws(JSONError) -> Bool? {
        let first = try peek()
        try skipValue(depth: 2)
        switch first {
        case UInt8(ascii: "t"): return true
        case UInt8(ascii: "f"): return false
        default: return nil
        }
    }

    /// An object; anything else counts as an empty one.
    mutating func optionalObject(depth: Int) throws(JSONError) -> JSONObject {
        try value(depth: depth).object ?? JSONObject()
    }
}
