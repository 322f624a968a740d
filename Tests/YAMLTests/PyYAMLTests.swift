import Foundation
import TestSupport
import Testing
import YAML

/// PyYAML itself as the judge; `CELERIAC_PYTHON` names another interpreter than `python3`.
@Suite(.enabled(if: PyYAML.isThere, "needs python3 with PyYAML")) struct `YAML beside PyYAML` {
    @Test func `resolves plain scalars as PyYAML does`() throws {
        let texts = [
            "yes", "No", "on", "OFF", "y", "true", "tRue", "~", "null", "", "0", "00", "010", "-010", "08", "0o17",
            "0b101", "0b", "0x1F",
            "-0x1f", "1_000", "_1", "1:30", "1:60", "-1:30:00", "01:30", "0:30", "190:20:30.15", "1e3", "1.0e3",
            "1.0e+3", "1.", ".5", "-.5",
            "._5", "1_0.5", "1.5e+1_0", "1.5e+10", "+.inf", ".NaN", "inf", "nan", "9223372036854775808", "-1", "+1",
            "1.5.2", "2001-12-14",
            "2001-2-4", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10 -5", "2001-12-15 2:59:43.1234567",
            "2001-1-5 02:59:43Z",
            "2001-12-14T21:59:43.000", "12:30:45", "0.0", "-0.0", "1__0", "0_7", "0x_f", "1e-3", "1.e+3", "-.inf",
            "0b_1",
        ]
        let script = """
            import json, sys, yaml
            for text in json.load(open(sys.argv[1])):
                value = yaml.safe_load(text)
                shown = value.isoformat() if hasattr(value, "isoformat") else repr(value)
                print(type(value).__name__, shown)
            """
        let folder = try ScratchFolder()
        try folder.write(JSONEncoder().encode(texts), to: "texts.json")
        let answers = try PyYAML.run(script, folder.file("texts.json")).split(separator: "\n").map(String.init)
        #expect(answers.count == texts.count)
        for (text, answer) in zip(texts, answers) {
            #expect(try YAMLReader.node(text).value(.python).pythonDescription == answer, "'\(text)'")
        }
    }

    @Test func `is read back by safe_load`() throws {
        var random = SplitMix(state: 5)
        let values = (0..<150).map { _ in YAMLValue.random(&random, depth: 4) }
        let folder = try ScratchFolder()
        for (index, value) in values.enumerated() {
            try folder.write(Data(YAMLEmitter.bytes(value)), to: "\(index).yaml")
            try folder.write(Data(value.pythonDescription.utf8), to: "\(index).py")
        }
        let script = """
            import sys, yaml
            for index in range(\(values.count)):
                text = open(f"{sys.argv[1]}/{index}.yaml", newline="").read()
                kind, literal = open(f"{sys.argv[1]}/{index}.py", newline="").read().split(" ", 1)
                value = yaml.safe_load(text)
                if type(value).__name__ != kind or value != eval(literal):
                    print(index, repr(text), repr(value), literal)
            """
        #expect(try PyYAML.run(script, folder.path) == "")
    }

    @Test func `reads what safe_dump writes`() throws {
        let script = #"""
            import datetime, sys, yaml
            value = {"args": [1, 1.0, -2.5e-300, 1e100, 2**70, None, True, "yes", "1e3", "0o17", "12:30", "\u011f\U0001f642\n\t ",
                              "it's", " x ", "a: b", "", "2001-01-01", "x" * 300 + " " + "y" * 300, b"\xff\x00", [], {}],
                     "when": [datetime.date(2001, 2, 3), datetime.datetime(2001, 2, 3, 4, 5, 6, 7),
                              datetime.datetime(2001, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)]}
            value["again"] = value["args"][-1]
            open(sys.argv[1], "w").write(yaml.safe_dump(value))
            """#
        let folder = try ScratchFolder()
        _ = try PyYAML.run(script, folder.file("dump.yaml"))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.file("dump.yaml")))
        let value = try YAMLReader.value(Array(bytes), schema: .python)
        let args: [YAMLValue] = [
            .int(1), .double(1), .double(-2.5e-300), .double(1e100), .bigInt("1180591620717411303424"), .null,
            .bool(true),
            .string("yes"), .string("1e3"), .string("0o17"), .string("12:30"), .string("ğ🙂\n\t "), .string("it's"),
            .string(" x "), .string("a: b"), .string(""), .string("2001-01-01"),
            .string(String(repeating: "x", count: 300) + " " + String(repeating: "y", count: 300)), .bytes([0xFF, 0]),
            .sequence([]), .mapping([]),
        ]
        let when: [YAMLValue] = [
            .date("2001-02-03"), .datetime("2001-02-03T04:05:06.000007"), .datetime("2001-02-03T04:05:06+00:00"),
        ]
        let expected = [("again", YAMLValue.mapping([])), ("args", .sequence(args)), ("when", .sequence(when))]
        #expect(value == .mapping(expected.map { YAMLMember($0.0, $0.1) }))
    }
}

/// The Python interpreter that the tests ask.
enum PyYAML {
    static let interpreter = ProcessInfo.processInfo.environment["CELERIAC_PYTHON"] ?? "python3"
    static let isThere = (try? run("import yaml")) != nil

    static func run(_ script: String, _ argument: String = "") throws -> String {
        try ShellCommand.output(interpreter, "-c", script, argument)
    }
}

extension YAMLValue {
    /// The type's name and `repr` of the same value in Python.
    var pythonDescription: String {
        switch self {
        case .null: "NoneType None"
        case .bool(let value): value ? "bool True" : "bool False"
        case .int(let value): "int \(value)"
        case .bigInt(let digits): "int \(digits)"
        case .double(let value): "float \(Self.pythonFloat(value))"
        case .string(let text): "str \(Self.literal(text))"
        case .date(let text): "date \(text)"
        case .datetime(let text): "datetime \(text)"
        case .bytes(let bytes): "bytes bytes(\(bytes))"
        case .sequence(let items): "list [\(items.map(\.literal).joined(separator: ", "))]"
        case .mapping(let members):
            "dict {\(members.map { "\(Self.literal($0.key)): \($0.value.literal)" }.joined(separator: ", "))}"
        }
    }

    private var literal: String { String(pythonDescription.drop { $0 != " " }.dropFirst()) }

    private static func pythonFloat(_ value: Double) -> String {
        value.isInfinite ? (value < 0 ? "-inf" : "inf") : value.description
    }

    /// A Python literal in ASCII; plain words as `repr` shows them.
    private static func literal(_ text: String) -> String {
        var out = "'"
        for scalar in text.unicodeScalars {
            if scalar.isASCII, scalar.value >= 0x20, scalar.value < 0x7F, scalar != "'", scalar != "\\" {
                out.unicodeScalars.append(scalar)
            } else {
                let digits = String(scalar.value, radix: 16)
                out += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            }
        }
        return out + "'"
    }
}
