import CeleryMessage
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Inspection
import NIOCore
import Testing

@testable import AdminGateway

@Suite struct `Administering queues` {
    private static let jobs = "/api/v1/admin/jobs"

    private static func gateway() -> GatewayUnderTest {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        return gateway
    }

    private static func job(_ id: String, _ state: JobState, queue: String = "email") -> JobDetail {
        var summary = JobSummary(id: id, task: "proj.send", queue: queue, state: state)
        summary.arguments = "(1,) {}"
        if state.isFinished { summary.finishedAt = Instant(seconds: 1_790_000_000) }
        if state == .failed { summary.failedReason = "ValueError: no" }
        var job = JobDetail(summary)
        job.kwargs = ["to": "a@b"]
        job.isRetryable = state == .failed
        return job
    }

    @Test func `counts what there is, in the members of the documents`() async throws {
        let gateway = Self.gateway()
        for (id, state) in [
            ("w1", JobState.waiting), ("w2", .waiting), ("a1", .active), ("d1", .delayed), ("c1", .completed),
            ("f1", .failed),
        ] { gateway.administration.put(Self.job(id, state)) }
        try await gateway.run { client async throws in
            let one = try await client.get(Self.jobs + "/email/stats", .bearer(.viewer)).json
            #expect(one["success"] == true)
            let counts = try #require(one["data"])
            for (name, count) in [
                ("waiting", 2), ("active", 1), ("delayed", 1), ("completed", 1), ("failed", 1), ("total", 4),
            ] { #expect(counts[name] == .int(Int64(count)), "\(name)") }
            #expect(counts["paused"] == false && counts["queue"] == "email")
            let all = try #require(try await client.get(Self.jobs + "/stats", .bearer(.viewer)).json["data"]?.array)
            #expect(all.compactMap { $0["queue"]?.string } == ["celery", "email", "export", "pdf"])
            let plain = try await client.get("/admin/queues/stats", .bearer(.admin)).json["data"]?.array
            #expect(
                plain?[1] == [
                    "queue": "email", "waiting": 2, "active": 1, "completed": 1, "failed": 1, "delayed": 1, "total": 4,
                ]
            )
        }
    }

    @Test func `lists jobs by state and range, waiting ones by default`() async throws {
        let gateway = Self.gateway()
        for number in 0..<15 { gateway.administration.put(Self.job("w\(number)", .waiting)) }
        gateway.administration.put(Self.job("f1", .failed))
        try await gateway.run { client async throws in
            let first = try await client.get(Self.jobs + "/email/jobs", .bearer(.viewer)).json
            #expect(first["data"]?.array?.count == 11)
            #expect(first["total"] == 15)
            let next = try await client.get(Self.jobs + "/email/jobs?start=11&end=20", .bearer(.viewer)).json
            #expect(next["data"]?.array?.compactMap { $0["id"]?.string } == ["w11", "w12", "w13", "w14"])
            let none = try await client.get(Self.jobs + "/email/jobs?start=5&end=4", .bearer(.viewer)).json
            #expect(none["data"] == [] && none["total"] == 15)
            let most = try await client.get(Self.jobs + "/email/jobs?start=0&end=99999", .bearer(.viewer)).json
            #expect(most["data"]?.array?.count == 15)
            let failed = try await client.get(Self.jobs + "/email/jobs?state=failed", .bearer(.viewer)).json
            let job = try #require(failed["data"]?.array?.first)
            #expect(job["id"] == "f1" && job["failedReason"] == "ValueError: no")
            #expect(job["finishedOn"] == 1_790_000_000_000)
        }
    }

    @Test(arguments: [
        ("state=done", "state"), ("start=-1", "start"), ("end=x", "end"), ("limit=1", "limit"),
        ("start=1&start=2", "start"),
        ("start=99999999999999999999", "start"),
    ])
    func `refuses a list it does not understand and names the parameter`(query: String, field: String) async throws {
        try await Self.gateway().run { client async throws in
            let answer = try await client.get(Self.jobs + "/email/jobs?" + query, .bearer(.viewer))
            #expect(answer.status == .badRequest)
            #expect(try answer.json["field"]?.string == field)
        }
    }

