import CeleryMessage
import MessageCodecs
import Testing

struct YAMLSerializerTests {
    private let serializer = YAMLSerializer()

    private func read(_ text: String, limits: JSONLimits = JSONLimits()) throws -> JSONValue {
        try serializer.decode(Array(text.utf8), limits: limits)
    }

    private func written(_ value: JSONValue) throws -> String {
        String(decoding: try serializer.encode(value), as: UTF8.self)
    }

    private static let recorded = """
        - - 1
          - two
          - 3.5
          - null
          - true
          - - 1
          - k: v
        - {}
        - callbacks: null
          chain: null
          chord: null
          errbacks: null

        """
    private static let value: JSONValue = [
        [1, "two", 3.5, nil, true, [1], ["k": "v"]], [:],
        ["callbacks": nil, "errbacks": nil, "chain": nil, "chord": nil],
    ]

    @Test func `reads and writes a body as Celery wrote it`() throws {
        #expect(try read(Self.recorded) == Self.value)
        #expect(try written(Self.value) == Self.recorded)
    }

    @Test(
        arguments: [
            .int(.max), .bigInt("123456789012345678901234567890"), .double(1), .double(0.1), .double(-.infinity),
            .bool(false),
            .string("yes"), .string("1.0"), .string(""), .string("a: b\n- ğ"), .string("2024-01-01"), .null,
            .tagged(.datetime("2024-01-02T03:04:05.678901+00:00")), .tagged(.date("2024-01-02")),
            .tagged(.bytes([0, 255, 10])),
            ["__type__": "decimal", "__value__": "1.1"], [[[]], [:]],
        ] as [JSONValue]
    ) func `gives back what it was given`(value: JSONValue) throws {
        #expect(try read(try written(value)) == value)
    }

    @Test(arguments: [.tagged(.decimal("1.1")), .tagged(.time("01:02:03")), .tagged(.uuid("00"))] as [JSONValue])
    func `refuses to write what YAML has no form for`(value: JSONValue) {
        #expect(throws: MessageError.self) { try serializer.encode([value]) }
    }

    @Test(arguments: [
        "!!python/object/apply:os.system ['true']", "!!python/name:os.system", "a: [", "a: 1\n---\nb: 2", "\u{1}",
    ]) func `refuses what is unsafe or broken`(text: String) {
        #expect(throws: (any Error).self) { try read(text) }
    }

    @Test func `bounds depth, length and expansion`() {
        let deep = String(repeating: "[", count: 60) + String(repeating: "]", count: 60)
        #expect(throws: (any Error).self) { try read(deep, limits: JSONLimits(depth: 50)) }
        #expect(throws: (any Error).self) { try read("[1, 2, 3]", limits: JSONLimits(bytes: 5)) }
        var bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        for (name, before) in zip("bcdefghij", "abcdefghi") {
            bomb += "\(name): &\(name) [" + [String](repeating: "*\(before)", count: 10).joined(separator: ",") + "]\n"
        }
        #expect(throws: (any Error).self) { try read(bomb) }
    }

    @Test func `is read only where it is accepted`() {
        #expect(!MessageCodecs.celery().accepts(contentType: "application/x-yaml"))
        #expect(MessageCodecs.celery(accept: ["json", "yaml"]).accepts(contentType: "application/x-yaml"))
        #expect(MessageCodecs.celery().compression("application/zstd") != nil)
        #expect(MessageCodecs.celery().compression("xz")?.contentType == "application/x-lzma")
        #expect(MessageCodecs.celery().compression("lz4") == nil)
    }
}
