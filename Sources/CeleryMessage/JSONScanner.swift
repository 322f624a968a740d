/// Walks JSON text byte by byte; everything that reads JSON here is built on it.
///
/// It borrows the memory of a buffer, so it must not outlive the closure that provided it. Each read is preceded by
/// a comparison with `end`; input of any kind ends in a value or a `JSONError`, never in a trap.
struct JSONScanner {
    /// What to do with an object that has exactly the keys `__type__` and `__value__`.
    enum TagReading {
        /// Decode it; an unknown type is an error, as for task bodies and results.
        case decode
        /// Decode it where the type is known and leave it an object otherwise, as for headers that only travel on.
        case keepUnknown
    }

    /// A string between its quotes.
    struct Text {
        var start: Int
        var end: Int
        /// Whether the bytes are the string as they stand: no escapes, nothing that needs care.
        var plain: Bool
    }

    private let bytes: UnsafePointer<UInt8>
    let end: Int
    private let maximumDepth: Int
    var tags: TagReading
    private(set) var position = 0
    /// Whether `skipValue` passed a key that may be `__type__`, so that somebody has to look at the tags.
    private(set) var sawTypeKey = false

    init(_ buffer: UnsafeBufferPointer<UInt8>, depth: Int, tags: TagReading = .decode) {
        // An empty array may have no address; with `end` 0 the address is never read.
        bytes = buffer.baseAddress ?? Self.nothing
        end = buffer.baseAddress == nil ? 0 : buffer.count
        maximumDepth = depth
        self.tags = tags
    }

    private static var nothing: UnsafePointer<UInt8> { UnsafePointer(bitPattern: 1).unsafelyUnwrapped }

