import CeleryMessage
import Testing

@Suite struct `JSON reader` {
    static let values: [(String, JSONValue)] = [
        ("null", .null), ("true", .bool(true)), (" false\n", .bool(false)), ("0", .int(0)), ("-0", .int(0)),
        ("-12", .int(-12)), ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
        ("9223372036854775808", .bigInt("9223372036854775808")),
        ("-9223372036854775809", .bigInt("-9223372036854775809")),
        ("123456789012345678901234567890", .bigInt("123456789012345678901234567890")),
        ("1.0", .double(1)), ("1e2", .double(100)), ("0.1", .double(0.1)), ("1E-07", .double(1e-7)),
        ("1e400", .double(.infinity)), ("-1e400", .double(-.infinity)), ("1e-400", .double(0)),
        ("Infinity", .double(.infinity)), ("-Infinity", .double(-.infinity)),
        (#""""#, .string("")), (#""a\"\\\/\b\f\n\r\tz""#, .string("a\"\\/\u{08}\u{0C}\n\r\tz")),
        (#""\u00e9\ud83d\ude00é😀""#, .string("é😀é😀")), ("[]", .array([])),
        ("[1, [2], {}]", .array([.int(1), .array([.int(2)]), .object([:])])),
        (#"{"a": 1, "b": {"c": null}}"#, .object(["a": .int(1), "b": .object(["c": .null])])),
        (#"{"a": 1, "b": 2, "a": 3}"#, .object(["a": .int(3), "b": .int(2)])),
    ]

    @Test(arguments: values)
    func `reads values`(text: String, expected: JSONValue) throws {
        #expect(try JSONReader.value(text) == expected)
    }

    @Test func `reads a number that is none`() throws {
        let value = try JSONReader.value("NaN")
        #expect(value.number?.isNaN == true)
    }

    @Test func `keeps integers and floats apart`() throws {
        #expect(try JSONReader.value("1") == .int(1))
        #expect(try JSONReader.value("1.0") != .int(1))
        #expect(try JSONReader.value("-0.0").number?.sign == .minus)
    }

    @Test func `keeps the first place and the last value of a repeated key`() throws {
        let object = try #require(try JSONReader.value(#"{"a": 1, "b": 2, "a": 3}"#).object)
        #expect(object.keys == ["a", "b"])
    }

    @Test func `holds keys that only look alike apart`() throws {
        let object = try #require(try JSONReader.value(#"{"\u00e9": 1, "e\u0301": 2}"#).object)
        #expect(object.count == 2)
        #expect(object["\u{E9}"] == 1)
        #expect(object["e\u{301}"] == 2)
    }

    static let refusals: [(String, JSONError.Code, Int)] = [
        ("", .unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("nul", .unexpectedEnd, 0),
        ("nulx", .unexpectedByte, 0), ("1 2", .trailingBytes, 2), ("[1,]", .unexpectedByte, 3),
        ("[1 2]", .unexpectedByte, 3), ("{a: 1}", .unexpectedByte, 1), (#"{"a" 1}"#, .unexpectedByte, 5),
        (#"{"a": 1,}"#, .unexpectedByte, 8), ("[", .unexpectedEnd, 1), (#""abc"#, .unexpectedEnd, 4),
        (#""\x""#, .invalidEscape, 1), (#""\u12g4""#, .invalidEscape, 1), (#""\u12"#, .unexpectedEnd, 1),
        ("\"a\nb\"", .controlCharacter, 2), ("01", .trailingBytes, 1), ("1.", .unexpectedEnd, 2),
        ("1.x", .invalidNumber, 2), ("-", .unexpectedEnd, 1), ("-x", .invalidNumber, 1), ("+1", .unexpectedByte, 0),
        (".5", .unexpectedByte, 0), ("1e", .unexpectedEnd, 2), ("'a'", .unexpectedByte, 0),
        ("\u{FEFF}1", .unexpectedByte, 0), ("[1]]", .trailingBytes, 3), ("Inf", .unexpectedEnd, 0),
    ]

    @Test(arguments: refusals)
    func `refuses what is no JSON and says where`(text: String, code: JSONError.Code, offset: Int) {
        #expect(throws: JSONError(code, at: offset)) { try JSONReader.value(text) }
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xC3], [0xE2, 0x82], [0xE2, 0x28, 0xA1],
        ] as [[UInt8]]
    )
    func `refuses bytes that are not UTF-8`(bytes: [UInt8]) {
        let quoted = Array("\"plain ".utf8) + bytes + Array("\"".utf8)
        #expect(throws: JSONError(.invalidUTF8, at: 7)) { try JSONReader.value(quoted) }
    }

    @Test(arguments: 0..<40)
    func `finds the end of a string at every alignment`(length: Int) throws {
        for ending in ["", "é", "\\n", "\\\"", "\u{7F}", "😀"] {
            let written = String(repeating: "x", count: length) + ending
            let value = try JSONReader.value("[\"\(written)\", 1]")
            let plain = written.replacing("\\n", with: "\n").replacing("\\\"", with: "\"")
            #expect(value == [.string(plain), 1])
        }
    }

    @Test func `bounds nesting and size`() throws {
        let deep = String(repeating: "[", count: 512) + String(repeating: "]", count: 512)
        #expect(throws: Never.self) { try JSONReader.value(deep) }
        #expect(throws: JSONError(.tooDeep, at: 512)) { try JSONReader.value("[" + deep + "]") }
        #expect(throws: JSONError(.tooDeep, at: 2)) { try JSONReader.value("[[[]]]", limits: JSONLimits(depth: 2)) }
        let mixed = String(repeating: #"{"a":["#, count: 400)
        #expect(throws: JSONError.self) { try JSONReader.value(mixed) }
        #expect(throws: JSONError(.tooLarge, at: 3)) { try JSONReader.value("[1]]", limits: JSONLimits(bytes: 3)) }
    }

    @Test func `survives a million opening brackets`() {
        let bytes = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(throws: JSONError.self) { try JSONReader.value(bytes) }
    }
}

@Suite struct `Lone surrogates` {
    @Test(arguments: [
        #""\ud83d""#, #""a\udc00b""#, #""\ude00\ud83d""#, #""\ud83d\ud83d\ude00""#, #""\udbff\udfff""#,
        #""\udbff\udfff\ud800""#, #""\udbff\udfff\udbff\udfff""#, #""\udbf6\udc3d""#, #""\udbff\udfff\udbf6\udc3d""#,
        #"{"\ud800": "\udfff"}"#, #""\ud83dx""#, #""\ud83d\n""#,
    ])
    func `survive reading and writing`(text: String) throws {
        #expect(JSONWriter.string(try JSONReader.value(text)) == text)
    }

    @Test func `print as Python prints them`() throws {
        #expect(try JSONReader.value(#""\ud83d""#).pythonRepr == #"'\ud83d'"#)
        #expect(try JSONReader.value(#""\udbff\udfff""#).pythonRepr == #"'\U0010ffff'"#)
    }

    @Test func `are no bytes and no MessagePack`() throws {
        #expect(throws: JSONError.self) { try JSONReader.value(#"{"__type__": "bytes", "__value__": "\ud83d"}"#) }
        let last = try JSONReader.value(#"{"__type__": "bytes", "__value__": "\udbff\udfff"}"#)
        #expect(last == .tagged(.bytes([0xF4, 0x8F, 0xBF, 0xBF])))
        #expect(try JSONReader.value(JSONWriter.string(last)) == last)
        let serializer = MessagePackSerializer()
        #expect(throws: MessagePackError.self) { try serializer.encode(try JSONReader.value(#""\ud83d""#)) }
        let bytes: [UInt8] = [0xA4, 0xF4, 0x8F, 0xBF, 0xBF]
        #expect(try serializer.encode(try serializer.decode(bytes, limits: .init())) == bytes)
    }

    @Test func `make no difference to text without them`() {
        #expect(JSONWriter.string("\u{10FFFF}x") == #""\udbff\udfffx""#)
        #expect(JSONWriter.string("\u{10D83D}") == #""\udbf6\udc3d""#)
    }
}