    @Test func `shows one job with everything the documents name`() async throws {
        let gateway = Self.gateway()
        var job = Self.job("f1", .failed)
        job.stacktrace = ["Traceback …"]
        job.summary.progress = JobProgress(current: 50, total: 200, status: "half")
        job.summary.attempts = 3
        gateway.administration.put(job)
        try await gateway.run { client async throws in
            let data = try #require(try await client.get(Self.jobs + "/email/f1", .bearer(.viewer)).json["data"])
            #expect(data["data"] == ["to": "a@b"])
            #expect(data["attempts"] == 3)
            #expect(data["progress"] == ["current": 50, "total": 200, "percent": 25, "status": "half"])
            #expect(data["failedReason"] == "ValueError: no")
            #expect(data["stacktrace"] == ["Traceback …"])
            #expect(data["result"] == .null)
            #expect(try await client.get(Self.jobs + "/email/nowhere", .bearer(.viewer)).status == .notFound)
            #expect(try await client.get(Self.jobs + "/pdf/f1", .bearer(.viewer)).status == .notFound)
        }
    }

    @Test func `retries what failed and nothing else`() async throws {
        let gateway = Self.gateway()
        gateway.administration.put(Self.job("f1", .failed))
        gateway.administration.put(Self.job("c1", .completed))
        var gone = Self.job("f2", .failed)
        gone.isRetryable = false
        gateway.administration.put(gone)
        try await gateway.run { client async throws in
            let done = try await client.change(Self.jobs + "/email/f1/retry", .operator)
            #expect(done.status == .ok)
            #expect(try done.json["data"]?["outcome"] == "retried")
            let again = try await client.change(Self.jobs + "/email/f1/retry", .operator)
            #expect(again.status == .conflict)
            #expect(try again.json["code"] == "not_failed")
            #expect(try await client.change(Self.jobs + "/email/c1/retry", .operator).status == .conflict)
            #expect(try await client.change(Self.jobs + "/email/f2/retry", .operator).json["code"] == "gone")
            #expect(try await client.change(Self.jobs + "/email/none/retry", .operator).status == .notFound)
        }
    }

    @Test func `removes waiting jobs, cancels active ones and forgets finished ones`() async throws {
        let gateway = Self.gateway()
        for (id, state) in [("w", JobState.waiting), ("a", .active), ("c", .completed), ("d", .delayed)] {
            gateway.administration.put(Self.job(id, state))
        }
        try await gateway.run { client async throws in
            for (id, outcome) in [("w", "removed"), ("a", "cancelled"), ("c", "forgotten"), ("d", "removed")] {
                let answer = try await client.change(Self.jobs + "/email/\(id)", .operator, method: .delete)
                #expect(try answer.json["data"]?["outcome"]?.string == outcome)
            }
            #expect(try await client.change(Self.jobs + "/email/w", .operator, method: .delete).status == .notFound)
        }
    }

