import CeleryMessage
import Inspection
import Logging
import NIOPosix
import RedisClient
import RedisTransport
import Testing

@testable import RedisInspection

@Suite struct `Administering queues on Redis` {
    private static let inUse = ["pdf", "email"]

    /// The administration over an inspector, with a history in memory.
    private struct Bench {
        let test: InspectorUnderTest
        let history = InMemoryHistory()
        let letters = InMemoryDeadLetters()
        let memory = QueueMemory()
        let administration: RedisQueueAdministration

        init(_ test: InspectorUnderTest) {
            self.test = test
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let workers = RedisWorkerAdministration(
                transport: test.inspector.configuration.transport,
                exchange: "celery.pidbox",
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: logger
            )
            administration = RedisQueueAdministration(
                inspector: test.inspector,
                history: history,
                cleaning: history,
                letters: letters,
                workers: workers,
                options: .init(),
                memory: memory
            )
        }

        /// Another administration of the same deployment, as after its configuration was read again.
        func administration(_ options: RedisQueueAdministration.Options) -> RedisQueueAdministration {
            RedisQueueAdministration(
                inspector: test.inspector,
                history: history,
                cleaning: history,
                letters: letters,
                workers: administration.workers,
                options: options,
                memory: memory
            )
        }

        func hold(_ id: String, queue: String, tag: String) async throws {
            let item = String(decoding: try InspectorUnderTest.item(id, queue: queue), as: UTF8.self)
            let entry = "[\(item), \"\", \(JSONWriter.string(.string(queue)))]"
            _ = try await test.client.send([
                RedisCommand("HSET", test.keys.unacked, tag, entry),
                RedisCommand("ZADD", test.keys.unackedIndex, "1", tag),
            ])
        }

        func park(_ id: String, queue: String, due: Double, eta: String? = nil, retries: Int = 0) async throws {
            var message = TaskMessage(task: "proj.add", id: id, args: [1], queue: queue)
            message.headers.eta = eta
            message.headers.retries = retries
            let member = id + ":00000001"
            let list = test.keys.list(queue: queue, step: 0)
            _ = try await test.client.send([
                RedisCommand("ZADD", test.keys.parked, String(due), member),
                RedisCommand(
                    "HSET",
                    test.keys.parkedMessages,
                    member,
                    list + "\n" + String(decoding: try message.encode(), as: UTF8.self)
                ),
            ])
        }

        func ids(_ state: JobState, _ range: Range<Int> = 0..<11, queue: String = "pdf") async throws -> [String] {
            try await administration.jobs(in: queue, state: state, range: range).jobs.map(\.id)
        }

        func count(_ queue: String = "pdf") async throws -> QueueCounts {
            try #require(try await administration.counts(of: [queue]).first)
        }
    }

    private static func run(
        queues: [String] = inUse,
        keys: RedisKeys = RedisKeys(),
        _ body: (Bench) async throws -> Void
    ) async throws {
        try await InspectorUnderTest.run(queues: queues, keys: keys) { try await body(Bench($0)) }
    }

    @Test(arguments: ["", "shop:"])
    func `counts what waits, is held and is parked by queue`(prefix: String) async throws {
        try await Self.run(keys: RedisKeys(prefix: prefix)) { bench async throws in
            for (number, priority) in [0, 0, 3, 9].enumerated() {
                try await bench.test.push("w\(number)", to: "pdf", priority: priority)
            }
            try await bench.test.push("other", to: "email")
            try await bench.hold("h1", queue: "pdf", tag: "worker:1")
            try await bench.hold("h2", queue: "email", tag: "worker:2")
            try await bench.park("p1", queue: "pdf", due: 4e9)
            let counts = try await bench.count()
            #expect(counts.waiting == 4 && counts.active == 1 && counts.delayed == 1 && counts.total == 6)
            #expect(try await bench.administration.queues().map(\.name) == ["email", "pdf"])
            #expect(try await bench.administration.queues().map(\.waiting) == [1, 4])
        }
    }

