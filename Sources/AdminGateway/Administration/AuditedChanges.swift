import CeleryMessage
import Inspection

/// Changes queues, jobs, the schedule and dead letters, and has that remembered in the audit list.
///
/// The API and the pages both change things here, so that the list says the same whoever asks. ``WorkerOrders`` is the same for
/// workers.
struct AuditedChanges: Sendable {
    let administration: Administration

    private var auditor: Auditor { Auditor(trail: administration.audit) }

    // MARK: Queues

    /// Has workers leave a queue alone; answers whether they did not before.
    func pause(_ queue: String, _ context: GatewayContext) async throws -> Bool {
        try await auditor.change("queue.pause", queue, context, outcome: Self.paused) {
            try await administration.queues.pause(queue)
        }
    }

    /// Ends a queue's pause; answers whether there was one.
    func resume(_ queue: String, _ context: GatewayContext) async throws -> Bool {
        try await auditor.change("queue.resume", queue, context, outcome: Self.resumed) {
            try await administration.queues.resume(queue)
        }
    }

    /// Forgets jobs that ended longer ago than `grace` in one of these states; answers how many.
    func clean(
        _ queue: String,
        grace: Duration,
        states: Set<JobState>,
        _ context: GatewayContext
    ) async throws -> Int {
        let state = states.count == 1 ? states.first?.rawValue : nil
        return try await auditor.change(
            "queue.clean",
            queue,
            context,
            outcome: { .init(name: "cleaned", detail: ["count": .int(Int64($0)), "state": .string(state ?? "all")]) }
        ) { try await administration.queues.clean(queue, grace: grace, states: states) }
    }

    /// Takes away what has not begun; answers how many messages.
    func drain(_ queue: String, delayed: Bool, _ context: GatewayContext) async throws -> Int {
        try await auditor.change(
            "queue.drain",
            queue,
            context,
            outcome: { .init(name: "drained", detail: ["count": .int(Int64($0)), "delayed": .bool(delayed)]) }
        ) { try await administration.queues.drain(queue, delayed: delayed) }
    }

    // MARK: Jobs

    /// Does something to a job.
    func make(
        _ change: JobChange,
        _ id: String,
        in queue: String,
        _ context: GatewayContext
    ) async throws -> JobChange.Outcome {
        try await auditor.change(
            "job.\(change.rawValue)",
            id,
            context,
            outcome: { .init(name: $0.rawValue, detail: ["queue": .string(queue)]) }
        ) {
            switch change {
            case .remove: .init(try await administration.queues.remove(id, in: queue))
            case .retry: .init(try await administration.queues.retry(id, in: queue))
            case .promote: try await administration.queues.promote(id, in: queue) ? .promoted : .notDelayed
            }
        }
    }

    // MARK: The schedule

    /// Sends what an entry says now; answers the task's id, `nil` where there is no such entry.
    func run(entry: String, _ context: GatewayContext) async throws -> String? {
        try await auditor.change(
            "schedule.run",
            entry,
            context,
            outcome: { $0.map { .init(name: "sent", detail: ["task_id": .string($0)]) } ?? Self.notFound }
        ) { try await administration.schedule.runNow(entry) }
    }

    /// Has beat leave an entry out; answers whether it did not before, `nil` where there is no such entry.
    func pause(entry: String, _ context: GatewayContext) async throws -> Bool? {
        try await auditor.change(
            "schedule.pause",
            entry,
            context,
            outcome: { $0.map(Self.paused) ?? Self.notFound }
        ) { try await administration.schedule.pause(entry) }
    }

    /// Ends an entry's pause; answers whether there was one, `nil` where there is no such entry.
    func resume(entry: String, _ context: GatewayContext) async throws -> Bool? {
        try await auditor.change(
            "schedule.resume",
            entry,
            context,
            outcome: { $0.map(Self.resumed) ?? Self.notFound }
        ) { try await administration.schedule.resume(entry) }
    }

    // MARK: Dead letters

    /// Sends letters back to their queues; answers how many.
    func redrive(_ choice: DeadLetterChoice, perSecond: Double?, _ context: GatewayContext) async throws -> Int {
        try await auditor.change("dead.redrive", choice.target, context, outcome: { Self.counted("redriven", $0) }) {
            try await administration.deadLetters.redrive(choice, perSecond: perSecond)
        }
    }

    /// Forgets letters; answers how many.
    func delete(_ choice: DeadLetterChoice, _ context: GatewayContext) async throws -> Int {
        try await auditor.change("dead.delete", choice.target, context, outcome: { Self.counted("deleted", $0) }) {
            try await administration.deadLetters.delete(choice)
        }
    }

    // MARK: Outcomes

    private static let notFound = Auditor.Outcome(name: "not_found")

    private static func paused(_ changed: Bool) -> Auditor.Outcome { .init(name: changed ? "paused" : "unchanged") }

    private static func resumed(_ changed: Bool) -> Auditor.Outcome { .init(name: changed ? "resumed" : "unchanged") }

    private static func counted(_ name: String, _ count: Int) -> Auditor.Outcome {
        .init(name: name, detail: ["count": .int(Int64(count))])
    }
}

extension DeadLetterChoice {
    /// What the audit list says was chosen.
    fileprivate var target: String {
        switch self {
        case .ids(let ids): ids.count == 1 ? ids[0] : "\(ids.count) letters, \(ids.first ?? "") first"
        case .matching(let query): query.fingerprint ?? query.task ?? query.queue ?? query.tenant ?? "*"
        }
    }
}