    @Test func `changes many at once and says what became of each`() async throws {
        let gateway = Self.gateway()
        gateway.administration.put(Self.job("w", .waiting))
        gateway.administration.put(Self.job("f", .failed))
        gateway.administration.put(Self.job("d", .delayed))
        try await gateway.run { client async throws in
            let retried = try await client.change(Self.jobs + "/email/retry", .operator, #"{"ids": ["w", "f", "x"]}"#)
            #expect(
                try retried.json["data"] == [
                    ["id": "w", "outcome": "not_failed"], ["id": "f", "outcome": "retried"],
                    ["id": "x", "outcome": "not_found"],
                ]
            )
            let promoted = try await client.change(Self.jobs + "/email/promote", .operator, #"{"ids": ["d"]}"#)
            #expect(try promoted.json["data"] == [["id": "d", "outcome": "promoted"]])
            let removed = try await client.change(Self.jobs + "/email/remove", .operator, #"{"ids": ["w", "f", "d"]}"#)
            #expect(try removed.json["data"]?.array?.count { $0["outcome"] == "removed" } == 3)
            for body in [#"{"ids": []}"#, #"{"ids": [1]}"#, #"{"ids": ["a b"]}"#, #"{"id": ["a"]}"#, "[]", ""] {
                let answer = try await client.change(Self.jobs + "/email/remove", .operator, body, typed: true)
                #expect(answer.status == .badRequest, "\(body)")
            }
        }
    }

    @Test func `pauses, resumes, cleans and drains`() async throws {
        let gateway = Self.gateway()
        for (id, state) in [
            ("w", JobState.waiting), ("d", .delayed), ("a", .active), ("c", .completed), ("f", .failed),
        ] { gateway.administration.put(Self.job(id, state)) }
        try await gateway.run { client async throws in
            let paused = try await client.change(Self.jobs + "/email/pause", .admin)
            #expect(try paused.json["data"] == ["queue": "email", "paused": true, "changed": true])
            #expect(try await client.change(Self.jobs + "/email/pause", .admin).json["data"]?["changed"] == false)
            #expect(try await client.get(Self.jobs + "/email/stats", .bearer(.viewer)).json["data"]?["paused"] == true)
            let resumed = try await client.change(Self.jobs + "/email/resume", .admin)
            #expect(try resumed.json["data"]?["paused"] == false)
            let kept = try await client.change(Self.jobs + "/email/clean", .admin, #"{"grace": 3155760000000}"#)
            #expect(try kept.json["data"]?["count"] == 0)
            let cleaned = try await client.change(Self.jobs + "/email/clean", .admin, #"{"grace": 0}"#)
            #expect(try cleaned.json["data"]?["count"] == 1)
            let failed = try await client.change(
                Self.jobs + "/email/clean",
                .admin,
                #"{"grace": 0, "state": "failed"}"#
            )
            #expect(try failed.json["data"]?["count"] == 1)
            let some = try await client.change(Self.jobs + "/email/drain", .admin, #"{"delayed": false}"#)
            #expect(try some.json["data"]?["count"] == 1)
            #expect(try await client.change(Self.jobs + "/email/drain", .admin).json["data"]?["count"] == 1)
            let left = try await client.get(Self.jobs + "/email/jobs?state=active", .bearer(.viewer)).json
            #expect(left["data"]?.array?.count == 1)
        }
    }

    @Test(arguments: [
        #"{"grace": -1}"#, #"{"grace": "1"}"#, #"{"state": "waiting"}"#, #"{"grase": 1}"#, "[]", "{",
        #"{"grace": 1e400}"#,
    ])
    func `refuses to clean what it does not understand`(body: String) async throws {
        let gateway = Self.gateway()
        gateway.administration.put(Self.job("c", .completed))
        let administration = gateway.administration
        try await gateway.run { client async throws in
            #expect(try await client.change(Self.jobs + "/email/clean", .admin, body).status == .badRequest)
            #expect(try await administration.jobs(in: "email", state: .completed, range: 0..<9).jobs.count == 1)
        }
    }

    @Test func `knows configured queues only`() async throws {
        try await Self.gateway().run { client async throws in
            for name in ["none", "email%00", "%2e%2e", "unacked", "celeriac:paused", "a%2Fb"] {
                #expect(try await client.get(Self.jobs + "/\(name)/stats", .bearer(.viewer)).status == .notFound)
                #expect(try await client.change(Self.jobs + "/\(name)/drain", .admin).status == .notFound)
            }
        }
    }

    @Test func `says that Redis is away, and has changed nothing`() async throws {
        let gateway = Self.gateway()
        gateway.administration.isReachable = false
        try await gateway.run { client async throws in
            for answer in [
                try await client.get(Self.jobs + "/stats", .bearer(.viewer)),
                try await client.change(Self.jobs + "/email/pause", .admin),
            ] {
                #expect(answer.status == .serviceUnavailable)
                #expect(answer.headers[.retryAfter] != nil)
            }
        }
    }

    @Test func `remembers who changed what, from where, and what came of it`() async throws {
        let gateway = Self.gateway()
        try await gateway.run { client async throws in
            _ = try await client.change(Self.jobs + "/email/pause", .admin)
            _ = try await client.change(Self.jobs + "/email/none/retry", .operator)
            _ = try await client.get(Self.jobs + "/email/stats", .bearer(.viewer))
            let answer = try await client.get("/api/v1/admin/audit", .bearer(.viewer)).json
            #expect(answer["total"] == 2)
            let entries = try #require(answer["data"]?.array)
            #expect(entries[0]["action"] == "job.retry" && entries[0]["outcome"] == "not_found")
            #expect(entries[0]["target"] == "none" && entries[0]["detail"] == ["queue": "email"])
            #expect(entries[1]["action"] == "queue.pause" && entries[1]["outcome"] == "paused")
            #expect(entries[1]["who"] == "admin" && entries[1]["target"] == "email")
            let second = try await client.get("/api/v1/admin/audit?start=1&end=1", .bearer(.viewer)).json
            #expect(second["data"]?.array?.count == 1)
        }
    }

    @Test func `is for those of the right role only`() async throws {
        let needed: [(HTTPRequest.Method, String, GatewayUser.Role)] = [
            (.get, Self.jobs + "/stats", .viewer), (.get, "/admin/queues/stats", .admin),
            (.get, Self.jobs + "/email/jobs", .viewer), (.delete, Self.jobs + "/email/x", .operator),
            (.post, Self.jobs + "/email/x/retry", .operator), (.post, Self.jobs + "/email/pause", .admin),
            (.post, Self.jobs + "/email/drain", .admin), (.post, Self.jobs + "/email/clean", .admin),
            (.post, "/api/v1/admin/workers/w1/shutdown", .admin), (.post, "/api/v1/admin/revoke", .operator),
            (.post, "/api/v1/admin/limits/rate", .admin), (.post, "/api/v1/admin/schedule/e/run", .operator),
            (.post, "/api/v1/admin/schedule/e/pause", .admin), (.get, "/api/v1/admin/audit", .viewer),
            (.get, "/api/workers", .viewer), (.get, "/api/tasks/x/why", .viewer),
        ]
        try await Self.gateway().run { client async throws in
            for (method, path, role) in needed {
                let nobody = try await client.execute(uri: path, method: method)
                #expect(nobody.status == .unauthorized, "\(method) \(path)")
                for user in GatewayUser.Role.allCases {
                    let answer = try await client.execute(uri: path, method: method, headers: .bearer(user))
                    #expect((answer.status == .forbidden) == (user < role), "\(method) \(path) as \(user.rawValue)")
                }
            }
        }
    }
}

@Suite struct `Administering workers, the schedule and explanations` {
    private static func gateway() -> GatewayUnderTest {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        var facts = WorkerFacts(name: "celery@one")
        facts.queues = ["email"]
        facts.ran = ["proj.send": 3]
        var worker = WorkerDetail(facts)
        worker.active = [WorkerTask(id: "t1", name: "proj.send")]
        gateway.administration.put(worker)
        var entry = ScheduledEntry(name: "nightly report", task: "proj.report", times: "0 2 * * *")
        entry.next = Instant(seconds: 1_790_000_100)
        gateway.administration.set(
            ScheduleFacts(
                entries: [entry],
                beats: [.init(id: "b1", lastSign: Instant(seconds: 1_790_000_000), isLeading: true)]
            )
        )
        return gateway
    }

    private static let path = "/api/v1/admin/workers/celery@one"

    @Test func `shows workers, and each in full`() async throws {
        try await Self.gateway().run { client async throws in
            let list = try await client.get("/api/v1/admin/workers", .bearer(.viewer)).json
            #expect(list["data"]?.array?.first?["name"] == "celery@one")
            #expect(list["data"]?.array?.first?["processed"] == 3)
            let one = try await client.get(Self.path, .bearer(.viewer)).json
            #expect(one["data"]?["activeTasks"] == [["id": "t1", "name": "proj.send"]])
            #expect(try await client.get("/api/v1/admin/workers/nobody", .bearer(.viewer)).status == .notFound)
            let flower = try await client.get("/api/workers?status=1", .bearer(.viewer)).json
            #expect(flower == ["celery@one": true])
            let queues = try await client.get("/api/queues/length", .bearer(.viewer)).json
            #expect(queues["active_queues"]?.array?.count == 4)
        }
    }

    static let orders: [(String, String, WorkerOrder)] = [
        ("/pool/grow", #"{"n": 2}"#, .growPool(2)), ("/pool/grow", "", .growPool(1)),
        ("/pool/shrink", "{}", .shrinkPool(1)), ("/pool/restart", "", .restartPool),
        ("/autoscale", #"{"max": 8, "min": 2}"#, .autoscale(least: 2, most: 8)),
        ("/queues/add", #"{"queue": "pdf"}"#, .addConsumer(queue: "pdf")),
        ("/queues/cancel", #"{"queue": "pdf"}"#, .cancelConsumer(queue: "pdf")),
        ("/events/enable", "", .enableEvents), ("/events/disable", "", .disableEvents),
        ("/shutdown", "", .shutDown),
    ]

    @Test(arguments: orders)
    func `tells one worker what to do`(path: String, body: String, order: WorkerOrder) async throws {
        let gateway = Self.gateway()
        let administration = gateway.administration
        try await gateway.run { client async throws in
            let answer = try await client.change(Self.path + path, .admin, body)
            #expect(answer.status == (order == .shutDown ? .accepted : .ok))
            let told = try #require(administration.orders.first)
            #expect(told.order == order)
            #expect(told.nodes == ["celery@one"])
            let silent = try await client.change("/api/v1/admin/workers/nobody" + path, .admin, body)
            #expect(silent.status == .notFound)
        }
    }

    @Test func `tells all of them to revoke and to limit`() async throws {
        let gateway = Self.gateway()
        let administration = gateway.administration
        try await gateway.run { client async throws in
            let revoked = try await client.change(
                "/api/v1/admin/revoke",
                .operator,
                #"{"ids": ["t1"], "terminate": true, "signal": "SIGKILL"}"#
            )
            #expect(revoked.status == .ok)
            let rate = #"{"task": "proj.send", "rate": "10/m"}"#
            #expect(try await client.change("/api/v1/admin/limits/rate", .admin, rate).status == .ok)
            let time = #"{"task": "proj.send", "hard": 30, "workers": ["celery@one"]}"#
            #expect(try await client.change("/api/v1/admin/limits/time", .admin, time).status == .ok)
            #expect(
                administration.orders.map(\.order) == [
                    .revoke(ids: ["t1"], terminate: true, signal: "SIGKILL"),
                    .rateLimit(task: "proj.send", rate: "10/m"),
                    .timeLimit(task: "proj.send", hard: 30, soft: nil),
                ]
            )
            #expect(administration.orders.map(\.nodes) == [[], [], ["celery@one"]])
        }
    }

    @Test(arguments: [
        ("/api/v1/admin/revoke", #"{"ids": ["t"], "signal": "SIGSTOP"}"#, "signal"),
        ("/api/v1/admin/revoke", #"{"ids": []}"#, "ids"),
        ("/api/v1/admin/limits/rate", #"{"task": "a", "rate": "10/d"}"#, "rate"),
        ("/api/v1/admin/limits/rate", #"{"task": "a", "rate": "-1"}"#, "rate"),
        ("/api/v1/admin/limits/rate", #"{"rate": "1"}"#, "task"),
        ("/api/v1/admin/limits/time", #"{"task": "a", "hard": -1}"#, "hard"),
        ("/api/v1/admin/workers/celery@one/pool/grow", #"{"n": 0}"#, "n"),
        ("/api/v1/admin/workers/celery@one/autoscale", #"{"min": 2}"#, "max"),
        ("/api/v1/admin/workers/celery@one/queues/add", "{}", "queue"),
        ("/api/v1/admin/workers/a%20b/pool/grow", "{}", "worker"),
    ])
    func `refuses orders it does not understand`(path: String, body: String, field: String) async throws {
        let gateway = Self.gateway()
        let administration = gateway.administration
        try await gateway.run { client async throws in
            let answer = try await client.change(path, .admin, body)
            #expect(answer.status == .badRequest)
            #expect(try answer.json["field"]?.string == field)
            #expect(administration.orders.isEmpty)
        }
    }

    @Test func `refuses bounds that contradict each other`() async throws {
        let gateway = Self.gateway()
        let administration = gateway.administration
        try await gateway.run { client async throws in
            let answer = try await client.change(Self.path + "/autoscale", .admin, #"{"max": 1, "min": 2}"#)
            #expect(answer.status == .conflict)
            #expect(try answer.json["field"] == "min")
            #expect(administration.orders.isEmpty)
        }
    }

    @Test func `shows the schedule, runs an entry and pauses it`() async throws {
        let gateway = Self.gateway()
        let administration = gateway.administration
        try await gateway.run { client async throws in
            let path = "/api/v1/admin/schedule"
            let entry = "/nightly%20report"
            let shown = try await client.get(path, .bearer(.viewer)).json["data"]
            #expect(shown?["entries"]?.array?.first?["next"] == 1_790_000_100_000)
            #expect(shown?["beats"]?.array?.first?["leading"] == true)
            let run = try await client.change(path + entry + "/run", .operator)
            #expect(run.status == .accepted)
            #expect(try run.json["data"]?["task_id"]?.string?.count == 36)
            #expect(administration.started == ["nightly report"])
            let paused = try await client.change(path + entry + "/pause", .admin)
            #expect(try paused.json["data"] == ["entry": "nightly report", "paused": true, "changed": true])
            let resumed = try await client.change(path + entry + "/resume", .admin)
            #expect(try resumed.json["data"]?["changed"] == true)
            for verb in ["run", "pause", "resume"] {
                #expect(try await client.change(path + "/none/" + verb, .admin).status == .notFound)
            }
        }
    }

    @Test func `explains why a task does not run`() async throws {
        let gateway = Self.gateway()
        gateway.administration.set(
            Explanation(
                taskID: "t9",
                state: .pending,
                queue: "email",
                reasons: [.init("queue_paused", "The queue is paused.", ["queue": "email"])]
            )
        )
        try await gateway.run { client async throws in
            let data = try await client.get("/api/tasks/t9/why", .bearer(.viewer)).json["data"]
            #expect(data?["reasons"]?.array?.first?["code"] == "queue_paused")
            #expect(data?["finished"] == false)
            let unknown = try await client.get("/api/tasks/t0/why", .bearer(.viewer)).json["data"]
            #expect(unknown?["reasons"]?.array?.first?["code"] == "unknown")
        }
    }
}

extension TestClientProtocol {
    /// A change as a user of a role; a body has its type.
    func change(
        _ uri: String,
        _ role: GatewayUser.Role,
        _ body: String = "",
        method: HTTPRequest.Method = .post,
        typed: Bool = false
    ) async throws -> TestResponse {
        var headers = HTTPFields.bearer(role)
        if typed || !body.isEmpty { headers[.contentType] = "application/json" }
        return try await execute(uri: uri, method: method, headers: headers, body: ByteBuffer(string: body))
    }
}
