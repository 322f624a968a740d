import CeleryMessage
import Hummingbird
import HummingbirdTesting
import Inspection
import NIOCore
import Testing

@testable import AdminGateway

@Suite struct `Dead letters over HTTP` {
    private static let path = "/api/v1/admin/dead-letters"

    private static func letter(_ id: String, _ exception: String = "ValueError", at second: Double = 0) -> DeadLetter {
        var task = FinishedTask(
            id: id,
            name: "proj.charge",
            queue: exception == "ValueError" ? "email" : "pdf",
            state: .failure,
            worker: "w1@test",
            finishedAt: Instant(seconds: second)
        )
        task.attempts = 3
        task.tenant = "acme"
        task.keywords = #"{"order": "\#(id)"}"#
        task.failure = .init(
            type: exception,
            message: "declined",
            traceback: "Traceback\n  File \"a.py\", line 1, in b"
        )
        return DeadLetter(task: task, reason: "its retries are used up", item: Array("{}".utf8), list: "email")
    }

    private static func gateway() -> GatewayUnderTest {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        for number in 0..<5 { gateway.deadLetters.keep(letter("v\(number)", at: Double(number))) }
        gateway.deadLetters.keep(letter("k", "KeyError", at: 9))
        return gateway
    }

    @Test func `groups them by kind`() async throws {
        try await Self.gateway().run { client async throws in
            let groups = try await client.get(Self.path + "/groups", .bearer(.viewer)).json["data"]?.array ?? []
            #expect(groups.map { $0["exception"] } == ["KeyError", "ValueError"])
            #expect(groups.map { $0["count"] } == [1, 5])
            #expect(groups.last?["firstSeen"] == 0 && groups.last?["lastSeen"] == 4000)
            #expect(groups.last?["topFrame"] == "a.py in b")
            #expect(groups.last?["fingerprint"]?.string == Self.letter("x").fingerprint)
        }
    }

    static let queries: [(String, [JSONValue], JSONValue)] = [
        ("", ["k", "v4", "v3", "v2", "v1", "v0"], 6), ("?start=1&end=2", ["v4", "v3"], 6), ("?queue=pdf", ["k"], 1),
        ("?task=proj.none", [], 0), ("?tenant=acme&failed_after=3000&failed_before=9000", ["v4", "v3"], 2),
        ("?fingerprint=\(letter("x").fingerprint)&end=0", ["v4"], 5), ("?search=v2", ["v2"], 1),
    ]

    @Test(arguments: queries)
    func `lists those that match, newest first`(query: String, ids: [JSONValue], total: JSONValue) async throws {
        try await Self.gateway().run { client async throws in
            let answer = try await client.get(Self.path + query, .bearer(.viewer)).json
            #expect(answer["data"]?.array?.compactMap { $0["id"] } == ids)
            #expect(answer["total"] == total)
        }
    }

