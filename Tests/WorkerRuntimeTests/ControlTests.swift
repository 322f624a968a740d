import CeleryMessage
import Testing
import Transport
import WorkerPool

@testable import WorkerRuntime

/// Commands as a worker performs them, beside the replies that Celery's worker gave.
@Suite(.timeLimit(.minutes(1))) struct ControlTests {
    /// The reply of Celery's worker to a recorded request.
    private func theirs(_ name: String) throws -> JSONValue {
        let file = try Recorded.file("control/\(name)")
        guard let body = file["reply"]?["body"]?.object, let node = body.keys.first, let reply = body[node] else {
            throw Recorded.Missing(what: name)
        }
        return reply
    }

    /// The same members with values of the same kinds, all the way down.
    private func expectShape(_ mine: JSONValue?, _ theirs: JSONValue, at path: String = "") {
        guard let mine else { return #expect(Bool(false), "\(path) is missing") }
        switch (mine, theirs) {
        case (.object(let left), .object(let right)):
            for (key, value) in right { expectShape(left[key], value, at: path + "." + key) }
        case (.array(let left), .array(let right)):
            guard let first = left.first, let other = right.first else { return }
            expectShape(first, other, at: path + "[]")
        case (.null, _), (_, .null): break
        default: #expect(mine.kind == theirs.kind, "\(path): \(mine)")
        }
    }

    private static let bench = ControlBench.node

    // MARK: Replies that are the same

    struct Case: Sendable, CustomTestStringConvertible {
        let file: String
        var testDescription: String { file }
    }

    /// Replies that depend on nothing but the request.
    static let fixed = [
        "01_ping", "22_hello", "25_objgraph", "27_enable_events", "29_disable_events", "34_rate_limit", "33_rate_limit",
        "36_time_limit", "37_add_consumer", "39_cancel_consumer", "40_pool_grow", "41_pool_shrink", "42_pool_restart",
        "43_autoscale", "44_revoke", "45_revoke", "46_revoke", "48_terminate", "49_revoke_by_stamped_headers",
        "50_revoke_by_stamped_headers", "57_no_such_command", "58_ping", "59_enable_events", "26_heartbeat",
    ].map(Case.init)

    @Test(arguments: fixed) func `answers as Celery's worker did`(_ row: Case) async throws {
        let file = try Recorded.file("control/\(row.file)")
        let expected = try theirs(row.file)
        try await ControlBench.with { bench in
            let request = try ControlRequest(body: try #require(file["request"]?["body"]))
            #expect(await bench.worker.reply(to: request) == expected)
        }
    }

    @Test func `switches of the command line change what is answered`() async throws {
        try await ControlBench.with(change: { configuration in
            configuration.events.sendsTaskEvents = true
            configuration.control.allowsPoolRestarts = true
            configuration.autoscale = AutoscaleRange(maximum: 3, minimum: 1)
        }) { bench in
            #expect(await bench.ask("enable_events") == (try theirs("63_enable_events")))
            #expect(await bench.ask("disable_events") == (try theirs("64_disable_events")))
            #expect(await bench.ask("pool_restart") == (try theirs("65_pool_restart")))
            #expect(await bench.ask("autoscale", ["max": 4, "min": 2]) == (try theirs("66_autoscale")))
            #expect(await bench.ask("pool_grow") == (try theirs("67_pool_grow")))
            expectShape(await bench.ask("stats")?["autoscaler"], try #require(try theirs("68_stats")["autoscaler"]))
        }
    }

    @Test func `statistics have the members Celery's have`() async throws {
        try await ControlBench.with { bench in
            try bench.publish("debug.noop", ["one", "two"])
            await bench.stored(["one", "two"])
            let stats = try #require(await bench.ask("stats"))
            expectShape(stats, ["pool": (try theirs("06_stats"))["pool"] ?? .null])
            for (key, value) in try theirs("06_stats").object ?? JSONObject() where key != "total" && key != "broker" {
                expectShape(stats[key], value, at: key)
            }
            #expect(stats["total"] == ["debug.noop": 2])
            #expect(stats["pool"]?["max-concurrency"] == 4)
        }
    }

    @Test func `describes what runs, waits and is to come`() async throws {
        try await ControlBench.with(slots: 2) { bench in
            try bench.publish("gate", ["runs"])
            await bench.begun(1)
            try bench.publish("gate", ["later"]) { $0.headers.eta = "9999-12-31T23:59:59+00:00" }
            let store = bench.store
            await bench.broker.until { store.parked.count == 1 }
            let active = try #require(await bench.ask("active"))
            expectShape(active, try theirs("07_active"), at: "active")
            #expect(active.array?.map { $0["id"] } == ["runs"])
            #expect(await bench.ask("active", ["safe": true])?.array?.first?["args"] == "()")
            let scheduled = try #require(await bench.ask("scheduled"))
            expectShape(scheduled, try theirs("10_scheduled"), at: "scheduled")
            #expect(scheduled.array?.first?["eta"] == "9999-12-31T23:59:59+00:00")
            let found = await bench.ask("query_task", ["ids": ["runs", "later", "nobody"]])
            #expect(found?["runs"]?.array?.first == "active")
            #expect(found?["later"]?.array?.first == "scheduled")
            #expect(found?["nobody"] == nil)
            expectShape(await bench.ask("active_queues"), try theirs("15_active_queues"), at: "queues")
            #expect(await bench.ask("reserved") == [])
            #expect(await bench.ask("stats")?["total"] == ["gate": 1])
        }
    }

    @Test func `names the tasks it knows with what is asked about them`() async throws {
        try await ControlBench.with(change: { configuration in
            configuration.tasks = [
                "b.task": TaskPolicy(timeLimit: 1), "a.task": TaskPolicy(), "celery.own": TaskPolicy(),
            ]
            configuration.tasks["a.task"]?.rateLimit = RateLimit(perSecond: 2, text: "2/s")
        }) { bench in
            #expect(await bench.ask("registered") == ["a.task [rate_limit=2/s]", "b.task"])
            let items: JSONValue = ["rate_limit", "max_retries", "time_limit", "__class__"]
            #expect(
                await bench.ask("registered", ["taskinfoitems": items])
                    == ["a.task [rate_limit=2/s max_retries=3]", "b.task [max_retries=3 time_limit=1]"]
            )
            let all = await bench.ask("dump_tasks", ["builtins": true])?.array ?? []
            #expect(all.count == 3 + BuiltinTask.allCases.count)
            #expect(all.contains("celery.chord"))
        }
    }

    // MARK: Messages

    @Test func `replies into the mailbox with the ticket, and only when meant`() async throws {
        try await ControlBench.with { bench in
            let address = ControlRequest.ReplyAddress(exchange: "reply.celery.pidbox", routingKey: "oid")
            var request = ControlRequest(method: "ping", destination: ["other@host"], ticket: "t0", replyTo: address)
            try await bench.send(request)
            request.destination = [ControlBench.node]
            request.ticket = "t1"
            try await bench.send(request)
            let said = bench.said
            await bench.broker.until { said.messages.contains { $0.exchange == "reply.celery.pidbox" } }
            let replies = said.messages.filter { $0.exchange == "reply.celery.pidbox" }
            #expect(replies.count == 1)
            #expect(replies.first?.headers["ticket"] == "t1")
            #expect(replies.first?.routingKey == "oid")
            #expect(try replies.first?.value() == [ControlBench.node: ["ok": "pong"]])
        }
    }

    @Test func `garbage hurts nobody`() async throws {
        try await ControlBench.with { bench in
            let request = ControlRequest(method: "ping")
            for body in ["", "[]", "{}", #"{"method": 7}"#, #"{"method": "ping", "pattern": "(", "matcher": "pcre"}"#] {
                try await bench.send(request, item: Array(body.utf8))
            }
            for _ in 0..<3000 { try await bench.send(request, item: Array("nonsense".utf8)) }
            try bench.publish("debug.noop", ["after"])
            await bench.stored(["after"])
            let complaints = bench.log.lines.count { $0.contains("Cannot read a remote control request") }
            #expect((1...50).contains(complaints))
        }
    }

    @Test func `a shutdown from afar is warm and unanswered`() async throws {
        try await ControlBench.with(slots: 1) { bench in
            try bench.publish("gate", ["runs"])
            await bench.begun(1)
            #expect(await bench.ask("shutdown") == nil)
            bench.gate.open()
            await bench.stored(["runs"])
            #expect(try await bench.record("runs")?["status"] == "SUCCESS")
            let broker = bench.broker
            await broker.until { broker.isStopped }
        }
    }

    // MARK: Revoking

    @Test func `a revoked task that waits is stored as such at once and never runs`() async throws {
        try await ControlBench.with { bench in
            #expect(await bench.ask("revoke", ["task_id": ["waits"]])?["ok"] == "tasks {'waits'} flagged as revoked")
            let record = try await bench.record("waits")
            #expect(record?["status"] == "REVOKED")
            #expect(record?["result"]?["exc_message"] == ["revoked"])
            #expect(record?["children"] == .null)
            try bench.publish("gate", ["waits"])
            try bench.publish("debug.noop", ["runs"])
            await bench.stored(["runs"])
            #expect(bench.gate.begun.isEmpty)
            #expect(await bench.ask("revoked") == ["waits"])
            #expect(try await InMemoryControlChannel(bench.hub, store: bench.store).revoked().taskIDs == ["waits"])
        }
    }

    @Test func `what has ended keeps its record`() async throws {
        try await ControlBench.with { bench in
            try bench.publish("debug.noop", ["done"])
            await bench.stored(["done"])
            _ = await bench.ask("revoke", ["task_id": "done"])
            #expect(try await bench.record("done")?["status"] == "SUCCESS")
        }
    }

    @Test func `honours what was revoked before it started`() async throws {
        let bench = ControlBench { _ in }
        let before = InMemoryControlChannel(bench.hub, store: bench.store)
        try await before.revoke([Revocation(taskID: "early", result: nil)])
        let hub = bench.hub
        try await ControlBench.with { later in
            let other = InMemoryControlChannel(later.hub, store: later.store)
            let names = try await InMemoryControlChannel(hub, store: bench.store).revoked()
            #expect(names.taskIDs == ["early"])
            try await other.revoke(names.taskIDs.map { Revocation(taskID: $0, result: nil) })
            // Whoever listens again learns what it missed.
            _ = await later.ask("hello", ["from_node": "other@host", "revoked": ["told"]])
            #expect(await later.ask("revoked") == ["told"])
        }
    }

    @Test func `takes over revoked ids in both of Celery's forms`() async throws {
        try await ControlBench.with { bench in
            let reply = await bench.ask("hello", ["from_node": "other@host", "revoked": ["aaaa"]])
            #expect(reply?["revoked"] == ["aaaa"])
            #expect((reply?["clock"]?.int ?? 0) > 0)
            _ = await bench.ask("hello", ["from_node": "old@host", "revoked": ["bbbb": [1.5, "bbbb"]]])
            #expect(await bench.ask("revoked") == ["aaaa", "bbbb"])
        }
    }

    @Test func `terminates what runs, and its record and event say so`() async throws {
        try await ControlBench.with(change: { $0.events.sendsTaskEvents = true }) { bench in
            try bench.publish("gate", ["runs"])
            await bench.begun(1)
            let reply = await bench.ask("revoke", ["task_id": "runs", "terminate": true, "signal": "SIGKILL"])
            #expect(reply == ["ok": "terminate: runs"])
            await bench.stored(["runs"])
            #expect(try await bench.record("runs")?["result"]?["exc_message"] == ["terminated"])
            await bench.said("task-revoked", of: "runs")
            let event = bench.events.first { $0["type"] == "task-revoked" }
            #expect(event?["terminated"] == true)
            #expect(event?["signum"] == 9)
        }
    }

    @Test(arguments: [
        (JSONValue.string("term"), "TypeError('signal name must be uppercase string.')"),
        ("NOPE", #"AttributeError("module 'signal' has no attribute 'SIGNOPE'")"#),
        (99, "ValueError('signal number out of range')"),
    ]) func `refuses signals that are none`(_ signal: JSONValue, _ error: String) async throws {
        try await ControlBench.with { bench in
            let reply = await bench.ask("revoke", ["task_id": "x", "terminate": true, "signal": signal])
            #expect(reply == ["error": .string(error)])
        }
    }

    @Test func `revokes by stamps, what waits and what runs`() async throws {
        try await ControlBench.with { bench in
            func stamp(_ message: inout TaskMessage) {
                message.headers.stampedHeaders = ["tenant"]
                message.headers.stamps = ["tenant": ["acme", "other"]]
            }
            try bench.publish("gate", ["runs"], change: stamp)
            await bench.begun(1)
            let reply = await bench.ask(
                "revoke_by_stamped_headers",
                ["headers": ["tenant=acme"], "terminate": true]
            )
            #expect(reply?["ok"] == "headers defaultdict(<class 'set'>, {'tenant': {'acme'}}) revoked")
            try bench.publish("gate", ["waits"], change: stamp)
            try bench.publish("debug.noop", ["free"]) { $0.headers.stamps = ["tenant": "nobody"] }
            await bench.stored(["runs", "waits", "free"])
            #expect(try await bench.record("waits")?["status"] == "REVOKED")
            #expect(try await bench.record("free")?["status"] == "SUCCESS")
            #expect(bench.gate.begun == ["runs"])
        }
    }

    // MARK: Limits

    @Test func `a rate limit holds tasks back, lets others pass and is lifted by command`() async throws {
        try await ControlBench.with(
            slots: 1,
            change: { configuration in
                configuration.tasks["gate"]?.rateLimit = RateLimit(perSecond: 1.0 / 3600, text: "1/h")
            }
        ) { bench in
            bench.gate.open()
            try bench.publish("gate", ["g1", "g2", "g3", "g4"])
            try bench.publish("debug.noop", ["free"])
            await bench.stored(["g1", "free"])
            #expect(bench.gate.begun == ["g1"])
            #expect(await bench.ask("reserved")?.array?.map { $0["id"] } == ["g2", "g3", "g4"])
            _ = await bench.ask("revoke", ["task_id": "g3"])
            await bench.stored(["g3"])
            #expect(await bench.ask("rate_limit", ["task_name": "gate", "rate_limit": 0])?["ok"] != nil)
            await bench.stored(["g2", "g4"])
            #expect(bench.gate.begun == ["g1", "g2", "g4"])
            #expect(try await bench.record("g3")?["status"] == "REVOKED")
        }
    }

    @Test func `a warm stop puts back what waits for its rate`() async throws {
        var store: InMemoryStore?
        try await ControlBench.with(change: { configuration in
            configuration.tasks["debug.noop"]?.rateLimit = RateLimit(perSecond: 1.0 / 3600, text: "1/h")
        }) { bench in
            store = bench.store
            try bench.publish("debug.noop", ["n1", "n2", "n3"])
            await bench.stored(["n1"])
            let all = bench.store
            await bench.broker.until { all.heldTags.count == 2 }
        }
        let left = try #require(store)
        #expect(left.heldTags.isEmpty)
        #expect(left.waiting(in: "celery").count == 2)
    }

    @Test func `starts limited tasks one after the other at their rate`() async throws {
        try await ControlBench.with(change: { configuration in
            configuration.tasks["debug.noop"]?.rateLimit = RateLimit(perSecond: 20, text: "20/s")
        }) { bench in
            let began = ContinuousClock.now
            try bench.publish("debug.noop", (1...5).map { "n\($0)" })
            await bench.stored((1...5).map { "n\($0)" })
            #expect(ContinuousClock.now - began >= .milliseconds(190))
        }
    }

    @Test func `changes time limits for what comes`() async throws {
        try await ControlBench.with { bench in
            let reply = await bench.ask("time_limit", ["task_name": "gate", "hard": 0.05])
            #expect(reply == ["ok": "time limits set successfully"])
            try bench.publish("gate", ["stuck"])
            await bench.stored(["stuck"])
            #expect(try await bench.record("stuck")?["result"]?["exc_type"] == "TimeLimitExceeded")
        }
    }

    // MARK: Queues and pools

    @Test func `takes from a queue it is told of, and stops when told`() async throws {
        try await ControlBench.with { bench in
            _ = await bench.ask("add_consumer", ["queue": "extra", "exchange": "ex", "routing_key": "rk"])
            #expect(bench.hub.bindings == [QueueBinding(queue: "extra", exchange: "ex", routingKey: "rk")])
            let queues = await bench.ask("active_queues")
            #expect(queues?.array?.compactMap { $0["name"]?.string } == ["celery", "extra"])
            #expect(queues?.array?.last?["exchange"]?["name"] == "ex")
            let message = TaskMessage(task: "debug.noop", id: "there", queue: "extra")
            bench.store.publish(Publication(queue: "extra", priority: 0, item: try message.encode()))
            await bench.stored(["there"])
            _ = await bench.ask("cancel_consumer", ["queue": "extra"])
            #expect(await bench.ask("active_queues")?.array?.count == 1)
            // A claim on its way may still bring one.
            for _ in 0..<50 { _ = await bench.ask("ping") }
            let late = TaskMessage(task: "debug.noop", id: "late", queue: "extra")
            bench.store.publish(Publication(queue: "extra", priority: 0, item: try late.encode()))
            try bench.publish("debug.noop", ["other"])
            await bench.stored(["other"])
            #expect(bench.store.waiting(in: "extra").count == 1)
        }
    }

    @Test func `grows and shrinks a pool, but not to nothing`() async throws {
        try await ControlBench.with(slots: 2) { bench in
            _ = await bench.ask("pool_grow", ["n": 3])
            #expect(await bench.ask("stats")?["pool"]?["max-concurrency"] == 5)
            _ = await bench.ask("pool_shrink", ["n": 4])
            #expect(await bench.ask("stats")?["pool"]?["max-concurrency"] == 1)
            #expect(await bench.ask("pool_shrink")?["error"] != nil)
            #expect(await bench.ask("pool_grow", ["n": "many"])?["error"] != nil)
            #expect(await bench.ask("pool_grow", ["n": .int(.max)])?["error"] != nil)
        }
    }

    // MARK: Events

    private func telling(_ configuration: inout WorkerConfiguration) { configuration.events.sendsTaskEvents = true }

    @Test func `tells of a task from its receipt to its end`() async throws {
        try await ControlBench.with(change: telling) { bench in
            try bench.publish("debug.add", ["sum"]) { $0.payload = TaskPayload(arguments: [2, 3]) }
            try bench.publish("debug.fail", ["fail"])
            try bench.publish("debug.retry", ["again"])
            try bench.publish("no.such.task", ["unknown"])
            try bench.publish("debug.noop", ["late"]) { $0.headers.expires = "2020-01-01T00:00:00+00:00" }
            await bench.said("task-succeeded", of: "sum")
            await bench.said("task-failed", of: "fail")
            await bench.said("task-succeeded", of: "again")
            await bench.said("task-failed", of: "unknown")
            await bench.said("task-revoked", of: "late")
            #expect(bench.types(of: "sum") == ["task-received", "task-started", "task-succeeded"])
            #expect(bench.types(of: "fail") == ["task-received", "task-started", "task-failed"])
            let again = ["task-received", "task-started"]
            #expect(bench.types(of: "again") == again + ["task-retried"] + again + ["task-succeeded"])
            #expect(bench.types(of: "unknown") == ["task-failed"])
            #expect(bench.types(of: "late") == ["task-revoked"])
            let done = bench.events.first { $0["type"] == "task-succeeded" && $0["uuid"] == "sum" }
            #expect(done?["result"] == "5")
            #expect((done?["runtime"]?.number ?? -1) >= 0)
            let clocks = bench.events.compactMap { $0["clock"]?.int }
            #expect(clocks == clocks.sorted())
        }
    }

    @Test func `tells nothing of tasks without being asked to`() async throws {
        try await ControlBench.with { bench in
            try bench.publish("debug.noop", ["quiet"])
            await bench.stored(["quiet"])
            _ = await bench.ask("enable_events")
            try bench.publish("debug.noop", ["loud"])
            await bench.said("task-succeeded", of: "loud")
            #expect(bench.types(of: "quiet").isEmpty)
            _ = await bench.ask("disable_events")
            try bench.publish("debug.noop", ["hushed"])
            await bench.stored(["hushed"])
            #expect(bench.types(of: "hushed").isEmpty)
        }
    }

    @Test func `tells nothing of a task that wants none told`() async throws {
        try await ControlBench.with(change: { configuration in
            telling(&configuration)
            configuration.tasks["debug.noop"]?.sendsEvents = false
        }) { bench in
            try bench.publish("debug.noop", ["secret"])
            try bench.publish("debug.add", ["public"])
            await bench.said("task-succeeded", of: "public")
            #expect(bench.types(of: "secret").isEmpty)
        }
    }

    @Test func `builds next to nothing while nobody listens, and all of it for who announces itself`() async throws {
        try await ControlBench.with(listens: false, change: telling) { bench in
            let ids = (1...200).map { "n\($0)" }
            try bench.publish("debug.noop", ids)
            await bench.stored(ids)
            let before = await bench.worker.events.clock.value
            // The first try told it that nobody is there; later turns of the loop build nothing.
            try bench.publish("debug.noop", ids.map { "more-" + $0 })
            await bench.stored(ids.map { "more-" + $0 })
            // Now and then it tries again; told in full the tasks would be six hundred events.
            #expect(await bench.worker.events.clock.value <= before + 60)
            bench.listen()
            try await bench.send(ControlRequest(method: "heartbeat"))
            let said = bench.said
            await bench.broker.until { said.messages.contains { $0.routingKey == "worker.heartbeat" } }
            try bench.publish("debug.noop", ["heard"])
            await bench.said("task-succeeded", of: "heard")
            #expect(bench.types(of: "heard") == ["task-received", "task-started", "task-succeeded"])
        }
    }

    @Test func `says that it is there, that it lives and that it goes`() async throws {
        var said: ControlBench.Said?
        try await ControlBench.with(change: { $0.events.heartbeatInterval = 0.1 }) { bench in
            said = bench.said
            let messages = bench.said
            await bench.broker.until { messages.messages.contains { $0.routingKey == "worker.heartbeat" } }
        }
        let keys = try #require(said).messages.map(\.routingKey)
        #expect(keys.first == "worker.online")
        #expect(keys.last == "worker.offline")
        #expect(keys.contains("worker.heartbeat"))
    }

    @Test func `announces the messages that its tasks send`() async throws {
        try await ControlBench.with(change: { $0.events.sendsSentEvents = true }) { bench in
            try bench.publish("debug.retry", ["again"])
            await bench.said("task-sent", of: "again")
            let event = bench.events.first { $0["type"] == "task-sent" }
            #expect(event?["hostname"] == "gen1@host")
            #expect(event?["retries"] == 1)
        }
    }

    // MARK: Neighbours

    @Test func `learns from its neighbours at the start and lets their elections go on`() async throws {
        let bench = ControlBench { $0.control.mingles = true }
        let neighbour = InMemoryControlChannel(bench.hub, store: bench.store)
        let store = bench.store
        try await neighbour.listen(control: "celery.pidbox", elections: nil) { notice in
            guard case .request(let item) = notice, let message = try? BroadcastMessage(decoding: item),
                let request = try? ControlRequest(body: message.value()), let address = request.replyTo
            else { return }
            let reply = BroadcastMessage(
                exchange: address.exchange,
                routingKey: address.routingKey,
                headers: ["ticket": .string(request.ticket ?? "")],
                body: Array(#"{"n@host": {"revoked": ["theirs"], "clock": 500}}"#.utf8)
            )
            Task { try await neighbour.reply(reply) }
        }
        bench.listen()
        await bench.worker.mingle()
        #expect(bench.log.lines.contains { $0.contains("mingle: sync with 1 nodes") })
        #expect(await bench.ask("revoked") == ["theirs"])
        #expect((await bench.ask("clock")?["clock"]?.int ?? 0) > 500)
        let election = BroadcastMessage(
            exchange: "celeryev",
            routingKey: "worker.elect",
            body: Array(#"{"id": "e1", "hostname": "n@host", "clock": 600, "type": "worker-elect"}"#.utf8)
        )
        await bench.worker.acknowledge(election: election.encode())
        let said = bench.said
        await bench.broker.until { said.messages.contains { $0.routingKey == "worker.elect.ack" } }
        withExtendedLifetime(store) {}
    }
}
