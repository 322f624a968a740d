import CeleryMessage
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Inspection
import Synchronization
import Testing

@testable import AdminGateway

/// Runs tasks of the queue of mail, as a table says.
private final class FakeRunner: TaskRunning {
    private let outcome: Result<RunOutcome, InspectionError>
    private let state = Mutex<[TaskRequest]>([])

    init(_ outcome: Result<RunOutcome, InspectionError>) { self.outcome = outcome }

    var ran: [TaskRequest] { state.withLock { $0 } }

    func allows(_ task: String, from queue: String) -> Bool { queue == "email" }

    func run(_ request: TaskRequest) async throws -> RunOutcome {
        state.withLock { $0.append(request) }
        return try outcome.get()
    }
}

@Suite struct `A task that no queue takes` {
    private static let task = "backend.tasks.email_tasks.send"

    private func gateway(_ runner: FakeRunner, isReachable: Bool = false) -> GatewayUnderTest {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        gateway.runner = runner
        var start = StartRoute(path: "/api/mail/start", task: Self.task)
        start.access = .everyone
        gateway.configuration.starts = [start]
        gateway.deployment.isReachable = isReachable
        return gateway
    }

    @Test func `runs here, and the answer says so, at every address`() async throws {
        let runner = FakeRunner(.success(.success(["sent": 1], unsent: [])))
        try await gateway(runner).run { client async throws in
            for (path, body) in [
                ("/api/tasks", #"{"task": "\#(Self.task)", "kwargs": {"to": "a@b"}}"#),
                ("/api/v1/admin/jobs/email", #"{"type": "send", "data": {"to": "a@b"}}"#),
                ("/api/mail/start", #"{"to": "a@b"}"#),
            ] {
                let answer = try await client.post(path, body)
                #expect(answer.status == .ok)
                #expect(answer.text == #"{"success":true,"sync":true,"data":{"sent":1}}"#)
            }
            #expect(runner.ran.map(\.kwargs) == Array(repeating: ["to": "a@b"], count: 3))
        }
    }

    @Test func `goes to its queue where there is one`() async throws {
        let runner = FakeRunner(.success(.success(.null, unsent: [])))
        try await gateway(runner, isReachable: true).run { client async throws in
            let answer = try await client.post("/api/tasks", #"{"task": "\#(Self.task)"}"#)
            #expect(answer.status == .accepted)
            #expect(try answer.json["jobId"] != nil && answer.json["sync"] == nil)
            #expect(runner.ran.isEmpty)
        }
    }

    @Test func `does not run here when it may have been sent`() async throws {
        let runner = FakeRunner(.success(.success(.null, unsent: [])))
        let gateway = gateway(runner, isReachable: true)
        gateway.deployment.losesReplies = true
        try await gateway.run { client async throws in
            let answer = try await client.post("/api/tasks", #"{"task": "\#(Self.task)"}"#)
            #expect(answer.status == .serviceUnavailable)
            #expect(answer.headers[.retryAfter] == "2")
            #expect(runner.ran.isEmpty)
        }
    }

    @Test(arguments: [
        #"{"task": "backend.tasks.pdf_tasks.generate"}"#, #"{"task": "T", "countdown": 60}"#,
        #"{"task": "T", "eta": "2030-01-01T00:00:00Z"}"#, #"{"task": "T", "expires": "2020-01-01T00:00:00Z"}"#,
    ])
    func `waits for it unless it may and can run now`(body: String) async throws {
        let runner = FakeRunner(.success(.success(.null, unsent: [])))
        try await gateway(runner).run { client async throws in
            let answer = try await client.post("/api/tasks", body.replacing("\"T\"", with: "\"\(Self.task)\""))
            #expect(answer.status == .serviceUnavailable)
            #expect(try answer.json["code"] == "unavailable")
            #expect(answer.headers[.retryAfter] == "2")
            let bulk = try await client.post("/api/tasks/bulk", #"{"task": "\#(Self.task)", "items": [{}]}"#)
            #expect(bulk.status == .serviceUnavailable)
            #expect(runner.ran.isEmpty)
        }
    }

    @Test func `and fails, fails with its exception`() async throws {
        let runner = FakeRunner(.success(.failure(type: "ValueError", message: "no such statement")))
        try await gateway(runner).run { client async throws in
            let answer = try await client.post("/api/tasks", #"{"task": "\#(Self.task)"}"#)
            #expect(answer.status == .internalServerError)
            let body = try answer.json
            #expect(body["success"] == false && body["sync"] == true && body["code"] == "task_failed")
            #expect(body["error"] == "ValueError: no such statement")
            #expect(body["exception"] == ["type": "ValueError", "message": "no such statement"])
        }
    }

    @Test func `and wants to send others, names them`() async throws {
        let runner = FakeRunner(.success(.success(5, unsent: ["reports.next"])))
        try await gateway(runner).run { client async throws in
            let answer = try await client.post("/api/tasks", #"{"task": "\#(Self.task)"}"#)
            #expect(answer.text == #"{"success":true,"sync":true,"data":5,"unsent":["reports.next"]}"#)
        }
    }

    @Test(arguments: [(InspectionError.Code.busy, "busy", "5"), (.unavailable, "unavailable", "2")])
    func `and cannot run either, is refused`(code: InspectionError.Code, name: String, seconds: String) async throws {
        let runner = FakeRunner(.failure(InspectionError(code, "test")))
        try await gateway(runner).run { client async throws in
            let answer = try await client.post("/api/tasks", #"{"task": "\#(Self.task)"}"#)
            #expect(answer.status == .serviceUnavailable)
            #expect(try answer.json["code"] == .string(name))
            #expect(answer.headers[.retryAfter] == seconds)
        }
    }
}
