import Celeriac
import Foundation
import Testing

@Suite struct CodingTests {
    private struct Everything: Codable, Equatable {
        enum Kind: String, Codable { case small, large }
        struct Part: Codable, Equatable {
            var numbers: [Int?]
            var texts: [String: [Double]]
        }
        var flag: Bool
        var small: Int8
        var large: UInt64
        var ratio: Double
        var kind: Kind
        var part: Part
        var missing: String?
        var any: JSONValue
    }

    private static let everything = Everything(
        flag: true,
        small: -128,
        large: .max,
        ratio: 0.5,
        kind: .large,
        part: .init(numbers: [1, nil], texts: ["a": [1, 2.5]]),
        missing: nil,
        any: ["big": .bigInt("1" + String(repeating: "0", count: 30)), "at": .tagged(.date("2026-01-02"))]
    )

    @Test func `writes and reads structs, enums, dictionaries and lists`() throws {
        let json = try JSONValue(encoding: Self.everything)
        #expect(json["large"] == .bigInt("18446744073709551615"))
        #expect(json["kind"] == "large")
        #expect(json["part"] == ["numbers": [1, nil], "texts": ["a": [1.0, 2.5]]])
        #expect(json.object?.keys.first == "flag")
        #expect(try json.decoded(as: Everything.self) == Self.everything)
    }

    @Test func `agrees with JSONEncoder about everything JSON has a form for`() throws {
        let value = ["a": [1, 2], "b": []]
        let ours = try JSONValue(encoding: value)
        let theirs = try JSONReader.value(Array(try JSONEncoder().encode(value)))
        #expect(ours == theirs)
        let back = try JSONDecoder().decode(JSONValue.self, from: Data(#"{"a": [1, 2.5, "x", null, true]}"#.utf8))
        #expect(back == ["a": [1, 2.5, "x", nil, true]])
    }

    @Test func `gives Foundation's values the forms that Kombu knows`() throws {
        let id = try #require(UUID(uuidString: "0F0E0D0C-0B0A-0908-0706-050403020100"))
        let date = Date(timeIntervalSince1970: 1_767_225_600.25)
        #expect(try JSONValue(encoding: id) == .tagged(.uuid("0f0e0d0c0b0a09080706050403020100")))
        #expect(try JSONValue(encoding: date) == .tagged(.datetime("2026-01-01T00:00:00.250000+00:00")))
        #expect(try JSONValue(encoding: [Data([1, 2])]) == [.tagged(.bytes([1, 2]))])
        #expect(try JSONValue(encoding: Decimal(string: "1.10")) == .tagged(.decimal("1.1")))
        for json in try [JSONValue(encoding: id), .string(id.uuidString)] {
            #expect(try json.decoded(as: UUID.self) == id)
        }
        #expect(try JSONValue(encoding: date).decoded(as: Date.self) == date)
        #expect(
            try JSONValue.string("2026-01-01T01:00:00+01:00").decoded(as: Date.self).timeIntervalSince1970
                == 1_767_225_600
        )
        #expect(try JSONValue.double(1.5).decoded(as: Decimal.self) == Decimal(string: "1.5"))
    }

    @Test(
        arguments: [
            (["a": "x"], "must be int, not str"), (["a": 300], "must be an int from -128 to 127"),
            ([:], "has no member 'a'"), ([1], "must be dict, not list"),
            (["a": .bigInt("9999999999999999999999")], "must be an int from -128 to 127"),
        ] as [(JSONValue, String)]
    )
    func `says in Python's words what is wrong`(json: JSONValue, text: String) throws {
        struct Small: Decodable { var a: Int8 }
        let error = #expect(throws: DecodingError.self) { try json.decoded(as: Small.self) }
        switch error {
        case .typeMismatch(_, let context)?, .dataCorrupted(let context)?, .keyNotFound(_, let context)?:
            #expect(context.debugDescription == text)
        default: Issue.record("another error: \(String(describing: error))")
        }
    }
}

@Suite struct SignatureTests {
    private let a = Signature("a", args: [1])
    private let b = Signature("b")
    private let c = Signature("c")

    @Test func `joins chains by an operator`() {
        #expect(a | b | c == .chain(a, b, c))
        #expect(.chain(a, b) | .chain(c, a) == .chain(a, b, c, a))
        #expect(.group(a, b) | c == .chain(.group(a, b), c))
        let named = Signature.chain([a, b], options: ["task_id": "x"])
        #expect(named | c == .chain(named, c))
    }

