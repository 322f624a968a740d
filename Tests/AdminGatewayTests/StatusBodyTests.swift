import CeleryMessage
import HTTPTypes
import HummingbirdTesting
import Inspection
import Testing

@testable import AdminGateway

@Suite struct `The status of a task` {
    static let id = "8c9e6a39-7a55-4d6e-9f50-0b7d3f1c2a11"

    /// What a task stored, and the body that a front end of document 003 expects, byte for byte.
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var record: ResultRecord?
        var body: String
        var testDescription: String { name }
    }

    static func record(_ state: TaskState, _ result: String) -> ResultRecord {
        ResultRecord(taskID: id, status: state, result: Array(result.utf8))
    }

    static func failure(_ exception: ExceptionInfo) -> ResultRecord {
        record(.failure, JSONWriter.string(exception.json))
    }

    static let rows: [Row] = [
        Row(name: "nothing stored", body: #"{"state":"PENDING","current":0,"total":100,"status":"Bekliyor..."}"#),
        Row(
            name: "progress",
            record: record(.progress, #"{"current": 3, "total": 5, "status": "PDF 3/5 olu\u015fturuluyor"}"#),
            body: #"{"state":"PROGRESS","current":3,"total":5,"status":"PDF 3/5 oluşturuluyor"}"#
        ),
        Row(
            name: "progress without members",
            record: record(.progress, "{}"),
            body: #"{"state":"PROGRESS","current":0,"total":100,"status":""}"#
        ),
        Row(
            name: "progress that is no object",
            record: record(.progress, "[1]"),
            body: #"{"state":"PROGRESS","current":0,"total":100,"status":""}"#
        ),
        Row(
            name: "success",
            record: record(.success, #"{"count": 2, "paths": ["a.pdf", "b.pdf"], "ratio": 0.5}"#),
            body: #"{"state":"SUCCESS","current":100,"total":100,"status":"Tamamlandı","#
                + #""result":{"count":2,"paths":["a.pdf","b.pdf"],"ratio":0.5}}"#
        ),
        Row(
            name: "success with nothing",
            record: record(.success, "null"),
            body: #"{"state":"SUCCESS","current":100,"total":100,"status":"Tamamlandı","result":null}"#
        ),
        Row(
            name: "failure",
            record: failure(.valueError("mutabakat 7 yok")),
            body: #"{"state":"FAILURE","status":"mutabakat 7 yok"}"#
        ),
        Row(
            name: "failure with a key",
            record: failure(ExceptionInfo(type: "KeyError", arguments: ["x"])),
            body: #"{"state":"FAILURE","status":"'x'"}"#
        ),
        Row(
            name: "failure of the system",
            record: failure(ExceptionInfo(type: "FileNotFoundError", arguments: [2, "yok"])),
            body: #"{"state":"FAILURE","status":"[Errno 2] yok"}"#
        ),
        Row(
            name: "failure by the hard limit",
            record: failure(.timeLimitExceeded(5)),
            body: #"{"state":"FAILURE","status":"TimeLimitExceeded(5,)"}"#
        ),
        Row(
            name: "revoked",
            record: record(.revoked, JSONWriter.string(ExceptionInfo.revoked(.terminated).json)),
            body: #"{"state":"REVOKED","status":"terminated"}"#
        ),
        Row(
            name: "retry",
            record: record(.retry, JSONWriter.string(ExceptionInfo.runtimeError("later").json)),
            body: #"{"state":"RETRY","status":"later"}"#
        ),
        Row(
            name: "started",
            record: record(.started, #"{"pid": 17, "hostname": "w1@host"}"#),
            body: #"{"state":"STARTED","status":"{'pid': 17, 'hostname': 'w1@host'}"}"#
        ),
        Row(
            name: "a state of the application's own",
            record: record(TaskState(rawValue: "UPLOADING"), #""half""#),
            body: #"{"state":"UPLOADING","status":"half"}"#
        ),
    ]

    @Test(arguments: rows) func `is byte for byte what front ends read`(_ row: Row) async throws {
        let gateway = GatewayUnderTest()
        if let record = row.record { gateway.deployment.store(record) }
        try await gateway.run { client async throws in
            for path in ["/api/tasks", "/tasks"] {
                let response = try await client.get("\(path)/\(Self.id)/status?plain=1")
                #expect(response.status == .ok)
                #expect(response.text == row.body)
                #expect(response.headers[.contentType] == "application/json; charset=utf-8")
            }
        }
    }

    @Test(arguments: rows) func `begins with the same members where more is known`(_ row: Row) async throws {
        let gateway = GatewayUnderTest()
        if let record = row.record { gateway.deployment.store(record) }
        try await gateway.run { client async throws in
            let plain = try await client.get("/tasks/\(Self.id)/status?plain=1").text
            let full = try await client.get("/tasks/\(Self.id)/status").text
            #expect(full.hasPrefix(String(plain.dropLast())))
        }
    }

    @Test func `is in English where asked for`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.store(Self.record(.success, "1"))
        try await gateway.run { client async throws in
            let waiting = try await client.get("/tasks/other/status?locale=en&plain=1").text
            #expect(waiting == #"{"state":"PENDING","current":0,"total":100,"status":"Waiting..."}"#)
            let done = try await client.get("/tasks/\(Self.id)/status?locale=en&plain=1").text
            #expect(done.contains(#""status":"Completed""#))
        }
    }

    @Test func `is in the configured language otherwise`() async throws {
        var gateway = GatewayUnderTest()
        gateway.configuration.locale = .english
        try await gateway.run { client async throws in
            #expect(try await client.get("/tasks/x/status").json["status"] == "Waiting...")
            #expect(try await client.get("/tasks/x/status?locale=tr").json["status"] == "Bekliyor...")
        }
    }

    @Test func `says the place in the queue`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.put(Self.id, Whereabouts(.waiting(position: 12), queue: "pdf", retries: 1))
        try await gateway.run { client async throws in
            let body = try await client.get("/tasks/\(Self.id)/status").json
            #expect(body["known"] == true)
            #expect(body["queue"] == "pdf")
            #expect(body["position"] == 12)
            #expect(body["attempt"] == 2)
            #expect(body["eta"] == nil)
        }
    }

    @Test func `says when a parked task is due`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.put(Self.id, Whereabouts(.parked(until: Instant(seconds: 1_790_000_060)), queue: "email"))
        try await gateway.run { client async throws in
            let body = try await client.get("/tasks/\(Self.id)/status").json
            #expect(body["eta"] == "2026-09-21T14:14:20+00:00")
            #expect(body["position"] == nil)
        }
    }

    @Test func `of a task that is nowhere is pending and unknown`() async throws {
        let gateway = GatewayUnderTest()
        try await gateway.run { client async throws in
            let body = try await client.get("/tasks/\(Self.id)/status")
            #expect(body.status == .ok)
            #expect(try body.json["known"] == false)
            let strict = try await client.get("/tasks/\(Self.id)/status?strict=1")
            #expect(strict.status == .notFound)
            #expect(try strict.json["code"] == "not_found")
        }
    }

    @Test func `says nothing of what it could not look for`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.seesEverything = false
        try await gateway.run { client async throws in
            #expect(try await client.get("/tasks/\(Self.id)/status").json["known"] == nil)
            #expect(try await client.get("/tasks/\(Self.id)/status?strict=1").status == .ok)
        }
    }

    @Test func `names the worker and counts steps once a task has started`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.store(Self.record(.started, #"{"pid": 17, "hostname": "w1@host"}"#))
        gateway.deployment.put(Self.id, Whereabouts(.held, queue: "pdf", retries: 0))
        try await gateway.run { client async throws in
            let body = try await client.get("/tasks/\(Self.id)/status").json
            #expect(body["worker"] == "w1@host")
            #expect(body["attempt"] == 1)
            #expect(body["current"] == 0)
            #expect(body["total"] == 100)
        }
    }

    @Test func `says when it was written`() async throws {
        var gateway = GatewayUnderTest()
        gateway.resultLifetime = .seconds(86_400)
        gateway.deployment.store(Self.record(.progress, "{}"), timeToLive: .seconds(86_395))
        try await gateway.run { client async throws in
            let body = try await client.get("/tasks/\(Self.id)/status").json
            #expect(body["updated_at"] == "2026-09-21T14:13:15+00:00")
        }
    }

    @Test func `does not guess when it was written`() async throws {
        var gateway = GatewayUnderTest()
        gateway.resultLifetime = .seconds(60)
        gateway.deployment.store(Self.record(.progress, "{}"), timeToLive: .seconds(3600))
        try await gateway.run { client async throws in
            let answer = try await client.get("/tasks/\(Self.id)/status")
            #expect(try answer.json["updated_at"] == nil)
        }
    }

    @Test func `shows typed values as text and what is no number as null`() async throws {
        let gateway = GatewayUnderTest()
        let result =
            #"{"at": {"__type__": "datetime", "__value__": "2026-01-02T03:04:05"}, "x": NaN, "t": "a\"\u0001"}"#
        gateway.deployment.store(Self.record(.success, result))
        try await gateway.run { client async throws in
            let text = try await client.get("/tasks/\(Self.id)/status?plain=1").text
            #expect(text.hasSuffix(#""result":{"at":"2026-01-02T03:04:05","x":null,"t":"a\"\u0001"}}"#))
        }
    }
}
