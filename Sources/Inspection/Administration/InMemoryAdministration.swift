public import CeleryMessage
import Synchronization

/// An administration that lives in this process: what routes and pages are tried against without a server.
public final class InMemoryAdministration: Sendable {
    private struct State {
        var isReachable = true
        var paused: Set<String> = []
        var jobs: [JobDetail] = []
        var workers: [WorkerDetail] = []
        var orders: [(order: WorkerOrder, nodes: [String])] = []
        var schedule = ScheduleFacts()
        var started: [String] = []
        var aborted: [String] = []
        var audit: [AuditEntry] = []
        var explanations: [String: Explanation] = [:]
    }

    /// The configured queues, by name.
    public let queueNames: [String]
    private let state = Mutex(State())
    private let now: @Sendable () -> Instant

    /// A deployment of these queues in which nothing is.
    public init(queues: [String], now: @escaping @Sendable () -> Instant = { .now() }) {
        queueNames = queues.sorted()
        self.now = now
    }

    /// Whether it answers.
    public var isReachable: Bool {
        get { state.withLock { $0.isReachable } }
        set { state.withLock { $0.isReachable = newValue } }
    }

    /// Puts a job where its state says; one of the same id is replaced.
    public func put(_ job: JobDetail) {
        state.withLock { state in
            state.jobs.removeAll { $0.summary.id == job.summary.id }
            state.jobs.append(job)
        }
    }

    /// Puts a worker there; one of the same name is replaced.
    public func put(_ worker: WorkerDetail) {
        state.withLock { state in
            state.workers.removeAll { $0.facts.name == worker.facts.name }
            state.workers.append(worker)
            state.workers.sort { $0.facts.name < $1.facts.name }
        }
    }

    /// Says what beat sends.
    public func set(_ schedule: ScheduleFacts) { state.withLock { $0.schedule = schedule } }

    /// Says why a task does not run.
    public func set(_ explanation: Explanation) {
        state.withLock { $0.explanations[explanation.taskID] = explanation }
    }

    /// What workers were told, oldest first.
    public var orders: [(order: WorkerOrder, nodes: [String])] { state.withLock { $0.orders } }

    /// The entries that were run by hand, oldest first.
    public var started: [String] { state.withLock { $0.started } }

    /// The tasks that were told to give up, in order.
    public var aborted: [String] { state.withLock { $0.aborted } }

    private func reached<Value: Sendable>(_ body: (inout State) throws -> Value) throws -> Value {
        try state.withLock { state in
            guard state.isReachable else { throw InspectionError(.unavailable, "switched off") }
            return try body(&state)
        }
    }
}

extension InMemoryAdministration: QueueAdministration {
    /// Counts of every queue.
    public func queues() async throws -> [QueueCounts] { try await counts(of: queueNames) }

    /// Counts of these queues.
    public func counts(of queues: [String]) async throws -> [QueueCounts] {
        try reached { state in
            queues.map { name in
                var counts = QueueCounts(name: name)
                let jobs = state.jobs.filter { $0.summary.queue == name }
                let number = { (wanted: JobState) in jobs.count { $0.summary.state == wanted } }
                counts.waiting = number(.waiting)
                counts.active = number(.active)
                counts.delayed = number(.delayed)
                counts.completed = number(.completed)
                counts.failed = number(.failed)
                counts.completedEver = counts.completed
                counts.failedEver = counts.failed
                counts.isPaused = state.paused.contains(name)
                counts.consumers = state.workers.count { $0.facts.queues.contains(name) }
                return counts
            }
        }
    }

    /// Jobs in the order in which they were put there, finished ones newest first.
    public func jobs(in queue: String, state: JobState, range: Range<Int>) async throws -> JobPage {
        try reached { contents in
            var all = contents.jobs.map(\.summary).filter { $0.queue == queue && $0.state == state }
            if state.isFinished { all.reverse() }
            return JobPage(jobs: Array(all[range.clamped(to: 0..<all.count)]), total: all.count)
        }
    }

    /// The job as it was put there.
    public func job(_ id: String, in queue: String) async throws -> JobDetail? {
        try reached { state in state.jobs.first { $0.summary.id == id && $0.summary.queue == queue } }
    }

    /// Takes a job away.
    public func remove(_ id: String, in queue: String) async throws -> JobRemoval {
        try reached { state in
            guard let place = state.jobs.firstIndex(where: { $0.summary.id == id && $0.summary.queue == queue }) else {
                return .notFound
            }
            switch state.jobs.remove(at: place).summary.state {
            case .waiting, .delayed: return .removed
            case .active: return .cancelled
            case .completed, .failed: return .forgotten
            }
        }
    }

    /// Lets a failed job wait.
    public func retry(_ id: String, in queue: String) async throws -> JobRetry {
        try reached { state in
            guard let place = state.jobs.firstIndex(where: { $0.summary.id == id && $0.summary.queue == queue }) else {
                return .notFound
            }
            guard state.jobs[place].summary.state == .failed else { return .notFailed }
            guard state.jobs[place].isRetryable else { return .gone }
            state.jobs[place].summary.state = .waiting
            return .retried
        }
    }