    @Test func `takes options under Celery's names`() {
        let set = a.set(
            taskID: "id",
            queue: "q",
            countdown: .milliseconds(1500),
            expires: .seconds(60),
            priority: 3,
            ignoreResult: true,
            headers: ["h": 1],
            others: ["app_id": "x"]
        )
        #expect(
            set.options == [
                "task_id": "id", "queue": "q", "countdown": 1.5, "expires": 60, "priority": 3, "ignore_result": true,
                "headers": ["h": 1], "app_id": "x",
            ]
        )
        #expect(set.set(headers: ["i": 2]).options["headers"] == ["h": 1, "i": 2])
        #expect(a.set() == a)
    }

    @Test func `links callbacks and errbacks`() throws {
        let linked = try a.link(b).link(c).linkError(b)
        #expect(linked.options["link"] == [b.json, c.json])
        #expect(linked.options["link_error"] == [b.json])
        let chord = try Signature.chord(header: [a], body: b).link(c)
        #expect(chord.kwargs["body"]?["options"]?["link"] == [c.json])
    }

    @Test func `stamps every part of a canvas`() throws {
        let canvas = try .chain(a, .group(b, c)) | .chord(header: [a], body: b.linkError(c))
        let stamped = canvas.stamped(["color": "red", "size": 3]).stamped(["size": 4])
        var found = 0
        func look(_ json: JSONValue) {
            for value in json.array ?? [] { look(value) }
            guard let object = json.object else { return }
            if object["task"]?.string != nil, object["subtask_type"] == .null {
                found += 1
                #expect(object["options"]?["color"] == "red")
                #expect(object["options"]?["size"] == 4)
                #expect(object["options"]?["stamped_headers"] == ["color", "size"])
            }
            for (_, value) in object { look(value) }
        }
        look(stamped.json)
        #expect(found == 6)
    }

    @Test(arguments: [
        Signature("a"), .chain(Signature("a"), Signature("b")), .group(Signature("a"), Signature("b")),
        .chord(header: [Signature("a"), .chain(Signature("b"), Signature("c"))], body: Signature("d")),
        Signature("a") | .group(Signature("b"), Signature("c")) | Signature("d")
            | .group(Signature("e"), Signature("f")),
        .group(.chain(Signature("a"), Signature("b")), .chord(header: [Signature("c")], body: Signature("d"))),
        .chord(header: [.group(Signature("a"), Signature("b"))], body: .chain(Signature("c"), Signature("d"))),
    ])
    func `says before sending which results there will be`(signature: Signature) throws {
        var frozen = signature
        let result = try frozen.freeze()
        let dispatch = try frozen.dispatch(context: DispatchContext(parent: nil, origin: "", now: .now()))
        #expect(dispatch.result == result)
        var again = frozen
        #expect(try again.freeze() == result)
    }

    @Test func `says so of canvases made by chance`() throws {
        for seed in 0..<300 {
            let (frozen, sent, signature) = try results(of: 3, seed)
            #expect(frozen == sent, "\(seed): \(JSONWriter.string(signature.json))")
        }
    }

    // What came before the result may be listed otherwise in deep nests; whoever waits for it finds it all the same.
    @Test func `says the id of any canvas, however deep`() throws {
        for seed in 0..<300 {
            let (frozen, sent, signature) = try results(of: 4, seed)
            #expect(frozen.id == sent?.id, "\(seed): \(JSONWriter.string(signature.json))")
        }
    }

    private func results(of depth: Int, _ seed: Int) throws -> (ResultTuple, ResultTuple?, Signature) {
        var random = Random(seed: UInt64(seed))
        var signature = random.canvas(depth: depth)
        let frozen = try signature.freeze()
        let dispatch = try signature.dispatch(context: DispatchContext(parent: nil, origin: "", now: .now()))
        return (frozen, dispatch.result, signature)
    }
}

/// Canvases by chance, the same for the same seed.
private struct Random {
    private var state: UInt64
    private var count = 0

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    private mutating func number(below bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(bound))
    }

    mutating func canvas(depth: Int) -> Signature {
        count += 1
        guard depth > 0 else { return Signature("task\(count)", args: [.int(Int64(count))]) }
        switch number(below: 6) {
        case 0: return .chain(parts(depth))
        case 1: return .group(parts(depth))
        case 2: return .chord(header: parts(depth), body: canvas(depth: depth - 1))
        case 3: return canvas(depth: depth - 1) | canvas(depth: depth - 1)
        default: return Signature("task\(count)")
        }
    }

    private mutating func parts(_ depth: Int) -> [Signature] {
        (0...number(below: 3)).map { _ in canvas(depth: depth - 1) }
    }
}
