import Testing
import YAML

@Suite struct `YAML schema` {
    @Test(
        arguments: [
            ("", .null), ("~", .null), ("null", .null), ("NULL", .null), ("nUll", nil),
            ("true", .bool(true)), ("False", .bool(false)), ("tRue", nil), ("yes", nil), ("no", nil), ("on", nil),
            ("y", nil),
            ("0", .int(0)), ("-17", .int(-17)), ("+17", .int(17)), ("010", .int(10)), ("0o17", .int(15)),
            ("0xFf", .int(255)),
            ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
            ("9223372036854775808", .bigInt("9223372036854775808")),
            ("-00170141183460469231731687303715884105728", .bigInt("-170141183460469231731687303715884105728")),
            ("1.0", .double(1)), ("-.5", .double(-0.5)), ("1.", .double(1)), ("1e3", .double(1000)),
            ("12E-02", .double(0.12)),
            ("+1.5e+3", .double(1500)), (".inf", .double(.infinity)), ("-.INF", .double(-.infinity)),
            ("1_000", nil), ("1:30", nil), ("0b11", nil), ("2001-12-14", nil), ("0x", nil), ("0o8", nil), ("-0x1", nil),
            (".", nil), ("-", nil), ("+", nil), ("e5", nil), ("1e", nil), ("1e+", nil), ("1.5.2", nil), ("--1", nil),
            ("inf", nil), ("nan", nil), ("Infinity", nil), ("１", nil), ("1 ", nil), ("0x1p3", nil),
        ] as [(String, YAMLValue?)]
    )
    func `resolves plain scalars as YAML 1_2's core schema`(text: String, value: YAMLValue?) {
        #expect(YAMLSchema.core.resolve(text) == value)
    }

    @Test(
        arguments: [
            ("yes", .bool(true)), ("OFF", .bool(false)), ("y", nil), ("n", nil),
            ("010", .int(8)), ("08", nil), ("-010", .int(-8)), ("0o17", nil), ("0b101", .int(5)), ("0x_1F", .int(31)),
            ("1_000", .int(1000)), ("_1", nil), ("1:30", .int(90)), ("1:60", nil), ("-1:30:00", .int(-5400)),
            ("01:30", nil),
            ("190:20:30.15", .double(685_230.15)),
            ("1e3", nil), ("1.0e3", nil), ("1.0e+3", .double(1000)), ("1_0.5", .double(10.5)), ("1.", .double(1)),
            (".5", .double(0.5)),
            ("-.5", nil), ("._5", nil), ("1.5e+1_0", nil), ("+.inf", .double(.infinity)),
            ("2001-12-14", .date("2001-12-14")), ("2001-2-4", nil), ("2001-02-30", nil), ("0000-01-01", nil),
            ("2001-12-14t21:59:43.10-05:00", .datetime("2001-12-14T21:59:43.100000-05:00")),
            ("2001-12-14 21:59:43.10 -5", .datetime("2001-12-14T21:59:43.100000-05:00")),
            ("2001-12-15 2:59:43.1234567", .datetime("2001-12-15T02:59:43.123456")),
            ("2001-1-5 02:59:43Z", .datetime("2001-01-05T02:59:43+00:00")), ("2001-12-14T25:00:00", nil),
            ("2001-12-14T", nil),
        ] as [(String, YAMLValue?)]
    )
    func `resolves plain scalars as PyYAML`(text: String, value: YAMLValue?) {
        #expect(YAMLSchema.python.resolve(text) == value)
    }

    @Test func `takes integers with too many digits for text`() {
        #expect(YAMLSchema.core.resolve(String(repeating: "9", count: 4300)) != nil)
        #expect(YAMLSchema.core.resolve(String(repeating: "9", count: 4301)) == nil)
        #expect(YAMLSchema.core.resolve("0x" + String(repeating: "f", count: 17)) == nil)
    }

    @Test(
        arguments: [
            ("'1'", .string("1")), ("\"true\"", .string("true")), ("! 1", .string("1")), ("!!str 1", .string("1")),
            ("!!int '0x10'", .int(16)), ("!!float 3", .double(3)), ("!!bool true", .bool(true)), ("!!null ''", .null),
            ("!!binary aGk=", .bytes([0x68, 0x69])), ("!!binary |\n  aG\n  k=\n", .bytes([0x68, 0x69])),
            ("!!timestamp 2001-12-14", .date("2001-12-14")), ("!!set {a, b}", .sequence([.string("a"), .string("b")])),
            ("!!seq [1]", .sequence([.int(1)])),
            (
                "{1: a, true: b, null: c, '2': d}",
                .mapping([
                    YAMLMember("1", .string("a")), YAMLMember("true", .string("b")), YAMLMember("null", .string("c")),
                    YAMLMember("2", .string("d")),
                ])
            ),
        ] as [(String, YAMLValue)]
    )
    func `honours quotes and standard tags`(text: String, value: YAMLValue) throws {
        #expect(try YAMLReader.node(text).value(.core) == value)
    }

    @Test(arguments: [
        ("!!int x", YAMLError.Code.invalidScalar, "the value does not fit its tag !!int"),
        ("!!binary '*'", .invalidScalar, "the value does not fit its tag !!binary"),
        ("!!binary abc", .invalidScalar, "the value does not fit its tag !!binary"),
        ("!local 1", .unsupportedTag, "the tag !local is not supported here"),
        (
            "!!python/object/apply:os.system ['true']", .unsupportedTag,
            "the tag !!python/object/apply:os.system is not supported here"
        ),
        ("!!omap [a: 1]", .unsupportedTag, "the tag !!omap is not supported here"),
        ("!!seq {a: 1}", .unsupportedTag, "the tag !!seq is not supported here"),
    ])
    func `refuses tags it cannot honour`(text: String, code: YAMLError.Code, message: String) throws {
        let error = try #require(throws: YAMLError.self) { try YAMLReader.node("- 1\n- \(text)\n").value(.python) }
        #expect(error.code == code)
        #expect(error.message == message)
        #expect(error.position == YAMLPosition(line: 2, column: 3))
    }
}
