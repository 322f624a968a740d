import CeleryMessage
import HTTPTypes
import HummingbirdTesting
import Inspection
import NIOCore
import Testing

@testable import AdminGateway

@Suite struct `Flower's addresses` {
    private static func gateway() -> GatewayUnderTest {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        gateway.administration.put(WorkerDetail(WorkerFacts(name: "celery@one")))
        for (id, state, second) in [("a", TaskState.success, 1.0), ("b", .failure, 2), ("c", .success, 3)] {
            var task = FinishedTask(
                id: id,
                name: id == "c" ? "proj.mail" : "proj.add",
                queue: "email",
                state: state,
                worker: "celery@one",
                finishedAt: Instant(seconds: 1_790_000_000 + second)
            )
            task.receivedAt = Instant(seconds: 1_790_000_000)
            task.runtime = .milliseconds(1500)
            if state == .failure { task.failure = .init(type: "ValueError", message: "no", traceback: "Traceback") }
            gateway.history.record(task)
        }
        return gateway
    }

    static let orders: [(String, WorkerOrder)] = [
        ("worker/pool/grow/celery@one?n=2", .growPool(2)), ("worker/pool/grow/celery@one", .growPool(1)),
        ("worker/pool/shrink/celery@one?n=3", .shrinkPool(3)), ("worker/pool/restart/celery@one", .restartPool),
        ("worker/pool/autoscale/celery@one?min=2&max=8", .autoscale(least: 2, most: 8)),
        ("worker/queue/add-consumer/celery@one?queue=pdf", .addConsumer(queue: "pdf")),
        ("worker/queue/cancel-consumer/celery@one?queue=pdf", .cancelConsumer(queue: "pdf")),
        ("worker/shutdown/celery@one", .shutDown),
        (
            "task/timeout/proj.add?workername=celery@one&hard=30&soft=20.5",
            .timeLimit(task: "proj.add", hard: 30, soft: 20.5)
        ),
        ("task/rate-limit/proj.add?workername=celery@one&ratelimit=10/m", .rateLimit(task: "proj.add", rate: "10/m")),
    ]

    @Test(arguments: orders)
    func `tell a worker what to do, with arguments in the address or in a form`(
        path: String,
        order: WorkerOrder
    ) async throws {
        let parts = path.split(separator: "?", maxSplits: 1).map(String.init)
        for isForm in [false, true] {
            let gateway = Self.gateway()
            let administration = gateway.administration
            try await gateway.run { client async throws in
                var headers = HTTPFields.bearer(.admin)
                if isForm { headers[.contentType] = "application/x-www-form-urlencoded" }
                let answer = try await client.execute(
                    uri: "/api/" + (isForm ? parts[0] : path),
                    method: .post,
                    headers: headers,
                    body: isForm ? ByteBuffer(string: parts.count > 1 ? parts[1] : "") : nil
                )
                #expect(answer.status == .ok)
                #expect(try answer.json["message"]?.string?.isEmpty == false)
            }
            let told = try #require(administration.orders.first)
            #expect(told.order == order)
            #expect(told.nodes == ["celery@one"])
        }
    }

    @Test func `revoke a task for operators, and remember who did`() async throws {
        let gateway = Self.gateway()
        let administration = gateway.administration
        try await gateway.run { client async throws in
            let path = "/api/task/revoke/t1?terminate=true&signal=SIGKILL"
            let viewer = try await client.execute(uri: path, method: .post, headers: .bearer(.viewer))
            #expect(viewer.status == .forbidden)
            let answer = try await client.execute(uri: path, method: .post, headers: .bearer(.operator))
            #expect(answer.status == .ok)
        }
        #expect(administration.orders.map(\.order) == [.revoke(ids: ["t1"], terminate: true, signal: "SIGKILL")])
        let entry = try #require(try await administration.entries(0..<10).entries.first)
        #expect((entry.who, entry.action, entry.target) == ("operator", "task.terminate", "t1"))
    }

    @Test(arguments: [
        ("worker/pool/grow/celery@one?n=0", "n"), ("worker/pool/grow/celery@one?n=many", "n"),
        ("worker/pool/autoscale/celery@one?max=2", "min"), ("worker/pool/autoscale/celery@one?min=1", "max"),
        ("worker/queue/add-consumer/celery@one", "queue"), ("task/timeout/proj.add?hard=3", "workername"),
        ("task/timeout/proj.add?workername=w&hard=-1", "hard"),
        ("task/rate-limit/proj.add?workername=w&ratelimit=fast", "ratelimit"),
        ("task/revoke/t1?signal=SIGSEGV", "signal"), ("task/revoke/t1?terminate=perhaps", "terminate"),
    ])
    func `name the argument that is wrong`(path: String, field: String) async throws {
        try await Self.gateway().run { client async throws in
            let answer = try await client.execute(uri: "/api/" + path, method: .post, headers: .bearer(.admin))
            #expect(answer.status == .badRequest)
            #expect(try answer.json["field"]?.string == field)
        }
    }

    @Test(arguments: ["worker/pool/grow/nobody", "worker/shutdown/nobody", "task/timeout/a?workername=nobody"])
    func `answer 404 for workers that do not answer`(path: String) async throws {
        try await Self.gateway().run { client async throws in
            let answer = try await client.execute(uri: "/api/" + path, method: .post, headers: .bearer(.admin))
            #expect(answer.status == .notFound)
        }
    }

    @Test(arguments: [
        ("", ["c", "b", "a"]), ("?sort_by=received", ["a", "b", "c"]), ("?limit=1&offset=1", ["b"]),
        ("?taskname=proj.mail", ["c"]), ("?state=FAILURE", ["b"]), ("?search=a", ["a"]),
        ("?sort_by=name", ["a", "b", "c"]), ("?sort_by=-name", ["c", "b", "a"]),
        ("?sort_by=state", ["b", "a", "c"]), ("?sort_by=-state&limit=1", ["c"]), ("?sort_by=runtime", ["a", "b", "c"]),
        ("?sort_by=-started&offset=1", ["b", "a"]), ("?limit=0", []), ("?workername=celery@one&limit=1", ["c"]),
        ("?workername=nobody", []), ("?state=All&taskname=All&workername=All", ["c", "b", "a"]),
        ("?received_start=2036-01-01+00:00", []), ("?received_end=2036-01-01%2000:00", ["c", "b", "a"]),
    ])
    func `list the tasks that have ended`(query: String, ids: [String]) async throws {
        try await Self.gateway().run { client async throws in
            let answer = try await client.get("/api/tasks" + query, .bearer(.viewer)).json
            #expect(answer.object?.keys == ids)
        }
    }

    @Test func `show a task in Flower's members`() async throws {
        try await Self.gateway().run { client async throws in
            let task = try await client.get("/api/task/info/b", .bearer(.viewer)).json
            #expect(task["uuid"] == "b" && task["state"] == "FAILURE" && task["worker"] == "celery@one")
            #expect(task["exception"] == "ValueError('no')" && task["traceback"] == "Traceback")
            #expect(task["runtime"]?.number == 1.5 && task["failed"]?.number == 1_790_000_002)
            #expect(try await client.get("/api/task/info/nobody", .bearer(.viewer)).status == .notFound)
            #expect(try await client.get("/api/tasks?sort_by=size", .bearer(.viewer)).status == .badRequest)
            #expect(try await client.get("/api/tasks?received_start=soon", .bearer(.viewer)).status == .badRequest)
            let types = try await client.get("/api/task/types", .bearer(.viewer)).json
            #expect(types == ["task-types": ["proj.add", "proj.mail"]])
        }
    }
}
