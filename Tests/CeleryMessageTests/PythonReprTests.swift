import CeleryMessage
import Foundation
import Testing

@Suite struct `Python's repr` {
    static let values: [(JSONValue, String)] = [
        (.null, "None"), (.bool(false), "False"), (.double(2), "2.0"), (.double(.nan), "nan"),
        (.string("it's"), "\"it's\""), (.string("say \"hi\""), "'say \"hi\"'"),
        (.string("both ' and \""), "'both \\' and \"'"),
        (.string("a\n\t\\\u{1}"), #"'a\n\t\\\x01'"#), (.string("é\u{A0}\u{200B}\u{E000}😀"), #"'é\xa0\u200b\ue000😀'"#),
        (.array([.int(1), .object(["a": .null])]), "[1, {'a': None}]"),
        (.tagged(.bytes([0x61, 0x27, 0xFF])), #"b"a'\xff""#),
        (.tagged(.datetime("2024-01-02T03:04:00")), "datetime.datetime(2024, 1, 2, 3, 4)"),
        (
            .tagged(.datetime("2024-01-02T03:04:05.000007-05:30")),
            "datetime.datetime(2024, 1, 2, 3, 4, 5, 7, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=66600)))"
        ),
        (.tagged(.time("03:04:05.000006+00:00")), "datetime.time(3, 4, 5, 6, tzinfo=datetime.timezone.utc)"),
        (.tagged(.date("2024-01-02")), "datetime.date(2024, 1, 2)"),
        (.tagged(.decimal("1E+3")), "Decimal('1E+3')"),
    ]

    @Test(arguments: values)
    func `prints values`(value: JSONValue, expected: String) {
        #expect(value.pythonRepr == expected)
    }
}

@Suite struct `Safe repr` {
    @Test func `prints what Celery prints`() throws {
        var count = 0
        for (line, vector) in try lines().enumerated() {
            guard let json = vector["json"], !json.isNull, let expected = vector["repr"]?.string,
                let size = vector["maxlen"]?.int, let levels = vector["maxlevels"]?.int
            else { continue }
            // An empty tuple inside the arguments arrives as a list.
            guard expected != "((),)" else { continue }
            let value = finite(json)
            let printed =
                if vector["is_tuple"]?.bool == true, let values = value.array {
                    SafeRepr.args(values, maxLevels: Int(levels), maxSize: Int(size))
                } else if let object = value.object {
                    SafeRepr.kwargs(object, maxLevels: Int(levels), maxSize: Int(size))
                } else {
                    SafeRepr.value(value, maxLevels: Int(levels), maxSize: Int(size))
                }
            #expect(printed == expected, "line \(line + 1)")
            count += 1
        }
        #expect(count == 28)
    }

    private func lines() throws -> [JSONValue] {
        let url = Fixture.folder.appending(path: "vectors/saferepr.jsonl")
        return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map {
            try JSONReader.value(String($0))
        }
    }

    /// The vectors spell numbers that JSON lacks as objects.
    private func finite(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let values): .array(values.map(finite))
        case .object(let object):
            if let name = object["$nonfinite"]?.string {
                .double(name == "NaN" ? .nan : name == "Infinity" ? .infinity : -.infinity)
            } else {
                value
            }
        default: value
        }
    }

    @Test func `agrees with every recorded message`() throws {
        for name in Fixture.names("messages") where name != "argsrepr_override" && !name.hasPrefix("serializer_") {
            for item in try Fixture.items("messages/\(name)") {
                guard let message = try? TaskMessage.decode(item) else { continue }
                let (args, kwargs) = (try message.payload.arguments(), try message.payload.keywords())
                // A tuple among the arguments prints with round brackets and travels as a list.
                guard !["json_types", "chunks", "map", "starmap", "json_int_keys", "json_bigint_float"].contains(name)
                else {
                    continue
                }
                #expect(message.headers.argsrepr == SafeRepr.args(args), "\(name)")
                #expect(message.headers.kwargsrepr == SafeRepr.kwargs(kwargs), "\(name)")
            }
        }
    }
}
