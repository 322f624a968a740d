import CeleryMessage
import RedisClient
import Schedules
import Synchronization
import TestSupport
import Testing
import Transport

@testable import RedisTransport

/// What every schedule store must do, run against the one over Redis and the one in memory.
@Suite(.timeLimit(.minutes(2))) struct ScheduleStoreConformanceTests {
    enum Kind: String, CaseIterable, Sendable {
        case redis, memory
    }

    /// A store seen from outside.
    struct World {
        var store: any ScheduleStore
        var now: () async throws -> Instant
        /// The ids in a queue, the first sent first.
        var sent: (_ queue: String) async throws -> [String]
        /// Notes a result, so that a run counts as finished.
        var finish: (_ id: String, _ status: TaskState) async throws -> Void
        /// Makes a queue one that takes no messages.
        var block: (_ queue: String) async throws -> Void
    }

    private func with(_ kind: Kind, _ body: (World) async throws -> Void) async throws {
        switch kind {
        case .memory:
            try await Self.inMemory(body)
        case .redis:
            try await Deployment.with { deployment in
                let store = try Self.store(deployment)
                try await body(
                    World(
                        store: store,
                        now: { try await store.turn(TurnRequest(beatID: "clock", lease: .milliseconds(1))).now },
                        sent: { queue in
                            let items = try await deployment.raw.send(RedisCommand("LRANGE", queue, "0", "-1")).array
                            return ids(items?.reversed().compactMap(\.bytes) ?? [])
                        },
                        finish: { id, status in
                            let record = ResultRecord(taskID: id, status: status, result: Array("1".utf8)).encoded()
                            let key = "celery-task-meta-" + id
                            _ = try await deployment.raw.send(RedisCommand("SET", key, record)).get()
                        },
                        block: { queue in try await deployment.run("SET", queue, "no list") }
                    )
                )
            }
        }
    }

    private static func inMemory(_ body: (World) async throws -> Void) async throws {
        let ledger = Ledger()
        let store = InMemoryScheduleStore(
            isUnfinished: { id in ledger.finished.withLock { !$0.contains(id) } },
            deliver: { emission in
                guard let message = emission.message, message.queue != "full" else { return .refused("full") }
                ledger.sent.withLock { $0.append((message.queue, emission.taskID)) }
                return .done
            }
        )
        try await body(
            World(
                store: store,
                now: { .now() },
                sent: { queue in ledger.sent.withLock { $0.filter { $0.queue == queue }.map(\.id) } },
                finish: { id, status in
                    if status == .success { _ = ledger.finished.withLock { $0.insert(id) } }
                },
                block: { _ in }
            )
        )
    }

    private final class Ledger: Sendable {
        let sent = Mutex<[(queue: String, id: String)]>([])
        let finished = Mutex<Set<String>>([])
    }

    static func store(
        _ deployment: Deployment,
        resultDatabase: Int = 0,
        change: (inout RedisTransportConfiguration) -> Void = { _ in }
    ) throws -> RedisScheduleStore {
        var configuration = RedisTransportConfiguration(
            broker: try Deployment.configuration(deployment.server),
            results: try Deployment.configuration(deployment.server, database: resultDatabase)
        )
        change(&configuration)
        return RedisScheduleStore(client: deployment.raw, configuration: configuration, schedule: "test")
    }

    static let fingerprint = EntryFingerprint(content: 7, timing: 3)

    static func emission(
        _ entry: String = "e",
        from mark: Instant,
        to slot: Instant,
        id: String = "id",
        queue: String? = "celery",
        fingerprint: UInt64 = 7,
        missed: Int = 0,
        skips: Duration? = nil
    ) throws -> SlotEmission {
        SlotEmission(
            entry: entry,
            fingerprint: fingerprint,
            expectedMark: mark,
            slot: slot,
            due: slot,
            missed: missed,
            message: try queue.map { .init(queue: $0, priority: 0, item: try item(id, queue: $0)) },
            taskID: id,
            sender: "beat one",
            skipsUnfinished: skips
        )
    }

    private func registered(_ world: World, _ names: String...) async throws -> EntryState {
        let states = try await world.store.register(
            names.map { EntryRegistration(name: $0, fingerprint: Self.fingerprint) }
        )
        return try #require(states.first)
    }

    // MARK: Sending

    @Test(arguments: Kind.allCases) func `moves the mark and sends, in one step`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let state = try await registered(world, "e")
            let slot = state.mark + .milliseconds(1)
            let answer = try await world.store.emit([Self.emission(from: state.mark, to: slot, missed: 2)])
            #expect(answer == [.done])
            #expect(try await world.sent("celery") == ["id"])
            let after = try #require(try await world.store.states(of: ["e"])[0])
            #expect((after.mark, after.slot, after.sent, after.missed) == (slot, slot, 1, 2))
            #expect((after.taskID, after.sender, after.anchor) == ("id", "beat one", state.anchor))
            #expect(after.sentAt.map { $0 >= state.mark } == true)
        }
    }

    @Test(arguments: Kind.allCases) func `sends nothing where the mark is elsewhere`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let state = try await registered(world, "e")
            let slot = state.mark + .milliseconds(1)
            let emission = try Self.emission(from: state.mark, to: slot)
            let answers = try await world.store.emit([emission, emission])
            #expect(answers.first == .done)
            guard case .moved(let known) = answers.last else {
                Issue.record("not moved: \(answers)")
                return
            }
            #expect((known.mark, known.sent, known.sender) == (slot, 1, "beat one"))
            #expect(try await world.sent("celery") == ["id"])
        }
    }

    @Test(arguments: Kind.allCases) func `sends several slots of an entry, each from the one before`(
        _ kind: Kind
    ) async throws {
        try await with(kind) { world in
            let state = try await registered(world, "e")
            let slots = (1...3).map { state.mark + .milliseconds($0) }
            let marks = [state.mark] + slots
            let emissions = try zip(marks, slots).enumerated().map { place, step in
                try Self.emission(from: step.0, to: step.1, id: "id\(place)")
            }
            #expect(try await world.store.emit(emissions) == [.done, .done, .done])
            #expect(try await world.sent("celery") == ["id0", "id1", "id2"])
        }
    }

    @Test(arguments: Kind.allCases) func `passes slots over without sending anything`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let state = try await registered(world, "e")
            let slot = state.mark + .milliseconds(1)
            let answer = try await world.store.emit([Self.emission(from: state.mark, to: slot, queue: nil, missed: 5)])
            #expect(answer == [.done])
            let after = try #require(try await world.store.states(of: ["e"])[0])
            #expect((after.mark, after.slot, after.sent, after.missed) == (slot, nil, 0, 5))
        }
    }

    @Test(arguments: Kind.allCases) func `refuses what lies ahead, what nobody knows, and what was loaded anew`(
        _ kind: Kind
    ) async throws {
        try await with(kind) { world in
            let state = try await registered(world, "e")
            let slot = state.mark + .milliseconds(1)
            let early = try Self.emission(from: state.mark, to: state.mark + .seconds(30))
            let unknown = try Self.emission("other", from: state.mark, to: slot)
            let replaced = try Self.emission(from: state.mark, to: slot, fingerprint: 8)
            #expect(try await world.store.emit([early, unknown, replaced]) == [.early, .unknown, .replaced(state)])
            #expect(try await world.sent("celery") == [])
            #expect(try await world.store.states(of: ["e", "other"]) == [state, nil])
        }
    }

    @Test(arguments: Kind.allCases) func `leaves the mark where a queue takes nothing`(_ kind: Kind) async throws {
        try await with(kind) { world in
            try await world.block("full")
            let state = try await registered(world, "e", "f")
            let slot = state.mark + .milliseconds(1)
            let refused = try Self.emission(from: state.mark, to: slot, queue: "full")
            let good = try Self.emission("f", from: state.mark, to: slot, id: "good")
            let answers = try await world.store.emit([refused, good])
            guard case .refused = answers[0] else {
                Issue.record("not refused: \(answers)")
                return
            }
            #expect(answers[1] == .done)
            #expect(try await world.store.states(of: ["e"]) == [state])
            #expect(try await world.sent("celery") == ["good"])
        }
    }

    // MARK: Overlap

    @Test(arguments: Kind.allCases) func `passes a slot over while the last run is unfinished`(
        _ kind: Kind
    ) async throws {
        try await with(kind) { world in
            var mark = try await registered(world, "e").mark
            func emit(_ id: String, bound: Duration = .seconds(60)) async throws -> EmissionOutcome {
                let slot = mark + .milliseconds(1)
                defer { mark = slot }
                return try await world.store.emit([Self.emission(from: mark, to: slot, id: id, skips: bound)])[0]
            }
            #expect(try await emit("1") == .done)
            #expect(try await emit("2") == .unfinished)
            try await world.finish("1", .started)
            #expect(try await emit("3") == .unfinished)
            // A run that was sent too long ago counts as lost.
            #expect(try await emit("4", bound: .zero) == .done)
            try await world.finish("4", .success)
            #expect(try await emit("5") == .done)
            #expect(try await world.sent("celery") == ["1", "4", "5"])
            let after = try #require(try await world.store.states(of: ["e"])[0])
            #expect((after.skipped, after.sent, after.mark) == (2, 3, mark))
        }
    }

    // MARK: Loading

    @Test(arguments: Kind.allCases) func `keeps what it knows of an entry that is loaded unchanged`(
        _ kind: Kind
    ) async throws {
        try await with(kind) { world in
            let state = try await registered(world, "e")
            #expect(try await registered(world, "e") == state)
        }
    }

    @Test(arguments: Kind.allCases) func `begins new times at the moment they are loaded`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let state = try await registered(world, "e")
            let slot = state.mark + .milliseconds(1)
            _ = try await world.store.emit([Self.emission(from: state.mark, to: slot)])
            let content = EntryFingerprint(content: 8, timing: 3)
            let other = try await world.store.register([EntryRegistration(name: "e", fingerprint: content)])[0]
            #expect((other.mark, other.anchor, other.sent) == (slot, state.anchor, 1))
            let timing = EntryFingerprint(content: 9, timing: 4)
            let fresh = try await world.store.register([EntryRegistration(name: "e", fingerprint: timing)])[0]
            #expect(fresh.mark >= slot)
            #expect((fresh.anchor, fresh.slot, fresh.sent, fresh.fingerprint) == (slot, slot, 1, timing))
        }
    }

    @Test(arguments: Kind.allCases) func `goes by what a beat remembers of an entry that was lost`(
        _ kind: Kind
    ) async throws {
        try await with(kind) { world in
            var state = EntryState(fingerprint: Self.fingerprint, seen: try await world.now() - .seconds(100))
            state.mark = state.anchor + .seconds(50)
            let registration = EntryRegistration(name: "e", fingerprint: Self.fingerprint, remembered: state)
            #expect(try await world.store.register([registration]) == [state])
            // The first to come decides.
            state.mark = state.mark + .seconds(1)
            let late = EntryRegistration(name: "e", fingerprint: Self.fingerprint, remembered: state)
            #expect(try await world.store.register([late])[0].mark == state.mark - .seconds(1))
        }
    }

    @Test(arguments: Kind.allCases) func `does not believe a mark more than a day ahead`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let now = try await world.now()
            var state = EntryState(fingerprint: Self.fingerprint, seen: now)
            state.mark = now + .seconds(90_000)
            let known = try await world.store.register(
                [EntryRegistration(name: "e", fingerprint: Self.fingerprint, remembered: state)]
            )
            #expect(known[0].mark - now < .seconds(60))
        }
    }

    @Test(arguments: Kind.allCases) func `forgets what is no longer in the file`(_ kind: Kind) async throws {
        try await with(kind) { world in
            _ = try await registered(world, "a", "b", "c")
            #expect(try await world.store.forget(exceptFor: ["a", "c"]) == 1)
            #expect(try await world.store.states(of: ["a", "b", "c"]).map { $0 == nil } == [false, true, false])
            #expect(try await world.store.forget(exceptFor: ["a", "c"]) == 0)
        }
    }

    // MARK: Turns

    @Test(arguments: Kind.allCases) func `gives the lease to one beat at a time`(_ kind: Kind) async throws {
        try await with(kind) { world in
            func turn(_ id: String) async throws -> Turn {
                try await world.store.turn(TurnRequest(beatID: id, lease: .seconds(60)))
            }
            let first = try await turn("a")
            #expect((first.holdsLease, first.previousSign, first.epoch) == (true, nil, nil))
            let second = try await turn("b")
            #expect(!second.holdsLease)
            let gap = try #require(second.previousSign) - first.now
            #expect(gap < .milliseconds(1) && gap > .milliseconds(-1))
            #expect(try await turn("a").holdsLease)
            try await world.store.leave("a")
            #expect(try await turn("b").holdsLease)
            try await world.store.leave("b")
            #expect(try await turn("c").previousSign == nil)
        }
    }

    @Test(arguments: Kind.allCases) func `names its life as long as nothing is lost`(_ kind: Kind) async throws {
        try await with(kind) { world in
            _ = try await registered(world, "a")
            let request = TurnRequest(beatID: "a", lease: .seconds(1))
            let epoch = try #require(try await world.store.turn(request).epoch)
            _ = try await registered(world, "b")
            #expect(try await world.store.turn(request).epoch == epoch)
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct `A schedule in Redis` {
    @Test func `is bounded, and expires without beats`() async throws {
        try await Deployment.with { deployment in
            let store = try ScheduleStoreConformanceTests.store(deployment) { $0.keys.prefix = "office:" }
            let fingerprint = ScheduleStoreConformanceTests.fingerprint
            let state = try await store.register([EntryRegistration(name: "e", fingerprint: fingerprint)])[0]
            let slot = state.mark + .milliseconds(1)
            _ = try await store.emit([ScheduleStoreConformanceTests.emission(from: state.mark, to: slot)])
            _ = try await store.turn(TurnRequest(beatID: "a", lease: .seconds(10), errors: 3))
            let keys = try await deployment.texts("KEYS", "*").sorted()
            #expect(
                keys == [
                    "office:_kombu.binding.celery", "office:_kombu.binding_permanent.celery",
                    "office:celeriac:beat:test",
                    "office:celeriac:beat:test:beats", "office:celeriac:beat:test:counts",
                    "office:celeriac:beat:test:lease",
                    "office:celery",
                ]
            )
            for key in keys where key.hasPrefix("office:celeriac:") {
                #expect(try await deployment.int("TTL", key) > 0, "\(key)")
            }
            #expect(try await deployment.text("HGET", "office:celeriac:beat:test:counts", "errors") == "3")
            #expect(try await deployment.text("HGET", "office:celeriac:beat:test:counts", "sent") == "1")
            #expect(
                try await deployment.texts("SMEMBERS", "office:_kombu.binding.celery") == [
                    "celery\u{6}\u{16}\u{6}\u{16}celery"
                ]
            )
        }
    }

    @Test func `looks for the last run's end in the database of the results`() async throws {
        try await Deployment.with { deployment in
            let store = try ScheduleStoreConformanceTests.store(deployment, resultDatabase: 3)
            let fingerprint = ScheduleStoreConformanceTests.fingerprint
            var mark = try await store.register([EntryRegistration(name: "e", fingerprint: fingerprint)])[0].mark
            var outcomes: [EmissionOutcome] = []
            for id in ["1", "2", "3"] {
                let slot = mark + .milliseconds(1)
                if id == "3" {
                    let results = try await Deployment.client(deployment.server, database: 3)
                    let record = ResultRecord(taskID: "1", status: .failure, result: Array("1".utf8)).encoded()
                    _ = try await results.send(RedisCommand("SET", "celery-task-meta-1", record)).get()
                    await results.close()
                }
                outcomes += try await store.emit(
                    [ScheduleStoreConformanceTests.emission(from: mark, to: slot, id: id, skips: .seconds(60))]
                )
                mark = slot
            }
            #expect(outcomes == [.done, .unfinished, .done])
            #expect(try await deployment.int("LLEN", "celery") == 2)
        }
    }

    @Test func `looks for the last run's end on another server, and waits for none that is silent`() async throws {
        try await Deployment.with { deployment in
            try await withRedisServer { results in
                let client = try await Deployment.client(results)
                let configuration = RedisTransportConfiguration(
                    broker: try Deployment.configuration(deployment.server),
                    results: try Deployment.configuration(results)
                )
                #expect(RedisScheduleStore.needsResultClient(configuration))
                let store = RedisScheduleStore(
                    client: deployment.raw,
                    resultClient: client,
                    configuration: configuration,
                    schedule: "test"
                )
                let fingerprint = ScheduleStoreConformanceTests.fingerprint
                let names = ["careful", "careless"]
                var mark = try await store.register(
                    names.map { EntryRegistration(name: $0, fingerprint: fingerprint) }
                )[0].mark
                var outcomes: [[EmissionOutcome]] = []
                for id in ["1", "2", "3", "4"] {
                    let record = ResultRecord(taskID: "careful-1", status: .success, result: Array("1".utf8)).encoded()
                    if id == "3" {
                        _ = try await client.send(RedisCommand("SET", "celery-task-meta-careful-1", record)).get()
                    }
                    if id == "4" { await client.close() }
                    let slot = mark + .milliseconds(1)
                    outcomes.append(
                        try await store.emit(
                            try names.map { name in
                                try ScheduleStoreConformanceTests.emission(
                                    name,
                                    from: mark,
                                    to: slot,
                                    id: "\(name)-\(id)",
                                    skips: name == "careful" ? .seconds(60) : nil
                                )
                            }
                        )
                    )
                    mark = slot
                }
                let sent: [EmissionOutcome] = [.done, .done]
                let left: [EmissionOutcome] = [.unfinished, .done]
                #expect(outcomes == [sent, left, sent, left])
            }
        }
    }

    @Test func `pushes to the list of a message's priority`() async throws {
        try await Deployment.with { deployment in
            let store = try ScheduleStoreConformanceTests.store(deployment)
            let fingerprint = ScheduleStoreConformanceTests.fingerprint
            let state = try await store.register([EntryRegistration(name: "e", fingerprint: fingerprint)])[0]
            var emission = try ScheduleStoreConformanceTests.emission(
                from: state.mark,
                to: state.mark + .milliseconds(1)
            )
            emission.message?.priority = 4
            #expect(try await store.emit([emission]) == [.done])
            #expect(try await deployment.int("LLEN", "celery\u{6}\u{16}3") == 1)
        }
    }

    @Test func `forgets thousands of entries, and no others`() async throws {
        try await Deployment.with { deployment in
            let store = try ScheduleStoreConformanceTests.store(deployment)
            let names = (0..<3000).map { "entry \($0)" }
            let fingerprint = ScheduleStoreConformanceTests.fingerprint
            for first in stride(from: 0, to: names.count, by: 1000) {
                _ = try await store.register(
                    names[first..<first + 1000].map { EntryRegistration(name: $0, fingerprint: fingerprint) }
                )
            }
            #expect(try await store.forget(exceptFor: Set(names.prefix(10))) == 2990)
            #expect(Set(try await store.overview().states.keys) == Set(names.prefix(10)))
        }
    }

    @Test(arguments: [
        (#"{"status": "SUCCESS", "result": 1}"#, true), (#"{"status": "FAILURE"}"#, true),
        (#"{"status": "STARTED"}"#, false),
        ("status: SUCCESS\nresult: 1\n", true), ("\u{86}\u{A6}status\u{A7}REVOKED", true), ("no record", false),
        ("", false),
    ]) func `knows an end by its record`(_ record: String, _ isFinal: Bool) {
        #expect(RecordedStatus.isFinal(Array(record.utf8)) == isFinal)
    }
}