    @Test func `shows one without its message`() async throws {
        try await Self.gateway().run { client async throws in
            let letter = try #require(try await client.get(Self.path + "/v1", .bearer(.viewer)).json["data"]?.object)
            let expected: JSONObject = [
                "id": "v1", "name": "proj.charge", "queue": "email", "state": "FAILURE", "tenant": "acme",
                "reason": "its retries are used up", "exception": "ValueError", "failedReason": "declined",
                "attempts": 3, "failures": 1, "worker": "w1@test", "finishedOn": 1000,
                "kwargs": #"{"order": "v1"}"#, "list": "email", "bytes": 2,
            ]
            for (name, value) in expected { #expect(letter[name] == value, "\(name)") }
            #expect(letter["item"] == nil)
            #expect(try await client.get(Self.path + "/none", .bearer(.viewer)).status == .notFound)
        }
    }

    static let redrives: [(String, [String], [Double])] = [
        (#"{"ids": ["v1", "none", "k"]}"#, ["v1", "k"], [0, 0]),
        (#"{"filter": {"queue": "email"}, "limit": 3, "per_second": 4}"#, ["v0", "v1", "v2"], [0, 0.25, 0.5]),
        (#"{"filter": {"failed_after": 4000}, "per_second": null}"#, ["v4", "k"], [0, 0]),
        (#"{"filter": {"task": "proj.none"}}"#, [], []),
    ]

    @Test(arguments: redrives)
    func `sends back those that were chosen, at a pace`(body: String, ids: [String], after: [Double]) async throws {
        let gateway = Self.gateway()
        let (letters, administration) = (gateway.deadLetters, gateway.administration)
        try await gateway.run { client async throws in
            let answer = try await client.change(Self.path + "/redrive", .operator, body)
            #expect(try answer.json["data"] == ["count": .int(Int64(ids.count))])
            #expect(letters.redriven.map(\.letter.id) == ids)
            #expect(letters.redriven.map(\.after) == after)
            let entry = try #require(try await administration.entries(0..<1).entries.first)
            #expect(entry.action == "dead.redrive" && entry.outcome == "redriven" && entry.who == "operator")
            #expect(entry.detail["count"] == .int(Int64(ids.count)))
        }
    }

    @Test func `deletes those that were chosen, for admins`() async throws {
        let gateway = Self.gateway()
        let letters = gateway.deadLetters
        try await gateway.run { client async throws in
            let body = #"{"filter": {"queue": "email"}}"#
            #expect(try await client.change(Self.path + "/delete", .operator, body).status == .forbidden)
            #expect(try await letters.letters(.init()).total == 6)
            let answer = try await client.change(Self.path + "/delete", .admin, body)
            #expect(try answer.json["data"] == ["count": 5])
            #expect(try await letters.letters(.init()).letters.map(\.id) == ["k"])
        }
    }

    @Test(arguments: [
        ("{}", "ids"), (#"{"ids": []}"#, "ids"), (#"{"ids": ["a b"]}"#, "ids"), (#"{"ids": "v1"}"#, "ids"),
        (#"{"ids": ["v1"], "filter": {}}"#, "ids"), (#"{"ids": ["v1"], "limit": 1}"#, "limit"),
        (#"{"filter": []}"#, "filter"), (#"{"filter": {"colour": "red"}}"#, "filter.colour"),
        (#"{"filter": {"queue": ""}}"#, "filter.queue"), (#"{"filter": {}, "per_second": 0}"#, "per_second"),
        (#"{"filter": {}, "per_second": 1e9}"#, "per_second"), (#"{"filter": {}, "limit": 0}"#, "limit"),
        (#"{"filter": {"failed_after": -1}}"#, "filter.failed_after"),
    ])
    func `refuses a choice that is not clear`(body: String, field: String) async throws {
        let gateway = Self.gateway()
        let letters = gateway.deadLetters
        try await gateway.run { client async throws in
            let answer = try await client.change(Self.path + "/redrive", .operator, body)
            #expect(answer.status == .badRequest)
            #expect(try answer.json["field"]?.string == field)
            #expect(letters.redriven.isEmpty)
        }
    }

    @Test func `exports exact messages as lines of JSON, for operators`() async throws {
        let gateway = Self.gateway()
        for number in 0..<250 { gateway.deadLetters.keep(Self.letter("m\(number)", "OSError", at: 20)) }
        try await gateway.run { client async throws in
            let all = try await client.get(Self.path + "/export", .bearer(.operator))
            #expect(all.headers[.contentType] == "application/x-ndjson; charset=utf-8")
            let lines = try all.text.split(separator: "\n").map { try JSONReader.value(Array($0.utf8)) }
            #expect(lines.count == 256)
            #expect(lines.allSatisfy { $0["item"] == "{}" })
            let some = try await client.get(Self.path + "/export?queue=email", .bearer(.operator)).text
            #expect(some.split(separator: "\n").count == 5)
            #expect(try await client.get(Self.path + "/export", .bearer(.viewer)).status == .forbidden)
        }
    }

    @Test(arguments: ["", "/groups", "/v1", "/export"])
    func `says that Redis is away`(path: String) async throws {
        let gateway = Self.gateway()
        gateway.deadLetters.isReachable = false
        try await gateway.run { client async throws in
            #expect(try await client.get(Self.path + path, .bearer(.admin)).status == .serviceUnavailable)
        }
    }
}