    @Test func `takes the counts of finished ones from the history`() async throws {
        try await Self.run { bench async throws in
            for (number, state) in [TaskState.success, .success, .failure].enumerated() {
                bench.history.record(Self.finished("t\(number)", state, at: Double(1000 + number)))
            }
            let counts = try await bench.count()
            #expect(counts.completed == 2 && counts.failed == 1)
            #expect(try await bench.ids(.completed) == ["t1", "t0"])
            #expect(try await bench.ids(.failed) == ["t2"])
        }
    }

    @Test func `lists what waits in the order in which it will be taken`() async throws {
        try await Self.run { bench async throws in
            for id in ["late", "later"] { try await bench.test.push(id, to: "pdf", priority: 9) }
            for number in 0..<130 { try await bench.test.push("n\(number)", to: "pdf") }
            let all = try await bench.administration.jobs(in: "pdf", state: .waiting, range: 0..<200)
            #expect(all.total == 132)
            #expect(all.jobs.map(\.id) == (0..<130).map { "n\($0)" } + ["late", "later"])
            #expect(all.jobs.map(\.position) == (1...132).map { $0 })
            #expect(try await bench.ids(.waiting, 128..<131) == ["n128", "n129", "late"])
            #expect(try await bench.ids(.waiting, 131..<140) == ["later"])
            #expect(try await bench.ids(.waiting, 500..<510).isEmpty)
            let job = try #require(all.jobs.first)
            #expect(job.task == "proj.add" && job.priority == 0 && job.attempts == 0)
            #expect(job.arguments == #"[1, "\"id\": \"not me\""]"#)
        }
    }