    /// Lets a parked job wait.
    public func promote(_ id: String, in queue: String) async throws -> Bool {
        try reached { state in
            let place = state.jobs.firstIndex {
                $0.summary.id == id && $0.summary.queue == queue && $0.summary.state == .delayed
            }
            guard let place else { return false }
            state.jobs[place].summary.state = .waiting
            return true
        }
    }

    /// Remembers that a task is to give up, unless it was put here as one that has ended.
    public func abort(_ id: String) async throws -> Bool {
        try reached { state in
            if state.jobs.contains(where: { $0.summary.id == id && $0.summary.state.isFinished }) { return false }
            state.aborted.append(id)
            return true
        }
    }

    /// Remembers the pause.
    public func pause(_ queue: String) async throws -> Bool { try reached { $0.paused.insert(queue).inserted } }

    /// Forgets the pause.
    public func resume(_ queue: String) async throws -> Bool { try reached { $0.paused.remove(queue) != nil } }

    /// Takes finished jobs away.
    public func clean(_ queue: String, grace: Duration, states: Set<JobState>) async throws -> Int {
        let limit = now() - grace
        return try reached { state in
            Self.removeAll(&state.jobs) { job in
                job.queue == queue && job.state.isFinished && states.contains(job.state)
                    && (job.finishedAt.map { $0 <= limit } ?? true)
            }
        }
    }

    /// Takes jobs away that have not begun.
    public func drain(_ queue: String, delayed: Bool) async throws -> Int {
        try reached { state in
            Self.removeAll(&state.jobs) { job in
                job.queue == queue && (job.state == .waiting || delayed && job.state == .delayed)
            }
        }
    }

    private static func removeAll(_ jobs: inout [JobDetail], where isMeant: (JobSummary) -> Bool) -> Int {
        let before = jobs.count
        jobs.removeAll { isMeant($0.summary) }
        return before - jobs.count
    }
}

extension InMemoryAdministration: WorkerAdministration {
    /// Every worker that was put there.
    public func workers() async throws -> [WorkerFacts] { try reached { $0.workers.map(\.facts) } }

    /// Every worker that was put there; `nil` where none was.
    public func lastSeen() async throws -> [WorkerFacts]? {
        try reached { $0.workers.isEmpty ? nil : $0.workers.map(\.facts) }
    }

    /// The worker as it was put there.
    public func worker(_ name: String) async throws -> WorkerDetail? {
        try reached { state in state.workers.first { $0.facts.name == name } }
    }

    /// Remembers what was told; every worker meant says `ok`.
    public func tell(_ order: WorkerOrder, to nodes: [String]) async throws -> [WorkerReply] {
        try reached { state in
            state.orders.append((order, nodes))
            return state.workers.map(\.facts.name).filter { nodes.isEmpty || nodes.contains($0) }
                .map { WorkerReply(node: $0, done: "ok") }
        }
    }
}

extension InMemoryAdministration: ScheduleAdministration {
    /// What ``set(_:)-(ScheduleFacts)`` said.
    public func schedule() async throws -> ScheduleFacts { try reached { $0.schedule } }

    /// Remembers that an entry was run.
    public func runNow(_ entry: String) async throws -> String? {
        try reached { state in
            guard state.schedule.entries.contains(where: { $0.name == entry }) else { return nil }
            state.started.append(entry)
            return Identifier.uuid()
        }
    }

    /// Marks an entry.
    public func pause(_ entry: String) async throws -> Bool? { try mark(entry, paused: true) }

    /// Takes the mark away.
    public func resume(_ entry: String) async throws -> Bool? { try mark(entry, paused: false) }

    private func mark(_ entry: String, paused: Bool) throws -> Bool? {
        try reached { state in
            guard let place = state.schedule.entries.firstIndex(where: { $0.name == entry }) else { return nil }
            defer { state.schedule.entries[place].isPaused = paused }
            return state.schedule.entries[place].isPaused != paused
        }
    }
}

extension InMemoryAdministration: AuditTrail {
    /// Remembers a change.
    public func record(_ entry: AuditEntry) async throws { try reached { $0.audit.append(entry) } }

    /// Changes, newest first.
    public func entries(_ range: Range<Int>) async throws -> AuditPage {
        try reached { state in
            let newest = Array(state.audit.reversed())
            return AuditPage(entries: Array(newest[range.clamped(to: 0..<newest.count)]), total: newest.count)
        }
    }
}

extension InMemoryAdministration: Explaining {
    /// What ``set(_:)-(Explanation)`` said, or that nothing is known.
    public func explain(_ taskID: String) async throws -> Explanation {
        try reached { state in
            state.explanations[taskID]
                ?? Explanation(
                    taskID: taskID,
                    state: .pending,
                    reasons: [.init("unknown", "Nothing is known of a task of this id.")]
                )
        }
    }
}
