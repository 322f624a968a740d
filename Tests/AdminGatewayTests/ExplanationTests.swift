import CeleryMessage
import Inspection
import Testing

@Suite struct `The explanation of a task that does not run` {
    private static let now = Instant(seconds: 1_790_000_000)

    private static func codes(_ place: Whereabouts.Place?, _ change: (inout TaskFacts) -> Void = { _ in }) -> [String] {
        let search: SearchOutcome = place.map { .found(Whereabouts($0, queue: "pdf")) } ?? .nowhere
        var facts = TaskFacts(status: TaskStatus(id: "t", record: nil, search: search))
        facts.task = "proj.add"
        change(&facts)
        return Explanation(facts, now: now).reasons.map(\.code)
    }

    @Test func `names what keeps it in its queue, the weightiest first`() {
        #expect(Self.codes(.waiting(position: 3)) == ["waiting"])
        #expect(Self.codes(.waiting(position: 1)) { $0.isQueuePaused = true } == ["queue_paused", "waiting"])
        #expect(Self.codes(.waiting(position: 1)) { $0.consumers = 0 } == ["no_consumer", "waiting"])
        let unknown = Self.codes(.waiting(position: 1)) { facts in
            facts.consumers = 2
            facts.knowing = 0
        }
        #expect(unknown == ["unknown_task", "waiting"])
        let busy = Self.codes(.waiting(position: 1)) { facts in
            facts.consumers = 1
            facts.knowing = 1
            (facts.running, facts.room) = (4, 4)
        }
        #expect(busy == ["workers_busy", "waiting"])
        let doomed = Self.codes(.waiting(position: 1)) { facts in
            facts.isRevoked = true
            facts.expires = Self.now
        }
        #expect(doomed == ["revoked", "expired", "waiting"])
    }

    @Test func `tells a time of its own from a retry and from a limit`() {
        let until = Whereabouts.Place.parked(until: Self.now + .seconds(60))
        #expect(Self.codes(until) { $0.eta = Self.now + .seconds(60) } == ["scheduled"])
        #expect(Self.codes(until) == ["rate_limited"])
        let retry = TaskStatus(
            id: "t",
            record: nil,
            search: .found(Whereabouts(until, queue: "pdf", retries: 1))
        )
        #expect(Explanation(TaskFacts(status: retry), now: Self.now).reasons.map(\.code) == ["retry"])
    }

    @Test func `says which bound of its tenant's plan has been reached`() {
        func reason(running: Int, started: Int, _ plan: TenantPlanFacts) -> Explanation.Reason? {
            let parked = Whereabouts.Place.parked(until: Self.now + .seconds(3600))
            var facts = TaskFacts(status: TaskStatus(id: "t", record: nil, search: .found(Whereabouts(parked))))
            var usage = TenantUsage(tenant: "acme", plan: plan)
            usage.running = running
            usage.startedLastMinute = started
            facts.bound = .init(usage)
            return Explanation(facts, now: Self.now).reasons.first
        }
        let free = TenantPlanFacts(name: "free", concurrency: 2, perMinute: 10)
        #expect(reason(running: 2, started: 3, free)?.code == "tenant_limited")
        #expect(reason(running: 2, started: 3, free)?.facts["bound"] == "concurrency")
        #expect(reason(running: 1, started: 10, free)?.facts["bound"] == "per_minute")
        #expect(reason(running: 1, started: 10, free)?.facts["limit"] == 10)
        let slow = TenantPlanFacts(name: "slow", concurrency: nil, perMinute: 1)
        #expect(reason(running: 9, started: 1, slow)?.facts["bound"] == "per_minute")
    }

    @Test func `says who holds it`() {
        #expect(Self.codes(.held) == ["held"])
        #expect(Self.codes(.held) { $0.holder = .init(worker: "w", isAlive: false) } == ["dead_worker"])
        #expect(Self.codes(.held) { $0.holder = .init(worker: "w", runs: true, isAlive: true) } == ["running"])
        #expect(Self.codes(.held) { $0.holder = .init(worker: "w", runs: false) } == ["reserved"])
    }

    @Test func `says what a chord's body waits for`() {
        var facts = TaskFacts(status: TaskStatus(id: "b", record: nil, search: .nowhere))
        facts.chord = .init(group: "g", ended: 1, parts: 3, open: ["p2", "p3"])
        let reason = Explanation(facts, now: Self.now).reasons.first
        #expect(reason?.code == "chord_waits")
        #expect(reason?.facts == ["group": "g", "open": ["p2", "p3"], "ended": 1, "parts": 3])
    }

    @Test func `says what became of one that has ended, or that nothing is known`() {
        #expect(Self.codes(nil) == ["unknown"])
        let notSeen = TaskFacts(status: TaskStatus(id: "t", record: nil, search: .notSeen))
        #expect(Explanation(notSeen, now: Self.now).reasons.map(\.code) == ["not_seen"])
        for (state, result, code) in [
            (TaskState.success, "1", "succeeded"), (.failure, "{}", "failed"),
            (.revoked, JSONWriter.string(ExceptionInfo.revoked(.expired).json), "expired"),
            (.revoked, JSONWriter.string(ExceptionInfo.revoked(.terminated).json), "terminated"),
            (.revoked, "null", "revoked"),
        ] {
            let record = ResultRecord(taskID: "t", status: state, result: Array(result.utf8))
            let explanation = Explanation(TaskFacts(status: TaskStatus(id: "t", record: record)), now: Self.now)
            #expect(explanation.isFinished)
            #expect(explanation.reasons.map(\.code) == [code])
        }
        let lost = TaskStatus(id: "t", record: ResultRecord(taskID: "t", status: .retry), search: .nowhere)
        #expect(Explanation(TaskFacts(status: lost), now: Self.now).reasons.map(\.code) == ["lost"])
    }
}
