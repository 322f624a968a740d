import CeleryMessage
import HTTPTypes
import HummingbirdTesting
import Inspection
import NIOCore
import Testing

@testable import AdminGateway

@Suite struct `Sending at Flower's addresses` {
    private static let task = "backend.tasks.email_tasks.send"
    private static let id = "the-task"

    private func gateway() -> GatewayUnderTest {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        return gateway
    }

    @Test(arguments: ["apply", "async-apply", "send-task"])
    func `puts into the queue what the body says, whatever its type`(address: String) async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        deployment.store(
            ResultRecord(taskID: Self.id, status: .success, result: Array("3".utf8), dateDone: gateway.now)
        )
        try await gateway.run { client async throws in
            var headers = HTTPFields.bearer(.operator)
            headers[.contentType] = "application/x-www-form-urlencoded"
            let body = #"""
                {"args": [1], "kwargs": {"to": "ü"}, "queue": "pdf", "priority": 3, "task_id": "the-task",
                 "eta": "2026-09-21 14:14:20.500000", "expires": "3600"}
                """#
            let answer = try await client.execute(
                uri: "/api/task/\(address)/\(Self.task)?refresh=True",
                method: .post,
                headers: headers,
                body: ByteBuffer(string: body)
            )
            #expect(answer.status == .ok)
            #expect(try answer.json == ["task-id": "the-task", "state": "SUCCESS", "result": 3])
        }
        let sent = try #require(deployment.sent.first)
        #expect((sent.queue, sent.priority, sent.taskID) == ("pdf", 3, Self.id))
        let message = try TaskMessage.decode(sent.item)
        #expect(message.headers.task == Self.task)
        #expect(try message.payload.arguments() == [1] && message.payload.keywords() == ["to": "ü"])
        #expect(message.headers.etaInstant == Instant(seconds: 1_790_000_060.5))
        #expect(message.headers.expiresInstant == Instant(seconds: 1_790_003_600))
    }

    @Test func `needs no body, and answers a new id`() async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let answer = try await client.execute(
                uri: "/api/task/async-apply/\(Self.task)",
                method: .post,
                headers: .bearer(.operator)
            )
            let id = try #require(try answer.json["task-id"]?.string)
            #expect(try answer.json == ["task-id": .string(id), "state": "PENDING"])
            #expect(deployment.sent.map(\.taskID) == [id])
        }
    }

    @Test func `waits for the result where it is to`() async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            async let answer = client.post("/api/task/apply/\(Self.task)", #"{"task_id": "the-task", "timeout": 50}"#)
            await deployment.waitForFollower(of: Self.id)
            deployment.store(ResultRecord(taskID: Self.id, status: .started))
            let failure = ExceptionInfo(type: "ValueError", arguments: ["no"])
            deployment.store(
                ResultRecord(
                    taskID: Self.id,
                    status: .failure,
                    result: JSONWriter.bytes(failure.json),
                    traceback: "Traceback",
                    dateDone: gateway.now
                )
            )
            #expect(
                try await answer.json == [
                    "task-id": "the-task", "state": "FAILURE", "result": "ValueError('no')", "traceback": "Traceback",
                ]
            )
        }
    }

    @Test(arguments: [#""timeout": 0.05"#, #""timeout": "0.05""#, #""kwargs": {}"#])
    func `waits no longer than it is told to, or than anybody may`(option: String) async throws {
        var gateway = gateway()
        if option.contains("kwargs") { gateway.configuration.limits.wait = .milliseconds(50) }
        gateway.deployment.store(ResultRecord(taskID: Self.id, status: .started))
        try await gateway.run { client async throws in
            let answer = try await client.post("/api/task/apply/\(Self.task)", #"{"task_id": "the-task", \#(option)}"#)
            #expect(try answer.json == ["task-id": "the-task", "state": "STARTED"])
        }
    }

    @Test func `sends nothing where nobody more may wait`() async throws {
        var gateway = gateway()
        gateway.configuration.limits.followers = 0
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            #expect(try await client.post("/api/task/apply/\(Self.task)", "{}").status == .serviceUnavailable)
            #expect(deployment.sent.isEmpty)
        }
    }

    @Test(
        arguments: [
            ("async-apply/nobody", "{}", 404, nil), ("send-task/nobody", "{}", 404, nil),
            ("apply/nobody", "{}", 404, nil),
            ("apply/x%20y", "{}", 400, "name"), ("apply/T", "[1]", 400, "body"), ("apply/T", "{", 400, "body"),
            ("apply/T", #"{"args": 1}"#, 400, "args"), ("apply/T", #"{"kwargs": []}"#, 400, "kwargs"),
            ("apply/T", #"{"timeout": "soon"}"#, 400, "timeout"), ("apply/T", #"{"timeout": -1}"#, 400, "timeout"),
            ("async-apply/T", #"{"timeout": 1}"#, 400, "timeout"), ("apply/T", #"{"queue": "x"}"#, 400, "queue"),
            ("apply/T", #"{"priority": 10}"#, 400, "priority"), ("apply/T", #"{"eta": "soon"}"#, 400, "eta"),
            ("apply/T", #"{"countdown": 1, "eta": "2026-01-01"}"#, 400, "eta"),
            ("apply/T", #"{"countdown": "nan"}"#, 400, "countdown"), ("apply/T", #"{"expires": []}"#, 400, "expires"),
            ("apply/T", #"{"task_id": "a b"}"#, 400, "task_id"),
            ("apply/T", #"{"serializer": "pickle"}"#, 400, "serializer"),
        ] as [(String, String, Int, String?)]
    )
    func `refuses what cannot be done, and sends nothing`(
        path: String,
        body: String,
        status: Int,
        field: String?
    ) async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let path = "/api/task/" + path.replacing("/T", with: "/" + Self.task)
            let answer = try await client.post(path, body)
            #expect(answer.status.code == status)
            #expect(try answer.json["field"]?.string == field)
            #expect(try await client.post(path, body, .viewer).status == .forbidden)
            #expect(deployment.sent.isEmpty)
        }
    }

    @Test func `is bounded as all sending is`() async throws {
        var gateway = gateway()
        gateway.depthLimit = 1
        gateway.configuration.limits.tasksPerMinute = 2
        try await gateway.run { client async throws in
            let path = "/api/task/send-task/\(Self.task)"
            #expect(try await client.post(path, "{}").status == .ok)
            #expect(try await client.post(path, "{}").json["code"] == "queue_full")
            #expect(try await client.post(path, "{}").json["code"] == "too_many_tasks")
        }
    }
}

@Suite struct `A result at Flower's address` {
    private static let id = "the-task"

    private func gateway() -> GatewayUnderTest {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        return gateway
    }

    private static var path: String { "/api/task/result/\(id)" }

    static let records: [(ResultRecord?, JSONValue)] = [
        (nil, ["task-id": "the-task", "state": "PENDING"]),
        (
            ResultRecord(taskID: id, status: .progress, result: Array(#"{"current": 1}"#.utf8)),
            [
                "task-id": "the-task", "state": "PROGRESS",
            ]
        ),
        (
            ResultRecord(taskID: id, status: .success, result: Array(#"{"a": 1}"#.utf8)),
            [
                "task-id": "the-task", "state": "SUCCESS", "result": ["a": 1],
            ]
        ),
        (
            ResultRecord(taskID: id, status: .revoked, result: JSONWriter.bytes(ExceptionInfo.revoked(.revoked).json)),
            [
                "task-id": "the-task", "state": "REVOKED", "result": "TaskRevokedError('revoked')",
            ]
        ),
    ]

    @Test(arguments: records)
    func `is told in Flower's members`(record: ResultRecord?, expected: JSONValue) async throws {
        let gateway = gateway()
        if let record { gateway.deployment.store(record) }
        try await gateway.run { client async throws in
            #expect(try await client.get(Self.path, .bearer(.viewer)).json == expected)
        }
    }

    @Test func `is waited for where it is to be`() async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            async let answer = client.get(Self.path + "?timeout=50", .bearer(.viewer))
            await deployment.waitForFollower(of: Self.id)
            deployment.store(ResultRecord(taskID: Self.id, status: .success, result: Array("1".utf8)))
            #expect(try await answer.json["result"] == 1)
            #expect(try await client.get(Self.path + "?timeout=0.05", .bearer(.viewer)).json["state"] == "SUCCESS")
            #expect(try await client.get(Self.path + "?timeout=soon", .bearer(.viewer)).json["field"] == "timeout")
        }
    }

    @Test func `of a task that is to give up is told to the task, and to the audit list`() async throws {
        let gateway = gateway()
        let administration = gateway.administration
        administration.put(JobDetail(JobSummary(id: "done", task: nil, queue: "pdf", state: .completed)))
        try await gateway.run { client async throws in
            let path = "/api/task/abort/"
            #expect(try await client.post(path + Self.id, "", .viewer).status == .forbidden)
            #expect(try await client.post(path + Self.id, "").json == ["message": "Aborted 'the-task'"])
            #expect(try await client.post(path + "done", "").json == ["message": "'done' has ended already"])
        }
        #expect(administration.aborted == [Self.id])
        let entries = try await administration.entries(0..<10).entries.map { "\($0.action) \($0.target) \($0.outcome)" }
        #expect(entries.sorted() == ["task.abort done ended", "task.abort the-task told"])
    }
}