    /// Reads the whole text as one value.
    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value()
        try finish()
        return value
    }

    /// Refuses anything but white space up to the end.
    mutating func finish() throws(JSONError) {
        skipSpace()
        guard position == end else { throw JSONError(.trailingBytes, at: position) }
    }

    func error(_ code: JSONError.Code) -> JSONError { JSONError(code, at: position) }

    // MARK: Tokens

    @inline(__always)
    mutating func skipSpace() {
        while position < end {
            let byte = bytes[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position &+= 1
        }
    }

    /// The first byte of the next token, which stays unread.
    @inline(__always)
    mutating func peek() throws(JSONError) -> UInt8 {
        skipSpace()
        guard position < end else { throw error(.unexpectedEnd) }
        return bytes[position]
    }

    /// Passes one punctuation byte.
    @inline(__always)
    mutating func pass(_ expected: UInt8) throws(JSONError) {
        guard try peek() == expected else { throw error(.unexpectedByte) }
        position &+= 1
    }

    /// Passes `expected` when it is next.
    @inline(__always)
    mutating func passed(_ expected: UInt8) throws(JSONError) -> Bool {
        guard try peek() == expected else { return false }
        position &+= 1
        return true
    }

    private mutating func literal(_ text: StaticString) throws(JSONError) {
        guard end - position >= text.utf8CodeUnitCount else { throw error(.unexpectedEnd) }
        guard matches(text, from: position, to: position + text.utf8CodeUnitCount) else {
            throw error(.unexpectedByte)
        }
        position += text.utf8CodeUnitCount
    }

    /// Passes `expected` when the next bytes are exactly that.
    mutating func passed(_ expected: StaticString) -> Bool {
        guard end - position >= expected.utf8CodeUnitCount,
            matches(expected, from: position, to: position + expected.utf8CodeUnitCount)
        else { return false }
        position += expected.utf8CodeUnitCount
        return true
    }

    /// Passes `null` when it is next.
    mutating func passedNull() throws(JSONError) -> Bool {
        guard try peek() == UInt8(ascii: "n") else { return false }
        try literal("null")
        return true
    }

    // MARK: Strings

    /// Passes a string, eight bytes at a time where they are plain.
    mutating func text() throws(JSONError) -> Text {
        guard try peek() == UInt8(ascii: "\"") else { throw error(.unexpectedByte) }
        let start = position &+ 1
        var place = start
        while place &+ 8 <= end {
            let special = ByteWord.special(ByteWord.load(bytes + place))
            guard special == 0 else {
                place &+= special.trailingZeroBitCount &>> 3
                break
            }
            place &+= 8
        }
        if place < end, bytes[place] == UInt8(ascii: "\"") {
            position = place &+ 1
            return Text(start: start, end: place, plain: true)
        }
        position = place
        return try rest(from: start)
    }

    /// Passes the rest of a string that has something special in it, or ends near the end of the text.
    private mutating func rest(from start: Int) throws(JSONError) -> Text {
        var plain = true
        while true {
            while position &+ 8 <= end {
                let special = ByteWord.special(ByteWord.load(bytes + position))
                guard special == 0 else {
                    position &+= special.trailingZeroBitCount &>> 3
                    break
                }
                position &+= 8
            }
            guard position < end else { throw error(.unexpectedEnd) }
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                position &+= 1
                return Text(start: start, end: position &- 1, plain: plain)
            } else if byte == UInt8(ascii: "\\") {
                plain = false
                try skipEscape()
            } else if byte < 0x20 {
                throw error(.controlCharacter)
            } else if byte < 0x80 {
                position &+= 1
            } else {
                // A four-byte sequence of plane 16 may be U+10FFFF, which is held doubled.
                if byte == 0xF4 { plain = false }
                try skipSequence()
            }
        }
    }

    private mutating func skipEscape() throws(JSONError) {
        guard position + 1 < end else { throw error(.unexpectedEnd) }
        switch bytes[position + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 2
        case UInt8(ascii: "u"):
            guard position + 6 <= end else { throw error(.unexpectedEnd) }
            guard unit(at: position + 2) != nil else { throw error(.invalidEscape) }
            position += 6
        default: throw error(.invalidEscape)
        }
    }

    /// The four hexadecimal digits at `place`, which the caller knows to be inside the text.
    private func unit(at place: Int) -> UInt32? {
        var unit: UInt32 = 0
        for index in place..<place + 4 {
            guard let digit = hexadecimalDigit(bytes[index]) else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    /// Passes one character beyond ASCII, refusing overlong forms, surrogates and values above U+10FFFF.
    private mutating func skipSequence() throws(JSONError) {
        let lead = bytes[position]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0:
            length = 3
            second = 0xA0...0xBF
        case 0xED:
            length = 3
            second = 0x80...0x9F
        case 0xE1...0xEF: length = 3
        case 0xF0:
            length = 4
            second = 0x90...0xBF
        case 0xF1...0xF3: length = 4
        case 0xF4:
            length = 4
            second = 0x80...0x8F
        default: throw error(.invalidUTF8)
        }
        guard position + length <= end, second.contains(bytes[position + 1]) else { throw error(.invalidUTF8) }
        for index in position + 2..<position + max(length, 2) where bytes[index] & 0xC0 != 0x80 {
            throw error(.invalidUTF8)
        }
        position += length
    }

    /// The string between two quotes.
    func string(_ text: Text) -> String {
        guard text.plain else { return String(decoding: unescaped(text), as: UTF8.self) }
        return String(
            decoding: UnsafeBufferPointer(start: bytes + text.start, count: text.end - text.start),
            as: UTF8.self
        )
    }

    /// The bytes of a string that `text()` has checked, its escapes undone.
    func unescaped(_ text: Text) -> [UInt8] {
        if text.plain { return slice(text.start, text.end) }
        var out: [UInt8] = []
        out.reserveCapacity(text.end - text.start)
        var place = text.start
        while place < text.end {
            let byte = bytes[place]
            guard byte == UInt8(ascii: "\\") else {
                place += appendSequence(at: place, to: &out)
                continue
            }
            switch bytes[place + 1] {
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0C)
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "u"):
                place = appendUnit(at: place, before: text.end, to: &out)
                continue
            case let other: out.append(other)
            }
            place += 2
        }
        return out
    }

    /// Copies one byte, or the whole of U+10FFFF twice; answers how many bytes were read.
    private func appendSequence(at place: Int, to out: inout [UInt8]) -> Int {
        guard bytes[place] == 0xF4, bytes[place + 1] == 0x8F, bytes[place + 2] == 0xBF, bytes[place + 3] == 0xBF else {
            out.append(bytes[place])
            return 1
        }
        Surrogates.append(0x10FFFF, to: &out)
        return 4
    }

    /// Copies what a `\u` escape stands for, taking two of them for a pair; answers the place after it.
    private func appendUnit(at place: Int, before end: Int, to out: inout [UInt8]) -> Int {
        guard let first = unit(at: place + 2) else { return end }
        guard first & 0xFC00 == 0xD800, place + 12 <= end, bytes[place + 6] == UInt8(ascii: "\\"),
            bytes[place + 7] == UInt8(ascii: "u"), let second = unit(at: place + 8), second & 0xFC00 == 0xDC00
        else {
            Surrogates.append(first, to: &out)
            return place + 6
        }
        Surrogates.append(0x10000 + (first & 0x3FF) << 10 + (second & 0x3FF), to: &out)
        return place + 12
    }

    // MARK: Slices

    /// Whether the bytes of `text` are `expected`; an escaped spelling does not match.
    @inline(__always)
    func matches(_ expected: StaticString, _ text: Text) -> Bool { matches(expected, from: text.start, to: text.end) }

    @inline(__always)
    func matches(_ expected: StaticString, from start: Int, to end: Int) -> Bool {
        guard end - start == expected.utf8CodeUnitCount else { return false }
        return Self.equal(bytes + start, expected.utf8Start, count: end - start)
    }

    /// Whether two strings are spelled with the same plain bytes.
    func same(_ left: Text, _ right: Text) -> Bool {
        guard left.plain, right.plain, left.end - left.start == right.end - right.start else { return false }
        return Self.equal(bytes + left.start, bytes + right.start, count: left.end - left.start)
    }

    /// Compares eight bytes at a time, the last ones singly.
    @inline(__always)
    private static func equal(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, count: Int) -> Bool {
        var place = 0
        while place &+ 8 <= count {
            if ByteWord.load(left + place) != ByteWord.load(right + place) { return false }
            place &+= 8
        }
        while place < count {
            if left[place] != right[place] { return false }
            place &+= 1
        }
        return true
    }

    /// A copy of the bytes between two places.
    func slice(_ start: Int, _ end: Int) -> [UInt8] { Array(buffer(start, end)) }

    /// The bytes between two places, valid as long as the scanned buffer.
    func buffer(_ start: Int, _ end: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: bytes + start, count: end - start)
    }

    // MARK: Containers

    /// Walks an object; `member` finds the scanner before a value and must pass exactly that value.
    @inline(__always)
    mutating func members(
        depth: Int,
        _ member: (inout JSONScanner, Text) throws(JSONError) -> Void
    ) throws(JSONError) {
        try enter(UInt8(ascii: "{"), depth: depth)
        if try passed(UInt8(ascii: "}")) { return }
        while true {
            let key = try text()
            try pass(UInt8(ascii: ":"))
            try member(&self, key)
            if try passed(UInt8(ascii: "}")) { return }
            try pass(UInt8(ascii: ","))
        }
    }

    /// Walks a list; `element` finds the scanner before a value and must pass exactly that value.
    @inline(__always)
    mutating func elements(
        depth: Int,
        _ element: (inout JSONScanner) throws(JSONError) -> Void
    ) throws(JSONError) {
        try enter(UInt8(ascii: "["), depth: depth)
        if try passed(UInt8(ascii: "]")) { return }
        while true {
            try element(&self)
            if try passed(UInt8(ascii: "]")) { return }
            try pass(UInt8(ascii: ","))
        }
    }

    private mutating func enter(_ opening: UInt8, depth: Int) throws(JSONError) {
        try pass(opening)
        guard depth < maximumDepth else {
            position -= 1
            throw error(.tooDeep)
        }
    }

    // MARK: Values

    /// Passes any value, checking it as strictly as `value` does except for what type tags hold.
    mutating func skipValue(depth: Int = 0) throws(JSONError) {
        switch try peek() {
        case UInt8(ascii: "\""): _ = try text()
        case UInt8(ascii: "{"):
            try members(depth: depth) { scanner, key throws(JSONError) in
                if !key.plain || scanner.matches("__type__", key) { scanner.sawTypeKey = true }
                try scanner.skipValue(depth: depth + 1)
            }
        case UInt8(ascii: "["):
            try elements(depth: depth) { scanner throws(JSONError) in try scanner.skipValue(depth: depth + 1) }
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        case UInt8(ascii: "N"): try literal("NaN")
        case UInt8(ascii: "I"): try literal("Infinity")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try number()
        default: throw error(.unexpectedByte)
        }
    }

    /// Reads any value.
    mutating func value(depth: Int = 0) throws(JSONError) -> JSONValue {
        switch try peek() {
        case UInt8(ascii: "\""): return .string(string(try text()))
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["):
            var values: [JSONValue] = []
            try elements(depth: depth) { scanner throws(JSONError) in
                values.append(try scanner.value(depth: depth + 1))
            }
            return .array(values)
        case UInt8(ascii: "t"):
            try literal("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try literal("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try literal("null")
            return .null
        case UInt8(ascii: "N"):
            try literal("NaN")
            return .double(.nan)
        case UInt8(ascii: "I"):
            try literal("Infinity")
            return .double(.infinity)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return value(of: try number())
        default: throw error(.unexpectedByte)
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        let start = position
        var object = JSONObject()
        try members(depth: depth) { scanner, key throws(JSONError) in
            let name = scanner.string(key)
            object[name] = try scanner.value(depth: depth + 1)
        }
        guard object.count == 2, let type = object["__type__"], let value = object["__value__"] else {
            return .object(object)
        }
        if let tagged = TaggedValue(type: type, value: value) { return .tagged(tagged) }
        guard tags == .decode else { return .object(object) }
        throw JSONError(TaggedValue.isKnown(type) ? .invalidTag : .unknownTag, at: start)
    }

    // MARK: Numbers

    /// A number that was passed.
    struct Number {
        var start: Int
        var end: Int
        var integral: Bool
    }

    /// Passes a number, `-Infinity` included.
    mutating func number() throws(JSONError) -> Number {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        guard position < end else { throw error(.unexpectedEnd) }
        switch bytes[position] {
        case UInt8(ascii: "0"): position += 1
        case UInt8(ascii: "1")...UInt8(ascii: "9"): skipDigits()
        case UInt8(ascii: "I") where position > start:
            try literal("Infinity")
            return Number(start: start, end: position, integral: false)
        default: throw error(.invalidNumber)
        }
        var integral = true
        if position < end, bytes[position] == UInt8(ascii: ".") {
            integral = false
            position += 1
            try someDigits()
        }
        if position < end, bytes[position] | 0x20 == UInt8(ascii: "e") {
            integral = false
            position += 1
            if position < end, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            try someDigits()
        }
        return Number(start: start, end: position, integral: integral)
    }

    private mutating func skipDigits() {
        while position < end, bytes[position] &- UInt8(ascii: "0") < 10 { position &+= 1 }
    }

    private mutating func someDigits() throws(JSONError) {
        let start = position
        skipDigits()
        guard position > start else { throw error(position == end ? .unexpectedEnd : .invalidNumber) }
    }

    func value(of number: Number) -> JSONValue {
        guard number.integral else { return .double(double(number)) }
        if let value = integer(number) { return .int(value) }
        return .bigInt(String(decoding: buffer(number.start, number.end), as: UTF8.self))
    }

    /// The integer, or `nil` when it does not fit 64 bits.
    func integer(_ number: Number) -> Int64? {
        let negative = bytes[number.start] == UInt8(ascii: "-")
        var value: Int64 = 0
        for index in (negative ? number.start + 1 : number.start)..<number.end {
            let digit = Int64(bytes[index] &- UInt8(ascii: "0"))
            let (scaled, over) = value.multipliedReportingOverflow(by: 10)
            let (next, overAgain) =
                negative ? scaled.subtractingReportingOverflow(digit) : scaled.addingReportingOverflow(digit)
            if over || overAgain { return nil }
            value = next
        }
        return value
    }

    /// The nearest double; beyond the range an infinity, as in Python.
    func double(_ number: Number) -> Double {
        let text = buffer(number.start, number.end)
        if text.count > 1, text[1] == UInt8(ascii: "I") { return -.infinity }
        return Double(String(decoding: text, as: UTF8.self)) ?? .nan
    }
}

/// The value of a hexadecimal digit in either case.
@inline(__always)
func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
