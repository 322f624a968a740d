public import CeleryMessage
import Synchronization

/// A history that lives in this process: what the gateway is tried against without a server.
public final class InMemoryHistory: HistoryReading {
    private struct State {
        /// Oldest first.
        var tasks: [FinishedTask] = []
        var counts: [String: HistoryCounts] = [:]
        var durations: [String: [String: TaskDurations]] = [:]
        var isReachable = true
    }

    private let state = Mutex(State())
    private let keepCompleted: Int
    private let keepFailed: Int

    /// An empty history.
    ///
    /// - Parameters:
    ///   - keepCompleted: how many completed tasks of a queue are kept.
    ///   - keepFailed: how many failed ones.
    public init(keepCompleted: Int = 1000, keepFailed: Int = 5000) {
        self.keepCompleted = keepCompleted
        self.keepFailed = keepFailed
    }

    /// Whether it answers.
    public var isReachable: Bool {
        get { state.withLock { $0.isReachable } }
        set { state.withLock { $0.isReachable = newValue } }
    }

    /// Records the end of a task, as a worker does.
    public func record(_ task: FinishedTask) {
        state.withLock { state in
            let place = state.tasks.lastIndex { $0.finishedAt <= task.finishedAt }.map { $0 + 1 } ?? 0
            state.tasks.insert(task, at: place)
            var counts = state.counts[task.queue] ?? HistoryCounts()
            counts.count(task)
            trim(task, &counts, &state)
            state.counts[task.queue] = counts
            if let runtime = task.runtime {
                state.durations[task.queue, default: [:]][
                    task.name,
                    default: TaskDurations(queue: task.queue, task: task.name)
                ].count(runtime)
            }
        }
    }

    /// Counts an attempt that ended with a retry.
    public func retry(queue: String) { state.withLock { $0.counts[queue, default: HistoryCounts()].retried += 1 } }

    private func trim(_ task: FinishedTask, _ counts: inout HistoryCounts, _ state: inout State) {
        func isPeer(_ other: FinishedTask) -> Bool {
            other.queue == task.queue && other.isCompleted == task.isCompleted
        }
        let kept = task.isCompleted ? counts.completedKept : counts.failedKept
        guard kept > (task.isCompleted ? keepCompleted : keepFailed), let oldest = state.tasks.firstIndex(where: isPeer)
        else { return }
        state.tasks.remove(at: oldest)
        if task.isCompleted { counts.completedKept -= 1 } else { counts.failedKept -= 1 }
    }

    private func reached<Value: Sendable>(_ body: (State) -> Value) throws -> Value {
        try state.withLock { state in
            guard state.isReachable else { throw InspectionError(.unavailable, "switched off") }
            return body(state)
        }
    }

    /// The recorded tasks that a query is about.
    public func finished(_ query: HistoryQuery) async throws -> HistoryPage {
        try reached { HistoryPage(query, among: $0.tasks) }
    }

    /// The newest record of a task.
    public func finished(taskID: String) async throws -> FinishedTask? {
        try reached { state in state.tasks.last { $0.id == taskID } }
    }

    /// What has been recorded, by queue.
    public func counts() async throws -> [String: HistoryCounts] { try reached { $0.counts } }

    /// The runtimes of what has been recorded.
    public func durations() async throws -> [TaskDurations] {
        try reached { state in
            state.durations.values.flatMap(\.values).sorted { ($0.queue, $0.task) < ($1.queue, $1.task) }
        }
    }
}

extension HistoryCounts {
    /// Counts a task that has just ended, and that is kept.
    mutating func count(_ task: FinishedTask) {
        if task.isCompleted {
            completed += 1
            completedKept += 1
        } else {
            failed += 1
            failedKept += 1
        }
        switch task.state {
        case .revoked: revoked += 1
        case .rejected: rejected += 1
        case .ignored: ignored += 1
        default: break
        }
    }
}

extension TaskDurations {
    /// Counts a run.
    mutating func count(_ runtime: Duration) {
        counts[Self.bucket(of: runtime)] += 1
        seconds += runtime / .seconds(1)
    }
}

extension InMemoryHistory: HistoryCleaning {
    /// Forgets what ended before a moment.
    public func clean(
        queue: String,
        completed: Bool,
        failed: Bool,
        endedBefore moment: Instant
    ) async throws -> Int {
        try forget { task in
            task.queue == queue && task.finishedAt < moment && (task.isCompleted ? completed : failed)
        }
    }

    /// Forgets a task's ends.
    public func forget(taskID: String, queue: String) async throws -> Bool {
        try forget { $0.id == taskID && $0.queue == queue } > 0
    }

    private func forget(where isMeant: (FinishedTask) -> Bool) throws -> Int {
        try state.withLock { state in
            guard state.isReachable else { throw InspectionError(.unavailable, "switched off") }
            let gone = state.tasks.filter(isMeant)
            state.tasks.removeAll(where: isMeant)
            for task in gone {
                if task.isCompleted {
                    state.counts[task.queue]?.completedKept -= 1
                } else {
                    state.counts[task.queue]?.failedKept -= 1
                }
            }
            return gone.count
        }
    }
}
