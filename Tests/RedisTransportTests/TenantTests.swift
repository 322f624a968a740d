import CeleryMessage
import RedisClient
import Testing
import Transport

@testable import RedisTransport

/// The plans of tenants on Redis: what may start, what is parked, and when that comes back.
@Suite(.timeLimit(.minutes(2))) struct TenantTests {
    private static let keys = RedisKeys()
    private static let plans = TenantPlans(
        plans: [
            "free": TenantPlan(concurrency: 2, perMinute: 10), "slow": TenantPlan(concurrency: nil, perMinute: 3),
            "none": TenantPlan(concurrency: nil, perMinute: nil),
        ],
        members: ["limited": "slow", "big": "none"]
    )

    /// Messages of a tenant, claimed by a worker.
    private func claim(
        _ count: Int,
        of tenant: String,
        priority: Int = 0,
        _ broker: RedisBroker,
        _ deployment: Deployment
    ) async throws -> [TenantEntry] {
        for number in 0..<count {
            let message = TaskMessage(task: "t", id: "\(tenant)-\(priority)-\(number)", args: [], queue: "celery")
            let list = Self.keys.list(queue: "celery", step: Self.keys.step(priority: priority))
            _ = try await deployment.raw.send(RedisCommand("LPUSH", list, try message.encode(codecs: .json)))
        }
        return try await announced(broker, of: tenant, priority: priority)
    }

    private func claim(_ broker: RedisBroker, of tenant: String, priority: Int = 0) async throws -> [TenantEntry] {
        let request = ClaimRequest(queues: [.init(name: "celery", room: 100, pool: 0)], rooms: [100], limit: 100)
        return try await broker.claim(request).deliveries.map { delivery in
            let id = try TaskMessage.decode(delivery.item, codecs: .json, limits: .init()).headers.id
            return TenantEntry(tag: delivery.tag, tenant: tenant, taskID: id, queue: "celery", priority: priority)
        }
    }

    /// Messages that are there, once the broker has heard of it: until then it takes their list for empty and does not ask.
    private func announced(_ broker: RedisBroker, of tenant: String, priority: Int = 0) async throws -> [TenantEntry] {
        while true {
            let entries = try await claim(broker, of: tenant, priority: priority)
            if !entries.isEmpty { return entries }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    private func end(_ entries: some Sequence<TenantEntry>, _ broker: RedisBroker) async throws {
        _ = try await broker.commit(entries.map { Commit(tag: $0.tag, acknowledges: true, effects: []) })
    }

    private func slots(_ entries: some Sequence<TenantEntry>) -> [TenantSlot] {
        entries.map { .held($0.tag, tenant: $0.tenant) }
    }

    @Test func `parks what is too much at once, and brings it back in order when one has ended`() async throws {
        try await Deployment.with { deployment async throws in
            let broker = try await deployment.broker(queues: ["celery"])
            let entries = try await claim(4, of: "small", broker, deployment)
            let admission = try await broker.admit(entries, plans: Self.plans)
            let bound = TenantVerdict.parked(TenantBound(.concurrency, limit: 2, plan: "free"))
            #expect(admission.verdicts == [.admitted, .admitted, bound, bound])
            #expect(admission.nextLook != nil)
            let before = try await broker.release([], of: ["small"], plans: Self.plans)
            #expect(before != nil)
            #expect(try await claim(broker, of: "small").isEmpty)
            try await end(entries.prefix(1), broker)
            _ = try await broker.release([], of: ["small"], plans: Self.plans)
            let next = try await announced(broker, of: "small")
            #expect(next.map(\.taskID) == ["small-0-2"])
            #expect(try await broker.admit(next, plans: Self.plans).verdicts == [.admitted])
            try await end(entries[1...1], broker)
            try await end(next, broker)
            _ = try await broker.release([], of: ["small"], plans: Self.plans)
            let last = try await announced(broker, of: "small")
            #expect(last.map(\.taskID) == ["small-0-3"])
            #expect(try await broker.release([], of: [], plans: Self.plans) == nil)
        }
    }

    @Test func `a slot that is kept for a message on its way is nobody else's`() async throws {
        try await Deployment.with { deployment async throws in
            let broker = try await deployment.broker(queues: ["celery"])
            let entries = try await claim(3, of: "small", broker, deployment)
            _ = try await broker.admit(entries, plans: Self.plans)
            try await end(entries.prefix(2), broker)
            _ = try await broker.release([], of: ["small"], plans: Self.plans)
            // One is on its way back; of two that come now only one has room.
            let back = try await announced(broker, of: "small")
            let fresh = try await claim(2, of: "small", broker, deployment)
            let verdicts = try await broker.admit(fresh + back, plans: Self.plans).verdicts
            #expect(verdicts[0] == .admitted && verdicts[2] == .admitted)
            #expect(verdicts[1] == .parked(TenantBound(.concurrency, limit: 2, plan: "free")))
        }
    }

    @Test func `lets no more start within a minute, and looks when the first is a minute old`() async throws {
        try await Deployment.with { deployment async throws in
            let broker = try await deployment.broker(queues: ["celery"])
            let entries = try await claim(5, of: "limited", broker, deployment)
            let admission = try await broker.admit(entries, plans: Self.plans)
            let bound = TenantVerdict.parked(TenantBound(.perMinute, limit: 3, plan: "slow"))
            #expect(admission.verdicts == [.admitted, .admitted, .admitted, bound, bound])
            let look = try #require(admission.nextLook)
            #expect(look > .now() + .seconds(50) && look < .now() + .seconds(61))
            try await end(entries.prefix(3), broker)
            _ = try await broker.release(slots(entries.prefix(3)), of: ["limited"], plans: Self.plans)
            #expect(try await claim(broker, of: "limited").isEmpty)
        }
    }

    @Test func `others pass, and a plan without bounds bounds nothing`() async throws {
        try await Deployment.with { deployment async throws in
            let broker = try await deployment.broker(queues: ["celery"])
            _ = try await broker.admit(try await claim(5, of: "small", broker, deployment), plans: Self.plans)
            let other = try await claim(2, of: "other", broker, deployment)
            #expect(try await broker.admit(other, plans: Self.plans).verdicts == [.admitted, .admitted])
            let big = try await claim(30, of: "big", broker, deployment)
            #expect(try await broker.admit(big, plans: Self.plans).verdicts.allSatisfy { $0 == .admitted })
        }
    }

    @Test func `urgent ones come back first`() async throws {
        try await Deployment.with { deployment async throws in
            let broker = try await deployment.broker(queues: ["celery"])
            let running = try await claim(2, of: "small", priority: 3, broker, deployment)
            _ = try await broker.admit(running, plans: Self.plans)
            _ = try await broker.admit(
                try await claim(1, of: "small", priority: 9, broker, deployment),
                plans: Self.plans
            )
            _ = try await broker.admit(
                try await claim(1, of: "small", priority: 0, broker, deployment),
                plans: Self.plans
            )
            try await end(running.prefix(1), broker)
            _ = try await broker.release([], of: ["small"], plans: Self.plans)
            #expect(try await announced(broker, of: "small").map(\.taskID) == ["small-0-0"])
        }
    }

    @Test func `asked once more, the answer is the same`() async throws {
        try await Deployment.with { deployment async throws in
            let broker = try await deployment.broker(queues: ["celery"])
            let entries = try await claim(3, of: "small", broker, deployment)
            _ = try await broker.admit(entries, plans: Self.plans)
            // What was parked is held no more.
            #expect(try await broker.admit(entries, plans: Self.plans).verdicts == [.admitted, .admitted, .lost])
        }
    }

    @Test func `what was set at run time wins, and a plan nobody knows is the default one`() async throws {
        try await Deployment.with { deployment async throws in
            let broker = try await deployment.broker(queues: ["celery"])
            _ = try await deployment.raw.send(RedisCommand("HSET", Self.keys.tenants, "small", "none"))
            let entries = try await claim(5, of: "small", broker, deployment)
            #expect(try await broker.admit(entries, plans: Self.plans).verdicts.allSatisfy { $0 == .admitted })
            _ = try await deployment.raw.send(RedisCommand("HSET", Self.keys.tenants, "odd", "golden"))
            let odd = try await claim(3, of: "odd", broker, deployment)
            let verdicts = try await broker.admit(odd, plans: Self.plans).verdicts
            #expect(verdicts.last == .parked(TenantBound(.concurrency, limit: 2, plan: "free")))
        }
    }

    @Test func `a parked message is byte for byte the one that came`() async throws {
        try await Deployment.with { deployment async throws in
            let broker = try await deployment.broker(queues: ["celery"])
            let entries = try await claim(3, of: "small", broker, deployment)
            let held = try await deployment.raw.send(RedisCommand("HGET", Self.keys.unacked, entries[2].tag.text))
            _ = try await broker.admit(entries, plans: Self.plans)
            let parked = try await deployment.raw.send(RedisCommand("HVALS", Self.keys.parkedMessages))
            let stored = try #require(parked.array?.first?.text)
            #expect(stored.hasPrefix("celery\n"))
            #expect(held.text == "[" + stored.dropFirst(7) + ", \"\", \"celery\"]")
        }
    }
}
