import CeleryMessage
import Inspection
import RedisClient
import RedisTransport
import Testing

@testable import RedisInspection

@Suite struct `Looking for a task's message` {
    @Test func `finds its place behind those that come before it`() async throws {
        try await InspectorUnderTest.run { test in
            for number in 1...30 { try await test.push("low-\(number)", to: "pdf", priority: 6) }
            for number in 1...3 { try await test.push("high-\(number)", to: "pdf") }
            try await test.push("mail-1", to: "email", retries: 2)
            #expect(
                try await test.find("high-1") == .found(Whereabouts(.waiting(position: 1), queue: "pdf", retries: 0))
            )
            #expect(try await test.find("high-3").whereabouts?.place == .waiting(position: 3))
            #expect(try await test.find("low-1").whereabouts?.place == .waiting(position: 4))
            #expect(try await test.find("low-30").whereabouts?.place == .waiting(position: 33))
            #expect(
                try await test.find("mail-1") == .found(Whereabouts(.waiting(position: 1), queue: "email", retries: 2))
            )
        }
    }

    @Test func `finds what a worker holds`() async throws {
        try await InspectorUnderTest.run { test in
            let item = try InspectorUnderTest.item("held", queue: "pdf", retries: 1)
            for (tag, place) in [("w:1", "\"\", \"pdf\""), ("w:2", "\"celery\", \"celery\"")] {
                var stored = Array("[".utf8) + item
                stored += ", \(place)]".utf8
                _ = try await test.client.send(RedisCommand("HSET", test.keys.unacked, tag, stored))
                let queue = tag == "w:1" ? "pdf" : "celery"
                #expect(try await test.find("held") == .found(Whereabouts(.held, queue: queue, retries: 1)))
                _ = try await test.client.send(RedisCommand("HDEL", test.keys.unacked, tag))
            }
        }
    }

    @Test func `finds what is parked, with its queue`() async throws {
        try await InspectorUnderTest.run(keys: RedisKeys(prefix: "app:")) { test in
            let list = test.keys.list(queue: "email", step: 3)
            let stored = Array((list + "\n").utf8) + (try InspectorUnderTest.item("later", queue: "email", retries: 3))
            _ = try await test.client.send([
                RedisCommand("ZADD", test.keys.parked, 1_790_000_000, "later:00000001"),
                RedisCommand("HSET", test.keys.parkedMessages, "later:00000001", stored),
            ])
            let expected = Whereabouts(
                .parked(until: Instant(seconds: 1_790_000_000)),
                queue: "email",
                retries: 3
            )
            #expect(try await test.find("later") == .found(expected))
        }
    }

    @Test func `says that it is nowhere only after having looked at everything`() async throws {
        try await InspectorUnderTest.run { test in
            #expect(try await test.find("none") == .nowhere)
            var push = RedisCommand("LPUSH", test.keys.list(queue: "pdf", step: 0))
            for number in 0..<1001 { push.append(try InspectorUnderTest.item("\(number)", queue: "pdf")) }
            _ = try await test.client.send(push)
            #expect(try await test.find("none") == .notSeen)
            #expect(try await test.find("999").whereabouts?.place == .waiting(position: 1000))
        }
    }

    @Test func `does not call nowhere what came after the last look`() async throws {
        try await InspectorUnderTest.run { test in
            #expect(try await test.find("new") == .nowhere)
            try await test.push("new", to: "pdf")
            // What was seen a moment ago serves, so it is not seen (unless the moment is over); but nothing is claimed either.
            #expect(try await test.inspector.find(taskID: "new", thoroughly: false) != .nowhere)
            #expect(try await test.find("new").whereabouts?.queue == "pdf")
        }
    }

    @Test(arguments: ["müşteri-7", "say \"when\"", "a\\b", "tab\there", "\\\""])
    func `finds ids that JSON writes with escapes, as Python does and as others do`(id: String) async throws {
        try await InspectorUnderTest.run { test in
            let item = String(decoding: try InspectorUnderTest.item(id, queue: "pdf", retries: 1), as: UTF8.self)
            let python = item.replacing("ü", with: "\\u00fc").replacing("ş", with: "\\u015f")
            for (place, item) in [item, python].enumerated() {
                let list = test.keys.list(queue: "pdf", step: 0)
                _ = try await test.client.send(RedisCommand("LPUSH", list, item))
                #expect(try await test.find(id).whereabouts?.place == .waiting(position: 1), "\(place)")
                _ = try await test.client.send([
                    RedisCommand("DEL", list),
                    RedisCommand("HSET", test.keys.unacked, "w:1", "[\(item), \"\", \"pdf\"]"),
                ])
                #expect(try await test.find(id) == .found(Whereabouts(.held, queue: "pdf", retries: 1)), "\(place)")
                _ = try await test.client.send(RedisCommand("HDEL", test.keys.unacked, "w:1"))
            }
        }
    }

    @Test func `passes over what is no message`() async throws {
        try await InspectorUnderTest.run { test in
            _ = try await test.client.send([
                RedisCommand(
                    "LPUSH",
                    test.keys.list(queue: "pdf", step: 0),
                    "not json",
                    "{\"id\": 7}",
                    "",
                    "{\"id\": \"\\",
                    "{\"id\": \"\\u\"}"
                ),
                RedisCommand("SET", test.keys.list(queue: "pdf", step: 3), "no list"),
                RedisCommand("HSET", test.keys.unacked, "tag", "junk"),
            ])
            try await test.push("real", to: "pdf")
            #expect(try await test.find("real").whereabouts?.place == .waiting(position: 6))
            #expect(try await test.find("none") == .nowhere)
        }
    }

    @Test func `looks at no more bytes than it may`() async throws {
        try await InspectorUnderTest.run { test in
            var message = TaskMessage(task: "proj.add", id: "big", args: [], queue: "pdf")
            message.payload.args = Array(("[\"" + String(repeating: "x", count: 3 << 20) + "\"]").utf8)
            let item = try message.encode()
            for _ in 0..<25 {
                _ = try await test.client.send(RedisCommand("LPUSH", test.keys.list(queue: "pdf", step: 0), item))
            }
            try await test.push("behind", to: "pdf")
            #expect(try await test.find("behind") == .notSeen)
            #expect(try await test.find("big").whereabouts?.place == .waiting(position: 1))
        }
    }

    @Test func `shares one look among all who ask at once`() async throws {
        try await InspectorUnderTest.run { test in
            try await test.push("one", to: "pdf")
            _ = try await test.find("one")
            let before = try await test.scriptCalls()
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<200 {
                    group.addTask { try await test.inspector.find(taskID: "one", thoroughly: false).whereabouts != nil }
                }
                for try await found in group { #expect(found) }
            }
            #expect(try await test.scriptCalls() - before <= 2)
        }
    }
}

extension InspectorUnderTest {
    /// How many scripts the server has run.
    func scriptCalls() async throws -> Int {
        let text = try await client.send(RedisCommand("INFO", "commandstats")).text ?? ""
        return text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("cmdstat_eval") }
            .compactMap { line in line.split(separator: "calls=").last?.prefix { $0.isNumber } }
            .compactMap { Int($0) }.reduce(0, +)
    }
}
