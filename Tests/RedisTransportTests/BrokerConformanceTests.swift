import CeleryMessage
import Synchronization
import Testing
import Transport

@testable import RedisTransport

/// What every broker must do, run against the one over Redis and the one in memory.
@Suite(.timeLimit(.minutes(2))) struct BrokerConformanceTests {
    enum Kind: String, CaseIterable, Sendable {
        case redis, memory
    }

    /// A deployment seen from outside, of either kind.
    struct World {
        /// Makes and starts a broker.
        var broker: (_ id: String, _ notices: NoticeLog) async throws -> any Broker
        var publish: (Publication) async throws -> Void
        var waiting: (_ queue: String) async throws -> [[UInt8]]
        var held: () async throws -> Int
        var record: (_ id: String) async throws -> [UInt8]?
        var pause: (_ queue: String) async throws -> Void
        var resume: (_ queue: String) async throws -> Void

        func broker(_ id: String) async throws -> any Broker { try await broker(id, NoticeLog()) }

        func publish(_ ids: String..., queue: String = "celery", priority: Int = 0) async throws {
            for id in ids {
                try await publish(
                    Publication(
                        queue: queue,
                        priority: priority,
                        item: try item(id, queue: queue, priority: priority)
                    )
                )
            }
        }
    }

    /// - Parameter hasty: workers count as dead, and leases as abandoned, at once.
    private func with(_ kind: Kind, hasty: Bool = false, _ body: (World) async throws -> Void) async throws {
        switch kind {
        case .memory:
            let store =
                hasty
                ? InMemoryStore(deadAfter: .zero, leaseAhead: .zero, visibilityTimeout: .zero) : InMemoryStore()
            try await body(
                World(
                    broker: { id, notices in
                        let broker = InMemoryBroker(store, workerID: id)
                        try await broker.start(queues: []) { notices.add($0) }
                        return broker
                    },
                    publish: { store.publish($0) },
                    waiting: { store.waiting(in: $0) },
                    held: { store.heldTags.count },
                    record: { try await store.record(taskID: $0) },
                    pause: { store.pause($0) },
                    resume: { store.resume($0) }
                )
            )
        case .redis:
            try await Deployment.with { deployment in
                let keys = RedisKeys()
                try await body(
                    World(
                        broker: { id, notices in
                            try await deployment.broker(id, notices: notices) { configuration in
                                guard hasty else { return }
                                configuration.deadAfter = 0
                                configuration.leaseAhead = 0
                                configuration.visibilityTimeout = 0
                            }
                        },
                        publish: { message in
                            let list = keys.list(queue: message.queue, step: keys.step(priority: message.priority))
                            try await deployment.run("LPUSH", list, text(message.item))
                        },
                        waiting: { queue in
                            var items: [[UInt8]] = []
                            for step in keys.prioritySteps {
                                let list = try await deployment.texts(
                                    "LRANGE",
                                    keys.list(queue: queue, step: step),
                                    "0",
                                    "-1"
                                )
                                items += list.reversed().map { Array($0.utf8) }
                            }
                            return items
                        },
                        held: {
                            let fields = try await deployment.int("HLEN", keys.unacked)
                            #expect(try await deployment.int("ZCARD", keys.unackedIndex) == fields)
                            return fields
                        },
                        record: { try await deployment.text("GET", keys.result(taskID: $0)).map { Array($0.utf8) } },
                        pause: { try await deployment.run("SADD", keys.paused, $0) },
                        resume: { try await deployment.run("SREM", keys.paused, $0) }
                    )
                )
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `claims in strict priority order over several queues`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            try await world.publish("a9", queue: "a", priority: 9)
            try await world.publish("b3", queue: "b", priority: 5)
            try await world.publish("b0", "b1", queue: "b")
            try await world.publish("a6", queue: "a", priority: 6)
            let result = try await broker.claim(everything("a", "b"))
            #expect(ids(result) == ["b0", "b1", "b3", "a6", "a9"])
            #expect(result.deliveries.map(\.queue) == ["b", "b", "b", "a", "a"])
            #expect(Set(result.deliveries.map(\.tag)).count == 5)
            #expect(try await world.held() == 5)
            #expect(try await broker.claim(everything("a", "b")).mayHoldMore == false)
        }
    }

    @Test(arguments: Kind.allCases)
    func `never takes more than a queue, a pool or the whole has room for`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            for id in 0..<6 { try await world.publish("a\(id)", queue: "a") }
            for id in 0..<6 { try await world.publish("b\(id)", queue: "b") }
            for id in 0..<6 { try await world.publish("c\(id)", queue: "c") }
            let request = ClaimRequest(
                queues: [
                    .init(name: "a", room: 2, pool: 0), .init(name: "b", room: 64, pool: 0, rank: 1),
                    .init(name: "c", room: 64, pool: 1, rank: 2),
                ],
                rooms: [3, 64],
                limit: 5
            )
            let result = try await broker.claim(request)
            #expect(ids(result) == ["a0", "a1", "b0", "c0", "c1"])
            #expect(result.mayHoldMore)
            #expect(ids(try await world.waiting("a")) == ["a2", "a3", "a4", "a5"])
        }
    }

    @Test(arguments: Kind.allCases)
    func `holds a message until its commit, which happens once`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            try await world.publish("one")
            let delivery = try #require(try await broker.claim(everything("celery")).deliveries.first)
            let next = Publication(queue: "next", priority: 0, item: try item("two"))
            let state = Commit(tag: delivery.tag, acknowledges: false, effects: [.store(record("one", .started))])
            let end = Commit(
                tag: delivery.tag,
                acknowledges: true,
                effects: [.store(record("one", .success)), .publish(next)]
            )
            #expect(try await broker.commit([state]) == [.done])
            #expect(try await world.held() == 1)
            #expect(try await broker.commit([end, end]) == [.done, .lost])
            #expect(try await broker.commit([end, state]) == [.lost, .lost])
            #expect(try await world.held() == 0)
            #expect(ids(try await world.waiting("next")) == ["two"])
            #expect(try await world.record("one") == record("one", .success).record)
            #expect(try await broker.commit([]) == [])
        }
    }

    @Test(arguments: Kind.allCases, [86_400, nil])
    func `finishes many tasks at once, and none whose message is lost`(_ kind: Kind, _ timeToLive: Int?) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            let tasks = ["one", "two", "three", "three"]
            for task in tasks { try await world.publish(task) }
            let tags = try await broker.claim(everything("celery")).deliveries.map(\.tag)
            try #require(tags.count == tasks.count)
            let ends = zip(tags, zip(tasks, [TaskState.success, .success, .success, .failure])).map { tag, end in
                var result = record(end.0, end.1)
                result.timeToLive = timeToLive
                return Commit(tag: tag, acknowledges: true, effects: [.store(result)])
            }
            let taken = Commit(tag: tags[1], acknowledges: true, effects: [])
            #expect(try await broker.commit([taken]) == [.done])
            #expect(try await broker.commit(ends) == [.done, .lost, .done, .done])
            #expect(try await world.held() == 0)
            #expect(try await world.record("one") == record("one", .success).record)
            #expect(try await world.record("two") == nil)
            #expect(try await world.record("three") == record("three", .success).record)
            #expect(try await broker.commit(ends) == [.lost, .lost, .lost, .lost])
        }
    }

    @Test(arguments: Kind.allCases)
    func `never overwrites SUCCESS, everything else`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            func store(_ states: TaskState...) async throws {
                _ = try await broker.commit(
                    states.map { Commit(tag: nil, acknowledges: false, effects: [.store(record("x", $0))]) }
                )
            }
            try await store(.started, .failure, .retry, .revoked)
            #expect(try await world.record("x") == record("x", .revoked).record)
            try await store(.success, .failure, .started)
            #expect(try await world.record("x") == record("x", .success).record)
        }
    }

    @Test(arguments: Kind.allCases)
    func `publishes at the end and puts back in front`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            try await world.publish("middle")
            let last = Publication(queue: "celery", priority: 0, item: try item("last"))
            let first = Publication(queue: "celery", priority: 0, item: try item("first"))
            let urgent = Publication(queue: "celery", priority: 42, item: try item("least urgent"))
            let effects: [Effect] = [.publish(last), .putBack(first), .publish(urgent)]
            _ = try await broker.commit([Commit(tag: nil, acknowledges: false, effects: effects)])
            #expect(ids(try await world.waiting("celery")) == ["first", "middle", "last", "least urgent"])
        }
    }

    @Test(arguments: Kind.allCases)
    func `parks until due and releases the one due first in front`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            try await world.publish("waiting")
            let now = Instant.now()
            func park(_ id: String, in seconds: Double) throws -> Effect {
                let message = Publication(queue: "celery", priority: 0, item: try item(id))
                return .park(message, taskID: "same id", until: now.advanced(bySeconds: seconds))
            }
            let effects = [
                try park("later", in: -5), try park("sooner", in: -9), try park("far", in: 100),
                try park("farther", in: 200),
            ]
            _ = try await broker.commit([Commit(tag: nil, acknowledges: false, effects: effects)])
            let due = try await broker.heartbeat(holding: []).nextDue
            #expect(abs((due?.seconds ?? 0) - (now.seconds - 9)) < 0.001)
            let next = try await broker.releaseDue(limit: 10)
            #expect(abs((next?.seconds ?? 0) - (now.seconds + 100)) < 0.001)
            #expect(ids(try await world.waiting("celery")) == ["sooner", "later", "waiting"])
            #expect(try await broker.releaseDue(limit: 10) == next)
            #expect(ids(try await broker.claim(everything("celery"))) == ["sooner", "later", "waiting"])
        }
    }

    @Test(arguments: Kind.allCases)
    func `takes back what a dead worker held, in order and marked`(_ kind: Kind) async throws {
        try await with(kind, hasty: true) { world in
            let dead = try await world.broker("dead")
            let alive = try await world.broker("alive")
            for id in 0..<250 { try await world.publish("\(id)") }
            for _ in 0..<4 { _ = try await dead.claim(everything("celery")) }
            #expect(try await world.held() == 250)
            #expect(try await alive.heartbeat(holding: []).deadWorkers == ["dead"])
            #expect(try await alive.recover(worker: "dead", maxDeliveries: 5) { nothing(for: $0) } == 250)
            let items = try await world.waiting("celery")
            #expect(ids(items) == (0..<250).map(String.init))
            for item in items {
                let value = try JSONReader.value(item)
                #expect(value["headers"]?["redelivered"] == true)
                #expect(value["properties"]?["delivery_info"]?["redelivered"] == true)
            }
            #expect(try await world.held() == 0)
            #expect(try await alive.heartbeat(holding: []).deadWorkers == [])
        }
    }

    @Test(arguments: Kind.allCases)
    func `two that recover at the same time take each message back once`(_ kind: Kind) async throws {
        try await with(kind, hasty: true) { world in
            let dead = try await world.broker("dead")
            for id in 0..<300 { try await world.publish("\(id)") }
            for _ in 0..<5 { _ = try await dead.claim(everything("celery")) }
            let one = try await world.broker("one")
            let two = try await world.broker("two")
            async let first = one.recover(worker: "dead", maxDeliveries: 5) { nothing(for: $0) }
            async let second = two.recover(worker: "dead", maxDeliveries: 5) { nothing(for: $0) }
            let moved = try await (first, second)
            #expect(moved.0 + moved.1 == 300)
            #expect(Set(ids(try await world.waiting("celery"))).count == 300)
            #expect(try await world.waiting("celery").count == 300)
        }
    }

    @Test(arguments: Kind.allCases)
    func `leaves a worker that is alive alone`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let busy = try await world.broker("busy")
            let other = try await world.broker("other")
            try await world.publish("one")
            let held = try await busy.claim(everything("celery")).deliveries
            #expect(try await other.heartbeat(holding: []).deadWorkers == [])
            #expect(
                try await other.recover(worker: "busy", maxDeliveries: 0) {
                    Commit(tag: $0.tag, acknowledges: true, effects: [.store(record("one", .failure))])
                }
                    == 0
            )
            #expect(try await other.restoreAbandoned() == 0)
            #expect(try await world.held() == 1)
            #expect(try await world.record("one") == nil)
            let end = Commit(tag: held[0].tag, acknowledges: true, effects: [])
            #expect(try await busy.commit([end]) == [.done])
        }
    }

    @Test(arguments: Kind.allCases)
    func `hands a message that kills worker after worker over as poisoned`(_ kind: Kind) async throws {
        try await with(kind, hasty: true) { world in
            let alive = try await world.broker("alive")
            try await world.publish("poison")
            let poisoned = Mutex<[String]>([])
            var moved: [Int] = []
            for turn in 0..<3 {
                let victim = try await world.broker("victim\(turn)")
                #expect(ids(try await victim.claim(everything("celery"))) == ["poison"])
                moved.append(
                    try await alive.recover(worker: "victim\(turn)", maxDeliveries: 2) { delivery in
                        poisoned.withLock { $0.append(contentsOf: ids([delivery.item])) }
                        return Commit(
                            tag: delivery.tag,
                            acknowledges: true,
                            effects: [.store(record("poison", .failure))]
                        )
                    }
                )
            }
            #expect(moved == [1, 1, 1])
            #expect(poisoned.withLock { $0 } == ["poison"])
            #expect(try await world.record("poison") == record("poison", .failure).record)
            #expect(try await world.waiting("celery").isEmpty)
            #expect(try await world.held() == 0)

            // A task that ended once is no longer counted.
            _ = try await alive.commit([
                Commit(tag: nil, acknowledges: false, effects: [.forgetDeliveries(taskID: "poison")])
            ])
            try await world.publish("poison")
            let victim = try await world.broker("victim")
            _ = try await victim.claim(everything("celery"))
            #expect(try await alive.recover(worker: "victim", maxDeliveries: 2) { nothing(for: $0) } == 1)
            #expect(ids(try await world.waiting("celery")) == ["poison"])
        }
    }

    @Test(arguments: Kind.allCases)
    func `puts back what nobody renewed, oldest in front`(_ kind: Kind) async throws {
        try await with(kind, hasty: true) { world in
            let sleepy = try await world.broker("sleepy")
            try await world.publish("1", "2", "3")
            let held = try await sleepy.claim(everything("celery", limit: 2)).deliveries
            #expect(try await sleepy.restoreAbandoned() == 2)
            #expect(ids(try await world.waiting("celery")) == ["1", "2", "3"])
            let late = Commit(tag: held[0].tag, acknowledges: true, effects: [.store(record("1", .success))])
            #expect(try await sleepy.commit([late]) == [.lost])
            #expect(try await world.record("1") == nil)
            #expect(ids(try await sleepy.claim(everything("celery"))) == ["1", "2", "3"])
        }
    }

    @Test(arguments: Kind.allCases)
    func `wakes its worker for a message of somebody else`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let notices = NoticeLog()
            let broker = try await world.broker("w", notices)
            #expect(try await broker.claim(everything("celery")).deliveries.isEmpty)
            let before = notices.wakes
            try await world.publish("one", priority: 9)
            await notices.wake(after: before)
            #expect(ids(try await broker.claim(everything("celery"))) == ["one"])
        }
    }

    @Test(arguments: Kind.allCases, ["slow", "yavaş \"kuyruk\""])
    func `gives nothing out of a paused queue, and everything once it is resumed`(
        _ kind: Kind,
        _ queue: String
    ) async throws {
        try await with(kind) { world in
            let notices = NoticeLog()
            let broker = try await world.broker("w", notices)
            try await world.publish("1", "2", queue: queue)
            try await world.publish("3")
            try await world.pause(queue)
            await notices.paused([queue])
            let first = try await broker.claim(everything(queue, "celery"))
            #expect(ids(first) == ["3"])
            #expect(!first.mayHoldMore)
            // What comes to it meanwhile waits too.
            try await world.publish("4", queue: queue, priority: 9)
            let second = try await broker.claim(everything(queue, "celery"))
            #expect(second.deliveries.isEmpty)
            #expect(!second.mayHoldMore)
            try await world.resume(queue)
            await notices.paused([])
            #expect(ids(try await broker.claim(everything(queue, "celery"))) == ["1", "2", "4"])
        }
    }

    @Test(arguments: Kind.allCases)
    func `one that starts later knows what is paused`(_ kind: Kind) async throws {
        try await with(kind) { world in
            try await world.pause("celery")
            try await world.publish("1")
            let notices = NoticeLog()
            let broker = try await world.broker("w", notices)
            await notices.paused(["celery"])
            #expect(try await broker.claim(everything("celery")).deliveries.isEmpty)
        }
    }
}
