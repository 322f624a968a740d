import CeleryMessage
import Testing

@Suite struct MessagePack {
    private let serializer = MessagePackSerializer()

    static let forms: [(JSONValue, [UInt8])] = [
        (.null, [0xC0]), (.bool(true), [0xC3]), (.int(0), [0x00]), (.int(127), [0x7F]), (.int(128), [0xCC, 0x80]),
        (.int(256), [0xCD, 1, 0]), (.int(65536), [0xCE, 0, 1, 0, 0]),
        (.int(4_294_967_296), [0xCF, 0, 0, 0, 1, 0, 0, 0, 0]), (.int(-1), [0xFF]), (.int(-32), [0xE0]),
        (.int(-33), [0xD0, 0xDF]), (.int(-128), [0xD0, 0x80]), (.int(-129), [0xD1, 0xFF, 0x7F]),
        (.int(-32769), [0xD2, 0xFF, 0xFF, 0x7F, 0xFF]), (.int(.min), [0xD3, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        (.bigInt("18446744073709551615"), [0xCF, 255, 255, 255, 255, 255, 255, 255, 255]),
        (.double(1.5), [0xCB, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0]), (.string("a"), [0xA1, 0x61]),
        (.array([.int(1)]), [0x91, 1]), (.object(["a": .null]), [0x81, 0xA1, 0x61, 0xC0]),
        (.tagged(.bytes([1, 2])), [0xC4, 2, 1, 2]),
    ]

    @Test(arguments: forms)
    func `has the shortest form of each value`(value: JSONValue, bytes: [UInt8]) throws {
        #expect(try serializer.encode(value) == bytes)
        #expect(try serializer.decode(bytes, limits: .init()) == value)
    }

    @Test(arguments: [31, 32, 255, 256, 65535, 65536])
    func `counts long parts`(count: Int) throws {
        let values: [JSONValue] = [
            .string(String(repeating: "x", count: count)), .tagged(.bytes(Array(repeating: 7, count: count))),
            .array(Array(repeating: 1, count: count)),
            .object(JSONObject((0..<min(count, 300)).map { ("k\($0)", .int(Int64($0))) })),
        ]
        for value in values {
            #expect(try serializer.decode(try serializer.encode(value), limits: .init()) == value)
        }
    }

    @Test(
        arguments: [
            ([0x81, 0x01, 0x02], ["1": 2]), ([0x81, 0xC0, 0x02], ["null": 2]), ([0xCA, 0x3F, 0xC0, 0, 0], 1.5),
        ] as [([UInt8], JSONValue)]
    )
    func `reads what others write`(bytes: [UInt8], value: JSONValue) throws {
        #expect(try serializer.decode(bytes, limits: .init()) == value)
    }

    @Test(
        arguments: [
            [], [0xC1], [0xA2, 0x61], [0xA1, 0xFF], [0x91], [0xDD, 0xFF, 0xFF, 0xFF, 0xFF],
            [0xDF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
            [0xC6, 0xFF, 0xFF, 0xFF, 0xFF], [0xD4, 1, 2], [0xC7, 1, 1, 1], [0x01, 0x01], [0x81, 0x90, 0x01],
            Array(repeating: 0x91, count: 5000),
        ] as [[UInt8]]
    )
    func `refuses the rest`(bytes: [UInt8]) {
        #expect(throws: MessagePackError.self) { try serializer.decode(bytes, limits: .init()) }
    }

    @Test(arguments: [
        JSONValue.bigInt("18446744073709551616"), .bigInt("-9223372036854775809"), .tagged(.date("2024-01-02")),
        [.tagged(.decimal("1"))],
    ])
    func `has no form for some values`(value: JSONValue) {
        #expect(throws: MessagePackError.self) { try serializer.encode(value) }
    }

    @Test func `survives any bytes`() {
        var generator = SplitMix(state: 3)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                UInt8(truncatingIfNeeded: generator.next())
            }
            _ = try? serializer.decode(bytes, limits: JSONLimits(depth: 20))
        }
    }
}
