import Testing

@testable import RedisClient

struct RedisReplyReaderTests {
    private func read(_ text: String, pieces: Int = .max) throws -> [RedisReply] {
        try read(Array(text.utf8), pieces: pieces)
    }

    private func read(_ bytes: [UInt8], pieces: Int = .max, reader: RedisReplyReader? = nil) throws -> [RedisReply] {
        let reader = try reader ?? RedisReplyReader()
        var replies: [RedisReply] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            try rest.prefix(pieces).withUnsafeBytes { piece in
                try reader.feed(piece) { replies.append($0) }
            }
            rest = rest.dropFirst(pieces)
        }
        return replies
    }

    @Test(arguments: [
        ("+OK\r\n", RedisReply.status("OK")),
        ("-ERR no\r\n", .error("ERR no")),
        (":42\r\n", .integer(42)),
        (":-9223372036854775808\r\n", .integer(.min)),
        ("$5\r\nhello\r\n", .string(Array("hello".utf8))),
        ("$0\r\n\r\n", .string([])),
        ("$4\r\n\r\n\r\n\r\n", .string(Array("\r\n\r\n".utf8))),
        ("$-1\r\n", .null),
        ("*-1\r\n", .null),
        ("*0\r\n", .array([])),
        ("*2\r\n*0\r\n:1\r\n", .array([.array([]), .integer(1)])),
        (
            "*3\r\n$1\r\na\r\n*2\r\n+b\r\n$-1\r\n-ERR c\r\n",
            .array([.string([97]), .array([.status("b"), .null]), .error("ERR c")])
        ),
    ])
    func `reads each kind of reply, whole and byte by byte`(text: String, reply: RedisReply) throws {
        #expect(try read(text) == [reply])
        #expect(try read(text, pieces: 1) == [reply])
        #expect(try read(text + text, pieces: 3) == [reply, reply])
    }

    @Test func `waits for the rest of a reply`() throws {
        let reader = try RedisReplyReader()
        #expect(try read(Array("*2\r\n:1\r\n".utf8), reader: reader) == [])
        #expect(try read(Array(":2\r\n+O".utf8), reader: reader) == [.array([.integer(1), .integer(2)])])
        #expect(try read(Array("K\r\n".utf8), reader: reader) == [.status("OK")])
    }

    @Test(arguments: [
        "hello\r\n", "%1\r\n+a\r\n+b\r\n", "_\r\n", "HTTP/1.1 400 Bad Request\r\n", "\u{15}\u{3}\u{1}", "$x\r\n",
        "*x\r\n", ":1.5\r\n",
    ])
    func `refuses what is not RESP2, and stays refusing`(text: String) throws {
        let reader = try RedisReplyReader()
        #expect(throws: RedisError(.protocolError, "")) { try read(Array(text.utf8), reader: reader) }
        #expect(throws: RedisError(.protocolError, "")) { try read(Array("+OK\r\n".utf8), reader: reader) }
    }

    @Test func `hands out the replies before the broken one`() throws {
        let reader = try RedisReplyReader()
        var replies: [RedisReply] = []
        #expect(throws: RedisError(.protocolError, "")) {
            try Array("+OK\r\n:1\r\n!\r\n".utf8).withUnsafeBytes { bytes in
                try reader.feed(bytes) { replies.append($0) }
            }
        }
        #expect(replies == [.status("OK"), .integer(1)])
    }

    @Test func `accepts eight levels of arrays and no more`() throws {
        func nested(_ depth: Int) -> String { String(repeating: "*1\r\n", count: depth) + ":1\r\n" }
        #expect(try read(nested(8)).count == 1)
        #expect(throws: RedisError(.protocolError, "")) { try read(nested(9)) }
        #expect(throws: RedisError(.protocolError, "")) { try read(nested(100_000)) }
    }

    @Test func `takes no memory for announced elements and refuses too many`() throws {
        let reader = try RedisReplyReader(maximumElements: 10)
        #expect(
            try read(Array("*4\r\n*3\r\n:1\r\n:1\r\n:1\r\n*3\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n".utf8), reader: reader)
                .count == 1
        )
        #expect(throws: RedisError(.protocolError, "")) {
            try read(Array("*2\r\n*5\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n*5\r\n".utf8), reader: reader)
        }
        #expect(throws: RedisError(.protocolError, "")) { try read("*2147483647\r\n") }
        #expect(throws: RedisError(.protocolError, "")) { try read("*99999999999999999999\r\n") }
    }

    @Test func `refuses replies beyond the bound of bytes`() throws {
        let large = [UInt8](repeating: 97, count: 40_000)
        let header = Array("$40000\r\n".utf8)
        #expect(
            try read(header + large + [13, 10], pieces: 1000, reader: try RedisReplyReader(maximumBytes: 50_000)).count
                == 1
        )
        let strict = try RedisReplyReader(maximumBytes: 20_000)
        #expect(throws: RedisError(.protocolError, "")) { try read(header + large, pieces: 1000, reader: strict) }
        let many = try RedisReplyReader(maximumBytes: 20_000)
        let item = Array("$9000\r\n".utf8) + large.prefix(9000) + [13, 10]
        #expect(throws: RedisError(.protocolError, "")) {
            try read(Array("*3\r\n".utf8) + item + item + item, reader: many)
        }
    }

    @Test func `counts the bound anew for each reply`() throws {
        let reader = try RedisReplyReader(maximumBytes: 100, maximumElements: 3)
        let one = Array("*2\r\n$40\r\n".utf8) + [UInt8](repeating: 97, count: 40) + Array("\r\n:1\r\n".utf8)
        let replies = try read((0..<100).flatMap { _ in one }, pieces: 17, reader: reader)
        #expect(replies.count == 100)
    }

    @Test func `reads random replies however they are cut`() throws {
        var random = SplitMix(seed: 7)
        for _ in 0..<300 {
            let replies = (0..<Int.random(in: 1...5, using: &random)).map { _ in randomReply(depth: 0, &random) }
            let bytes = replies.flatMap(wire)
            let pieces = Int.random(in: 1...40, using: &random)
            #expect(try read(bytes, pieces: pieces) == replies)
        }
    }

    @Test func `survives random damage, with the same result however it is cut`() throws {
        var random = SplitMix(seed: 11)
        for _ in 0..<3000 {
            var bytes = (0..<3).flatMap { _ in wire(randomReply(depth: 0, &random)) }
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(Array("$*:+-\r\n019".utf8).randomElement(using: &random) ?? 0, at: index)
                default: if bytes.count > 1 { bytes.remove(at: index) }
                }
            }
            let whole = outcome(bytes, pieces: .max)
            let cut = outcome(bytes, pieces: Int.random(in: 1...9, using: &random))
            #expect(whole.replies == cut.replies)
            #expect(whole.failed == cut.failed)
        }
    }

    private func outcome(_ bytes: [UInt8], pieces: Int) -> (replies: [RedisReply], failed: Bool) {
        var replies: [RedisReply] = []
        do {
            let reader = try RedisReplyReader(maximumBytes: 1000, maximumElements: 100)
            var rest = bytes[...]
            while !rest.isEmpty {
                try rest.prefix(pieces).withUnsafeBytes { piece in
                    try reader.feed(piece) { replies.append($0) }
                }
                rest = rest.dropFirst(pieces)
            }
            return (replies, false)
        } catch {
            return (replies, true)
        }
    }

    private func randomReply(depth: Int, _ random: inout SplitMix) -> RedisReply {
        switch Int.random(in: 0..<(depth < 6 ? 7 : 5), using: &random) {
        case 0: .status("S\(Int.random(in: 0..<100, using: &random))")
        case 1: .integer(Int64.random(in: .min ... .max, using: &random))
        case 2: .null
        case 3: .error("ERR \(Int.random(in: 0..<100, using: &random))")
        case 4:
            .string((0..<Int.random(in: 0..<40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
        default:
            .array((0..<Int.random(in: 0..<5, using: &random)).map { _ in randomReply(depth: depth + 1, &random) })
        }
    }

    private func wire(_ reply: RedisReply) -> [UInt8] {
        switch reply {
        case .status(let text): Array("+\(text)\r\n".utf8)
        case .error(let text): Array("-\(text)\r\n".utf8)
        case .integer(let value): Array(":\(value)\r\n".utf8)
        case .null: Array("$-1\r\n".utf8)
        case .string(let bytes): Array("$\(bytes.count)\r\n".utf8) + bytes + [13, 10]
        case .array(let elements): Array("*\(elements.count)\r\n".utf8) + elements.flatMap(wire)
        }
    }
}

struct RedisReplyTests {
    @Test func `gives what it holds and nothing else`() {
        #expect(RedisReply.string([52, 50]).int == 42)
        #expect(RedisReply.string([52, 46, 53]).double == 4.5)
        #expect(RedisReply.status("OK").text == "OK")
        #expect(RedisReply.integer(7).int == 7)
        #expect(RedisReply.integer(7).text == nil)
        #expect(RedisReply.array([.null]).array == [.null])
        #expect(RedisReply.null.isNull)
        #expect(RedisReply.string([]).isNull == false)
        #expect(RedisReply.error("OOM x").error?.code == .outOfMemory)
        #expect(throws: RedisError(.outOfMemory, "")) { try RedisReply.error("OOM x").get() }
    }
}

/// A small random source with a seed, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