    @Test func `lists what is held and what is parked, of one queue`() async throws {
        try await Self.run(queues: ["kuyruk ü", "email"]) { bench async throws in
            for number in 0..<120 { try await bench.hold("h\(number)", queue: "kuyruk ü", tag: "w:\(1000 + number)") }
            try await bench.hold("e1", queue: "email", tag: "w:1")
            #expect(
                try await bench.ids(.active, 0..<1000, queue: "kuyruk ü") == (0..<120).map { "h\($0)" }
            )
            #expect(try await bench.ids(.active, 118..<130, queue: "kuyruk ü") == ["h118", "h119"])
            for number in 0..<130 {
                try await bench.park("p\(number)", queue: number % 2 == 0 ? "email" : "kuyruk ü", due: Double(number))
            }
            let page = try await bench.administration.jobs(in: "email", state: .delayed, range: 60..<70)
            #expect(page.total == 65)
            #expect(page.jobs.map(\.id) == ["p120", "p122", "p124", "p126", "p128"])
            #expect(page.jobs.first?.until == Instant(seconds: 120))
            #expect(try await bench.count("kuyruk ü").active == 120)
            #expect(try await bench.count("email").delayed == 65)
        }
    }

    @Test func `hides secrets and shows what cannot be read as such`() async throws {
        try await Self.run { bench async throws in
            let message = TaskMessage(
                task: "proj.login",
                id: "s1",
                kwargs: ["user": "a", "Password": "hunter2", "nested": ["api-key": "k", "none": nil]],
                queue: "pdf"
            )
            let list = bench.test.keys.list(queue: "pdf", step: 0)
            _ = try await bench.test.client.send(RedisCommand("LPUSH", list, "no message"))
            _ = try await bench.test.client.send(RedisCommand("RPUSH", list, try message.encode()))
            let jobs = try await bench.administration.jobs(in: "pdf", state: .waiting, range: 0..<5).jobs
            #expect(!jobs[0].arguments.contains("hunter2") && jobs[0].arguments.contains("***"))
            #expect(jobs[1].task == nil && jobs[1].failedReason != nil)
            let detail = try #require(try await bench.administration.job("s1", in: "pdf"))
            #expect(
                detail.kwargs == [
                    "user": "a", "Password": "***", "nested": ["api-key": "***", "none": nil],
                ]
            )
        }
    }

    @Test func `finds a job wherever it lies, and only in its queue`() async throws {
        try await Self.run { bench async throws in
            for number in 0..<450 { try await bench.test.push("n\(number)", to: "pdf") }
            try await bench.hold("held*", queue: "pdf", tag: "w:1")
            try await bench.park("par[k]ed", queue: "pdf", due: 4e9, retries: 2)
            let administration = bench.administration
            let first = try #require(try await administration.job("n0", in: "pdf"))
            #expect(first.summary.state == .waiting && first.summary.position == 1)
            #expect(try await administration.job("n449", in: "pdf")?.summary.position == 450)
            #expect(try await administration.job("held*", in: "pdf")?.summary.state == .active)
            let parked = try #require(try await administration.job("par[k]ed", in: "pdf"))
            #expect(parked.summary.state == .delayed && parked.summary.attempts == 2)
            #expect(parked.summary.until == Instant(seconds: 4e9))
            for id in ["n450", "held", "parked", "n", "proj.add"] {
                #expect(try await administration.job(id, in: "pdf") == nil, "\(id)")
            }
            #expect(try await administration.job("n0", in: "email") == nil)
        }
    }

    @Test func `finds a job whose id JSON writes with escapes`() async throws {
        try await Self.run { bench async throws in
            let ids = ["müşteri \"7\"", "a\\b"]
            try await bench.test.push(ids[0], to: "pdf")
            try await bench.hold(ids[1], queue: "pdf", tag: "w:1")
            #expect(try await bench.administration.job(ids[0], in: "pdf")?.summary.state == .waiting)
            #expect(try await bench.administration.job(ids[1], in: "pdf")?.summary.state == .active)
            #expect(try await bench.administration.job("müşteri", in: "pdf") == nil)
        }
    }

    @Test func `tells for how long what is next has been so`() async throws {
        try await Self.run { bench async throws in
            func oldest() async throws -> Double? { try await bench.count().oldestWaiting }
            #expect(try await oldest() == nil)
            try await bench.test.push("urgent", to: "pdf", priority: 0)
            #expect(try await oldest() == 0)
            try await bench.test.push("later", to: "pdf", priority: 9)
            let first = try #require(try await oldest())
            #expect(first > 0)
            // The other has been next in its own list since then.
            let list = bench.test.keys.list(queue: "pdf", step: 0)
            _ = try await bench.test.client.send(RedisCommand("DEL", list))
            let second = try #require(try await oldest())
            #expect(second > 0 && second < first + 30)
            try await bench.test.push("another", to: "pdf", priority: 9)
            _ = try await bench.test.client.send(RedisCommand("RPOP", bench.test.keys.list(queue: "pdf", step: 9)))
            #expect(try await oldest() == 0)
        }
    }

    @Test func `shows a finished job with its error and what it returned`() async throws {
        try await Self.run { bench async throws in
            var failed = Self.finished("f", .failure, at: 1000)
            failed.attempts = 3
            failed.failure = .init(type: "ValueError", message: "no", traceback: "Traceback 3")
            failed.earlierAttempts = [
                .init(
                    startedAt: nil,
                    finishedAt: Instant(seconds: 900),
                    failure: .init(type: "OSError", message: "net")
                )
            ]
            failed.keywords = #"{"to": "a@b"}"#
            bench.history.record(failed)
            var good = Self.finished("g", .success, at: 1001)
            good.result = #"{"pages": 3}"#
            bench.history.record(good)
            let job = try #require(try await bench.administration.job("f", in: "pdf"))
            #expect(job.summary.failedReason == "ValueError: no" && job.summary.attempts == 3)
            #expect(job.stacktrace == ["Traceback 3", "OSError: net"])
            #expect(job.kwargs == ["to": "a@b"] && !job.isRetryable)
            #expect(try await bench.administration.job("g", in: "pdf")?.result == ["pages": 3])
            #expect(try await bench.administration.job("g", in: "email") == nil)
        }
    }

    @Test func `removes a waiting job, exactly that one, and tells who waits for it`() async throws {
        try await Self.run { bench async throws in
            for number in 0..<250 {
                try await bench.test.push("n\(number)", to: "pdf", priority: number % 2 == 0 ? 0 : 9)
            }
            #expect(try await bench.administration.remove("n100", in: "pdf") == .removed)
            #expect(try await bench.administration.remove("n100", in: "pdf") == .notFound)
            #expect(try await bench.administration.remove("n1", in: "email") == .notFound)
            #expect(try await bench.count().waiting == 249)
            let record = try #require(try await bench.administration.records(of: ["n100"])[0])
            #expect(record.status == .revoked)
            let left = Set(try await bench.ids(.waiting, 0..<300))
            #expect(left.count == 249 && !left.contains("n100"))
        }
    }

    @Test func `tells of a removed job whoever waits for it, also one that was asked to abort`() async throws {
        try await Self.run { bench async throws in
            try await bench.test.push("t", to: "pdf")
            #expect(try await bench.administration.abort("t"))
            #expect(try await bench.administration.remove("t", in: "pdf") == .removed)
            #expect(try await bench.administration.records(of: ["t"])[0]?.status == .revoked)
        }
    }

    @Test func `removes a job though its record cannot be written`() async throws {
        try await Self.run { bench async throws in
            var options = RedisQueueAdministration.Options()
            options.resultSerializer = "nobody-reads-this"
            let administration = bench.administration(options)
            try await bench.test.push("t", to: "pdf")
            await #expect(throws: InspectionError(.unencodable, "")) { try await administration.abort("t") }
            #expect(try await administration.remove("t", in: "pdf") == .removed)
            #expect(try await bench.count().waiting == 0)
        }
    }

    @Test func `remembers for how long tasks have waited, also for another configuration`() async throws {
        try await Self.run { bench async throws in
            try await bench.test.push("t", to: "pdf")
            _ = try await bench.count()
            let other = bench.administration(.init())
            #expect(try await other.counts(of: ["pdf"]).first?.oldestWaiting ?? 0 > 0)
        }
    }

    @Test func `leaves the record of a task that has ended as it is`() async throws {
        try await Self.run { bench async throws in
            let stored = ResultRecord(taskID: "again", status: .success, result: Array("1".utf8))
            _ = try await bench.test.client.send(
                RedisCommand("SET", bench.test.keys.result(taskID: "again"), stored.encoded())
            )
            try await bench.test.push("again", to: "pdf")
            #expect(try await bench.administration.remove("again", in: "pdf") == .removed)
            #expect(try await bench.administration.records(of: ["again"])[0]?.status == .success)
        }
    }

    @Test(
        arguments: [
            (nil, true), (.started, true), (.progress, true), (.aborted, true), (.success, false), (.failure, false),
            (.revoked, false),
        ] as [(TaskState?, Bool)]
    )
    func `tells a task to give up, unless it has ended`(state: TaskState?, isTold: Bool) async throws {
        try await Self.run { bench async throws in
            if let state {
                let record = ResultRecord(taskID: "t", status: state, result: Array("1".utf8))
                let key = bench.test.keys.result(taskID: "t")
                _ = try await bench.test.client.send(RedisCommand("SET", key, record.encoded()))
            }
            #expect(try await bench.administration.abort("t") == isTold)
            #expect(try await bench.administration.records(of: ["t"])[0]?.status == (isTold ? .aborted : state))
        }
    }

    @Test func `removes and promotes parked jobs`() async throws {
        try await Self.run { bench async throws in
            try await bench.park("p1", queue: "pdf", due: 4e9, eta: "2090-01-01T00:00:00+00:00")
            try await bench.park("p2", queue: "pdf", due: 4e9)
            #expect(try await bench.administration.promote("p1", in: "pdf"))
            #expect(try await bench.administration.promote("p1", in: "pdf") == false)
            #expect(try await bench.ids(.waiting) == ["p1"])
            // A worker would park it again until the time in its header.
            let key = bench.test.keys.list(queue: "pdf", step: 0)
            let item = try #require(try await bench.test.client.send(RedisCommand("LINDEX", key, "0")).bytes)
            #expect(try TaskMessage.decode(item).headers.eta == nil)
            #expect(try await bench.administration.remove("p2", in: "pdf") == .removed)
            let counts = try await bench.count()
            #expect(counts.delayed == 0 && counts.waiting == 1)
        }
    }

    @Test func `has an active job revoked, for workers to come too`() async throws {
        try await Self.run { bench async throws in
            try await bench.hold("h1", queue: "pdf", tag: "w:1")
            #expect(try await bench.administration.remove("h1", in: "pdf") == .cancelled)
            let score = try await bench.test.client.send(RedisCommand("ZSCORE", bench.test.keys.revoked, "h1"))
            #expect(score.double != nil)
            #expect(try await bench.count().active == 1)
        }
    }

    @Test func `forgets finished jobs, and cleans by age`() async throws {
        try await Self.run { bench async throws in
            let now = Instant.now()
            for (number, age) in [100.0, 50, 10].enumerated() {
                bench.history.record(Self.finished("t\(number)", .success, at: now.seconds - age))
            }
            bench.history.record(Self.finished("f", .failure, at: now.seconds - 100))
            let administration = bench.administration
            #expect(try await administration.clean("pdf", grace: .seconds(40), states: [.completed]) == 2)
            #expect(try await bench.ids(.completed) == ["t2"])
            #expect(try await administration.remove("t2", in: "pdf") == .forgotten)
            #expect(try await administration.clean("pdf", grace: .zero, states: [.failed]) == 1)
            #expect(try await bench.count().failed == 0)
        }
    }

    @Test func `retries a dead letter, and says why where it cannot`() async throws {
        try await Self.run { bench async throws in
            let task = Self.finished("f", .failure, at: 1000)
            bench.history.record(task)
            bench.letters.keep(
                DeadLetter(
                    task: task,
                    reason: "failed",
                    item: try InspectorUnderTest.item("f", queue: "pdf"),
                    list: bench.test.keys.list(queue: "pdf", step: 0)
                )
            )
            bench.history.record(Self.finished("g", .failure, at: 1001))
            bench.history.record(Self.finished("s", .success, at: 1002))
            try await bench.test.push("w", to: "pdf")
            let administration = bench.administration
            #expect(try await administration.job("f", in: "pdf")?.isRetryable == true)
            #expect(try await administration.retry("f", in: "email") == .notFound)
            #expect(try await administration.retry("f", in: "pdf") == .retried)
            #expect(bench.letters.redriven.map(\.letter.id) == ["f"])
            #expect(try await administration.retry("g", in: "pdf") == .gone)
            #expect(try await administration.retry("s", in: "pdf") == .notFailed)
            #expect(try await administration.retry("w", in: "pdf") == .notFailed)
            #expect(try await administration.retry("x", in: "pdf") == .notFound)
        }
    }

    @Test func `drains what waits and what is parked, never what is held`() async throws {
        try await Self.run { bench async throws in
            for number in 0..<30 { try await bench.test.push("n\(number)", to: "pdf", priority: number % 10) }
            try await bench.hold("h", queue: "pdf", tag: "w:1")
            for number in 0..<1200 {
                try await bench.park("p\(number)", queue: number % 3 == 0 ? "email" : "pdf", due: Double(number))
            }
            #expect(try await bench.administration.drain("pdf", delayed: false) == 30)
            #expect(try await bench.administration.drain("pdf", delayed: true) == 800)
            let counts = try await bench.count()
            #expect(counts.waiting == 0 && counts.delayed == 0 && counts.active == 1)
            #expect(try await bench.count("email").delayed == 400)
        }
    }

    @Test func `notes a pause where workers look for it`() async throws {
        try await Self.run { bench async throws in
            #expect(try await bench.administration.pause("pdf"))
            #expect(try await bench.administration.pause("pdf") == false)
            let members = try await bench.test.client.send(RedisCommand("SMEMBERS", bench.test.keys.paused))
            #expect(members.array?.compactMap(\.text) == ["pdf"])
            #expect(try await bench.count().isPaused)
            #expect(try await bench.administration.resume("pdf"))
            #expect(try await bench.administration.resume("pdf") == false)
            #expect(try await bench.count().isPaused == false)
        }
    }

    @Test func `is not confused by keys of other types`() async throws {
        try await Self.run { bench async throws in
            let keys = bench.test.keys
            _ = try await bench.test.client.send([
                RedisCommand("SET", keys.list(queue: "pdf", step: 0), "no list"),
                RedisCommand("SET", keys.paused, "no set"),
            ])
            try await bench.test.push("w", to: "pdf", priority: 3)
            let counts = try await bench.count()
            #expect(counts.waiting == 1 && !counts.isPaused)
            #expect(try await bench.ids(.waiting) == ["w"])
            #expect(try await bench.administration.drain("pdf", delayed: true) == 1)
            let left = try await bench.test.client.send(RedisCommand("GET", keys.list(queue: "pdf", step: 0)))
            #expect(left.text == "no list")
            await #expect(throws: InspectionError.self) { try await bench.administration.pause("pdf") }
        }
    }

    @Test func `remembers changes, newest first, bounded`() async throws {
        try await Self.run { bench async throws in
            let trail = RedisAuditTrail(inspector: bench.test.inspector)
            for number in 0..<12 {
                try await trail.record(
                    AuditEntry(
                        at: Instant(seconds: Double(number)),
                        who: "ayşe",
                        address: "127.0.0.1",
                        action: "queue.pause",
                        target: "pdf",
                        outcome: "paused",
                        detail: ["n": .int(Int64(number))]
                    )
                )
            }
            let key = bench.test.keys.audit
            _ = try await bench.test.client.send(RedisCommand("LPUSH", key, "not ours"))
            let page = try await trail.entries(0..<4)
            #expect(page.total == 13)
            #expect(page.entries.map { $0.detail["n"] } == [11, 10, 9])
            #expect(page.entries.first?.who == "ayşe")
            #expect((try await bench.test.client.send(RedisCommand("TTL", key)).int ?? 0) > 0)
            for _ in 0..<3 { _ = try await bench.test.client.send(RedisCommand("LPUSH", key, "x")) }
            #expect(RedisAuditTrail.most == 10_000)
        }
    }

    @Test func `overviews ten thousand queues and a million messages without holding Redis up`() async throws {
        let queues = (0..<10_000).map { "queue-\($0)" }
        try await Self.run(queues: queues) { bench async throws in
            let fill = """
                for number = 0, 9999 do
                    for _ = 1, 10 do
                        redis.call('LPUSH', 'queue-' .. number, 'm', 'm', 'm', 'm', 'm', 'm', 'm', 'm', 'm', 'm')
                    end
                end
                return redis.call('DBSIZE')
                """
            let filled = try await bench.test.client.send(RedisCommand("EVAL", fill, "0"), timeout: .seconds(60))
            #expect(filled.int == 10_000)
            _ = try await bench.test.client.send(RedisCommand("CONFIG", "RESETSTAT"))
            let start = ContinuousClock.now
            let counts = try await bench.administration.queues()
            let took = ContinuousClock.now - start
            #expect(counts.count == 10_000)
            #expect(counts.reduce(0) { $0 + $1.waiting } == 1_000_000)
            // Many short scripts, so that others come in between, and nothing that reads a list or walks over the keyspace.
            let stats = try await bench.test.client.send(RedisCommand("INFO", "commandstats")).text ?? ""
            let scripts = try #require(stats.firstMatch(of: /cmdstat_evalsha:calls=([0-9]+)/))
            #expect((Int(scripts.1) ?? 0) >= 40)
            for command in ["keys", "scan", "lrange"] { #expect(!stats.contains("cmdstat_\(command):")) }
            // Most of it is this process, here without optimization.
            #expect(took < .seconds(20))
        }
    }

    private static func finished(_ id: String, _ state: TaskState, at seconds: Double) -> FinishedTask {
        FinishedTask(
            id: id,
            name: "proj.add",
            queue: "pdf",
            state: state,
            worker: "w@h",
            finishedAt: Instant(seconds: seconds)
        )
    }
}
