import CeleriacTasks
import CeleryMessage
import HandlersDebug
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Transport
import WorkerPool

@testable import WorkerRuntime

/// A worker on a broker in memory with handlers inside, from claim to commit.
@Suite(.timeLimit(.minutes(1))) struct WorkerTests {
    /// Runs a worker with handlers inside for as long as the body takes.
    private func with(
        slots: Int = 4,
        queues: [QueuePolicy] = [QueuePolicy(name: "celery", pool: "here")],
        policy: TaskPolicy = TaskPolicy(),
        stop: StopKind = .warm,
        change: (inout WorkerConfiguration) -> Void = { _ in },
        _ body: (WorkerBench) async throws -> Void
    ) async throws {
        let names = ["gate", "busy"] + DebugHandlers.factories.map(\.name)
        var configuration = WorkerConfiguration(
            nodeName: "celery@test",
            queues: queues,
            tasks: Dictionary(uniqueKeysWithValues: names.map { ($0, policy) }),
            defaultPool: "here"
        )
        change(&configuration)
        let bench = WorkerBench(configuration)
        let registry = HandlerRegistry(
            DebugHandlers.factories + [
                HandlerFactory(name: "gate", summary: "") { _ in
                    GateHandler(gate: bench.gate, broker: bench.broker, waits: true)
                },
                HandlerFactory(name: "busy", summary: "") { _ in
                    GateHandler(gate: bench.gate, broker: bench.broker, waits: false)
                },
            ]
        )
        let setup = PoolSetup(tasks: names.map { PoolSetup.Binding(task: $0, handler: $0) }, hostname: "celery@test")
        try await bench.run(stop: stop) { onEvents in
            // The narrow one is for tasks whose policy names it.
            [("here", slots), ("narrow", 1)].map { bench.inlinePool($0, slots: $1, setup, registry, onEvents) }
        } _: {
            try await body(bench)
        }
    }

    private func ids(_ items: [[UInt8]]) -> [String] {
        items.map { (try? JSONReader.value($0))?["headers"]?["id"]?.string ?? "?" }
    }

    private func numbered(_ count: Int) -> [String] { (0..<count).map { "id-\($0)" } }

    // MARK: Pausing

    @Test func `puts what has not started of a paused queue back, in order, and starts it when it is resumed`()
        async throws
    {
        try await with(slots: 1, change: { $0.prefetchMultiplier = 4 }) { bench in
            try bench.publish("gate", numbered(6))
            await bench.begun(1)
            // One runs, one waits in this worker.
            await bench.broker.until { bench.store.heldTags.count == 2 }
            bench.store.pause("celery")
            await bench.broker.until { bench.store.heldTags.count == 1 }
            #expect(ids(bench.store.waiting(in: "celery")) == (1..<6).map { "id-\($0)" })
            bench.gate.open()
            await bench.stored(["id-0"])
            await bench.turns()
            #expect(bench.gate.begun == ["id-0"])
            bench.store.resume("celery")
            await bench.stored(numbered(6))
            #expect(bench.gate.begun == numbered(6))
            #expect(bench.log.lines.count { $0.contains("Queue celery is paused") } == 1)
            #expect(bench.log.lines.count { $0.contains("Queue celery is resumed") } == 1)
        }
    }

    @Test func `other queues go on while one is paused`() async throws {
        let queues = [QueuePolicy(name: "celery", pool: "here"), QueuePolicy(name: "other", pool: "here")]
        try await with(queues: queues) { bench in
            bench.store.pause("other")
            try bench.publish("busy", ["resting"], queue: "other")
            try bench.publish("busy", ["running"])
            await bench.stored(["running"])
            await bench.turns()
            #expect(bench.gate.begun == ["running"])
        }
    }

    // MARK: Running

    @Test func `runs tasks, stores their ends and holds nothing afterwards`() async throws {
        try await with { bench in
            try bench.publish("debug.add", ["sum"]) { $0.payload = TaskPayload(arguments: [2, 3]) }
            try bench.publish("debug.fail", ["fail"])
            try bench.publish("debug.retry", ["again"])
            try bench.publish("debug.progress", ["steps"]) { $0.payload = TaskPayload(arguments: [3, 0]) }
            await bench.stored(["sum", "fail", "steps"])
            await bench.stored(["again"], times: 2)
            #expect(try await bench.record("sum")?["result"] == 5)
            #expect(try await bench.record("fail")?["result"]?["exc_type"] == "ValueError")
            #expect(try await bench.record("again")?["result"] == ["retries": 1])
            let store = bench.store
            await bench.broker.until { store.heldTags.isEmpty }
            #expect(try await bench.record("steps")?["status"] == "SUCCESS")
        }
    }

    @Test func `keeps what it cannot run and goes on`() async throws {
        try await with { bench in
            bench.store.publish(Publication(queue: "celery", priority: 0, item: Array("garbage".utf8)))
            bench.store.publish(Publication(queue: "celery", priority: 0, item: Array("[]".utf8)))
            try bench.publish("nobody.knows", ["unknown"])
            try bench.publish("debug.noop", ["late"]) { $0.headers.expires = "2020-01-01T00:00:00+00:00" }
            try bench.publish("debug.noop", ["senseless"]) { $0.headers.eta = "tomorrow" }
            try bench.publish("debug.noop", ["good"])
            await bench.stored(["unknown", "late", "senseless", "good"])
            #expect(bench.store.deadLetters.count == 4)
            #expect(try await bench.record("unknown")?["result"]?["exc_type"] == "NotRegistered")
            #expect(try await bench.record("late")?["status"] == "REVOKED")
            #expect(try await bench.record("senseless")?["status"] == "FAILURE")
            #expect(try await bench.record("good")?["status"] == "SUCCESS")
            let store = bench.store
            await bench.broker.until { store.heldTags.isEmpty }
        }
    }

    @Test func `ends what runs beyond its hard limit`() async throws {
        try await with(policy: TaskPolicy(timeLimit: 0.05)) { bench in
            try bench.publish("gate", ["stuck"])
            await bench.stored(["stuck"])
            #expect(try await bench.record("stuck")?["result"]?["exc_type"] == "TimeLimitExceeded")
        }
    }

    @Test func `the most urgent message runs first`() async throws {
        try await with(slots: 1) { bench in
            try bench.publish("gate", ["first"])
            await bench.begun(1)
            try bench.publish("gate", ["nine"]) { $0.properties.priority = 9 }
            try bench.publish("gate", ["three"]) { $0.properties.priority = 3 }
            try bench.publish("gate", ["zero"])
            bench.gate.open()
            await bench.stored(["first", "nine", "three", "zero"])
            #expect(bench.gate.begun == ["first", "zero", "three", "nine"])
        }
    }

    @Test func `never runs more of a queue than its concurrency`() async throws {
        let queues = [
            QueuePolicy(name: "narrow", pool: "here", concurrency: 2), QueuePolicy(name: "wide", pool: "here"),
        ]
        try await with(slots: 16, queues: queues) { bench in
            let narrow = numbered(300)
            try bench.publish("busy", narrow, queue: "narrow")
            try bench.publish("debug.noop", narrow.map { "wide-" + $0 }, queue: "wide")
            await bench.stored(narrow + narrow.map { "wide-" + $0 })
            #expect(bench.gate.peak <= 2)
            #expect(bench.gate.begun.count == 300)
        }
    }

    // MARK: Later

    @Test func `parks a task until its eta and runs it then`() async throws {
        try await with { bench in
            let due = Instant.now().advanced(bySeconds: 0.2)
            try bench.publish("debug.noop", ["soon"]) { $0.headers.eta = ISO8601.string(due) }
            try bench.publish("debug.noop", ["far"]) { $0.headers.eta = "9999-12-31T23:59:59+00:00" }
            await bench.stored(["soon"])
            #expect(Instant.now() >= due)
            #expect(Instant.now() < due + .seconds(3))
            #expect(bench.store.parked.count == 1)
        }
    }

    @Test func `a short retry does not wait for the next heartbeat`() async throws {
        try await with(change: { $0.heartbeatInterval = 3600 }) { bench in
            try bench.publish("debug.retry", numbered(20)) { $0.payload = TaskPayload(arguments: [2, 0.02]) }
            await bench.stored(numbered(20), times: 3)
            for id in numbered(20) { #expect(try await bench.record(id)?["status"] == "SUCCESS") }
        }
    }

    // MARK: Stopping

    @Test func `a warm stop finishes what runs and leaves the rest in order`() async throws {
        let store = Mutex<InMemoryStore?>(nil)
        try await with(slots: 2) { bench in
            store.withLock { $0 = bench.store }
            try bench.publish("gate", numbered(6))
            await bench.begun(2)
        }
        let left = try #require(store.withLock { $0 })
        #expect(ids(left.waiting(in: "celery")) == ["id-2", "id-3", "id-4", "id-5"])
        #expect(left.heldTags.isEmpty)
        for id in ["id-0", "id-1"] { #expect(left.storeCount(taskID: id) == 1) }
    }

    @Test func `a cold stop puts everything back in order and stores nothing`() async throws {
        let store = Mutex<InMemoryStore?>(nil)
        try await with(slots: 3, stop: .cold) { bench in
            store.withLock { $0 = bench.store }
            try bench.publish("gate", numbered(5))
            await bench.begun(3)
        }
        let left = try #require(store.withLock { $0 })
        let items = left.waiting(in: "celery")
        #expect(ids(items) == numbered(5))
        #expect(left.heldTags.isEmpty)
        #expect(try items.map { try JSONReader.value($0)["headers"]?["redelivered"] } == [true, true, true, nil, nil])
        for id in numbered(5) { #expect(left.storeCount(taskID: id) == 0) }
    }

    @Test func `a stop puts back what a claim on its way brings`() async throws {
        let store = Mutex<InMemoryStore?>(nil)
        try await with(slots: 4) { bench in
            store.withLock { $0 = bench.store }
            bench.broker.holdNextClaim()
            try bench.publish("debug.noop", numbered(1))
            let broker = bench.broker
            await broker.until { broker.isHoldingClaim }
            await bench.worker.stop(.warm)
            // Turns of the worker, in which it would stop if it did not wait for the claim.
            for _ in 0..<50 { await bench.worker.logRunning() }
        }
        let left = try #require(store.withLock { $0 })
        #expect(ids(left.waiting(in: "celery")) == ["id-0"])
        #expect(left.heldTags.isEmpty)
    }

    @Test func `a warm stop puts what is reserved back in order and marked`() async throws {
        let store = Mutex<InMemoryStore?>(nil)
        try await with(slots: 8, policy: TaskPolicy(pool: "narrow")) { bench in
            store.withLock { $0 = bench.store }
            try bench.publish("gate", numbered(6))
            let kept = bench.store
            await bench.begun(1)
            await bench.broker.until { kept.heldTags.count == 6 }
        }
        let left = try #require(store.withLock { $0 })
        let items = left.waiting(in: "celery")
        #expect(ids(items) == Array(numbered(6).dropFirst()))
        #expect(try items.allSatisfy { try JSONReader.value($0)["headers"]?["redelivered"] == true })
        #expect(left.heldTags.isEmpty)
        #expect(left.storeCount(taskID: "id-0") == 1)
    }

    @Test func `renews what it holds and signs off at the end`() async throws {
        let broker = Mutex<FlakyBroker?>(nil)
        try await with(change: { $0.heartbeatInterval = 0.02 }) { bench in
            broker.withLock { $0 = bench.broker }
            try bench.publish("gate", numbered(3))
            await bench.begun(3)
            let (store, flaky) = (bench.store, bench.broker)
            await flaky.until { flaky.beats.last.map { Set($0) == store.heldTags && $0.count == 3 } ?? false }
        }
        #expect(broker.withLock { $0?.isStopped } == true)
    }

    @Test func `gives up when the broker refuses it, with its pools and connections closed`() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let broker = FlakyBroker(InMemoryStore(), loop: loop)
        broker.refuse(TransportError(.authentication, "wrong password"))
        let logger = Logger(label: "worker") { _ in SwiftLogNoOpLogHandler() }
        let worker = Worker(
            configuration: WorkerConfiguration(nodeName: "n", queues: [], tasks: [:], defaultPool: "here"),
            broker: broker,
            codecs: .json,
            eventLoop: loop,
            logger: logger
        )
        let ready = Mutex(false)
        let error = await #expect(throws: TransportError.self) {
            try await worker.run(makePools: { _ in [] }, onReady: { ready.withLock { $0 = true } })
        }
        #expect(error?.code == .authentication)
        #expect(!ready.withLock { $0 })
        #expect(broker.isStopped)
    }

    @Test(arguments: [StopKind.warm, .cold])
    func `stops at once while it waits for its broker`(_ kind: StopKind) async throws {
        let bench = WorkerBench(WorkerConfiguration(nodeName: "n", queues: [], tasks: [:], defaultPool: "here"))
        bench.broker.refuse(TransportError(.connection, "nobody there"))
        let running = Task {
            try await bench.worker.run(makePools: { _ in [] }, onReady: { Issue.record("there is no broker") })
        }
        while !bench.log.lines.contains(where: { $0.contains("Trying again in 2.00 seconds") }) { await bench.turns() }
        await bench.worker.stop(kind)
        try await running.value
        #expect(bench.broker.starts == 1)
        #expect(bench.broker.isStopped)
        #expect(bench.log.lines.contains("error: consumer: Nobody there"))
    }

    // MARK: Failing connection

    @Test(arguments: [true, false])
    func `loses nothing and does nothing twice when commits fail`(_ acksLate: Bool) async throws {
        try await with(slots: 8, policy: TaskPolicy(acksLate: acksLate)) { bench in
            bench.broker.fail(commits: [.before, .after, nil, .before, .after, .after, nil, .before], claims: 2)
            let ids = numbered(200)
            try bench.publish("busy", ids)
            bench.broker.notify(.lost("cut"))
            bench.broker.notify(.restored)
            await bench.stored(ids)
            for id in ids {
                #expect(bench.store.storeCount(taskID: id) == 1)
                #expect(try await bench.record(id)?["status"] == "SUCCESS")
            }
            #expect(bench.gate.begun.sorted() == ids.sorted())
            let store = bench.store
            await bench.broker.until { store.heldTags.isEmpty }
            #expect(store.waiting(in: "celery").isEmpty)
        }
    }

    @Test func `a chain goes on once though the commit was repeated`() async throws {
        try await with { bench in
            bench.broker.fail(commits: [.after, .after])
            try bench.publish("debug.noop", ["head"]) { message in
                message.payload.embed.chain = [Signature(task: "debug.echo", options: ["task_id": "tail"])]
            }
            await bench.stored(["head", "tail"])
            #expect(bench.store.storeCount(taskID: "head") == 1)
            #expect(bench.store.storeCount(taskID: "tail") == 1)
            #expect(try await bench.record("tail")?["result"] == ["args": [nil], "kwargs": [:]])
        }
    }
}
