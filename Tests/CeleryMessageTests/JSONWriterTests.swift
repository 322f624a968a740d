import CeleryMessage
import Foundation
import Testing

@Suite struct `JSON writer` {
    static let values: [(JSONValue, String)] = [
        (.null, "null"), (.bool(true), "true"), (.int(.min), "-9223372036854775808"), (.double(1), "1.0"),
        (.double(-0.0), "-0.0"), (.double(0.1), "0.1"), (.double(1e16), "1e+16"),
        (.double(9_999_999_999_999_998), "9999999999999998.0"), (.double(1e22), "1e+22"), (.double(1e-4), "0.0001"),
        (.double(1e-5), "1e-05"), (.double(1.5e-7), "1.5e-07"), (.double(123456.789), "123456.789"),
        (.double(.leastNonzeroMagnitude), "5e-324"), (.double(1.7976931348623157e308), "1.7976931348623157e+308"),
        (.double(9_007_199_254_740_992), "9007199254740992.0"),
        (.double(1.2345678901234567e16), "1.2345678901234568e+16"), (.double(.nan), "NaN"),
        (.double(-.infinity), "-Infinity"), (.bigInt("-123456789012345678901"), "-123456789012345678901"),
        (.array([]), "[]"), (.object([:]), "{}"), (.array([.int(1), .string("a"), .null]), #"[1, "a", null]"#),
        (.object(["b": .int(1), "a": .object([:])]), #"{"b": 1, "a": {}}"#),
        (.string("\u{00}\u{1F}\u{7F} ~\"\\/\u{08}\u{0C}\n\r\t"), #""\u0000\u001f\u007f ~\"\\/\b\f\n\r\t""#),
        (.string("é✓😀\u{2028}"), #""\u00e9\u2713\ud83d\ude00\u2028""#),
        (
            .tagged(.uuid("12345678123456781234567812345678")),
            #"{"__type__": "uuid", "__value__": {"hex": "12345678123456781234567812345678"}}"#
        ),
        (.tagged(.bytes([0xC3, 0xA9])), #"{"__type__": "bytes", "__value__": "\u00e9"}"#),
        (.tagged(.bytes([0xFF, 0xFE])), #"{"__type__": "base64", "__value__": "//4="}"#),
    ]

    @Test(arguments: values)
    func `writes what Python writes`(value: JSONValue, expected: String) {
        #expect(JSONWriter.string(value) == expected)
        #expect(JSONWriter.bytes(value) == Array(expected.utf8))
    }

    @Test func `writes floats that read back the same`() throws {
        var generator = SplitMix(state: 7)
        for _ in 0..<3000 {
            let number = Double(bitPattern: generator.next())
            guard number.isFinite else { continue }
            let written = JSONWriter.string(.double(number))
            #expect(try JSONReader.value(written) == .double(number))
            #expect(written.contains(".") || written.contains("e"))
        }
    }

    @Test func `lays values out for people`() {
        let value: JSONValue = ["name": "çok\u{1B}[31m\u{202E}", "list": [1, [:], []], "none": nil]
        let expected = """
            {
              "name": "çok\\u001b[31m\\u202e",
              "list": [
                1,
                {},
                []
              ],
              "none": null
            }
            """
        #expect(JSONWriter.pretty(value) == expected)
    }
}

@Suite struct `Kombu's JSON vectors` {
    @Test func `are written as Kombu writes them`() throws {
        var count = 0
        for vector in try Fixture.vectors("kombu_json") {
            guard let text = vector["json"] as? String else { continue }
            #expect(JSONWriter.string(try JSONReader.value(text)) == text)
            count += 1
        }
        #expect(count == 27)
    }

    @Test func `are read as Kombu reads them`() throws {
        var count = 0
        for vector in try Fixture.vectors("kombu_json") {
            guard let text = vector["decode"] as? String else { continue }
            count += 1
            if let python = vector["python"] as? String {
                #expect(try JSONReader.value(text).pythonRepr == python)
            } else {
                #expect(throws: JSONError.self) { try JSONReader.value(text) }
            }
        }
        #expect(count == 18)
    }

    @Test func `print as Python prints them`() throws {
        for vector in try Fixture.vectors("kombu_json") {
            // Tuples and keys that are no strings do not survive JSON.
            guard let text = vector["json"] as? String, let python = vector["python"] as? String,
                !python.hasPrefix("("), !python.hasPrefix("{1:")
            else { continue }
            #expect(try JSONReader.value(text).pythonRepr == python)
        }
    }

    @Test(arguments: [
        #"{"__type__": "nope", "__value__": 1}"#, #"{"__type__": 1, "__value__": 1}"#,
        #"{"__type__": "datetime", "__value__": "x"}"#, #"{"__type__": "datetime", "__value__": 1}"#,
        #"{"__type__": "date", "__value__": "2024-13-01"}"#, #"{"__type__": "time", "__value__": "25:00:00"}"#,
        #"{"__type__": "decimal", "__value__": "1.2.3"}"#, #"{"__type__": "decimal", "__value__": "e5"}"#,
        #"{"__type__": "uuid", "__value__": {"hex": "12"}}"#, #"{"__type__": "uuid", "__value__": "x"}"#,
        #"{"__type__": "base64", "__value__": "a"}"#, #"{"__type__": "bytes", "__value__": 1}"#,
    ])
    func `refuse tags with a value that does not fit`(text: String) {
        #expect(throws: JSONError.self) { try JSONReader.value("[" + text + "]") }
    }

    @Test func `take a full datetime for a date`() throws {
        let value = try JSONReader.value(#"{"__type__": "date", "__value__": "2024-01-02T03:04:05"}"#)
        #expect(value == .tagged(.date("2024-01-02")))
    }
}

/// A small generator whose numbers are the same in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
