/// Shares one snapshot among all who ask at the same time, so that a thousand questions cost what one does.
actor SnapshotCache<Snapshot: Sendable> {
    private struct Running {
        let startedAt: ContinuousClock.Instant
        let task: Task<Snapshot, any Error>
    }

    private let take: @concurrent @Sendable () async throws -> Snapshot
    private let pause: Duration
    private var last: (snapshot: Snapshot, startedAt: ContinuousClock.Instant)?
    private var running: Running?

    /// - Parameters:
    ///   - pause: the least time from the start of one snapshot to the start of the next.
    ///   - take: takes a snapshot.
    init(pause: Duration, take: @escaping @concurrent @Sendable () async throws -> Snapshot) {
        self.pause = pause
        self.take = take
    }

    /// A snapshot that was begun at this moment or later, and when it was begun.
    func snapshot(
        since moment: ContinuousClock.Instant
    ) async throws -> (snapshot: Snapshot, startedAt: ContinuousClock.Instant) {
        while true {
            if let last, last.startedAt >= moment { return last }
            if let running {
                let snapshot = try await running.task.value
                if running.startedAt >= moment { return (snapshot, running.startedAt) }
                continue
            }
            let now = ContinuousClock.now
            if let last, now < last.startedAt + pause {
                try await Task.sleep(until: last.startedAt + pause, clock: .continuous)
                continue
            }
            start(at: now)
        }
    }

    private func start(at now: ContinuousClock.Instant) {
        // A task of its own: whoever asked first may be cancelled, those who wait with it are not. It says itself that it is
        // over, before they hear of it: one that waits for a later snapshot would find it running still, and ask for ever.
        let task = Task {
            defer { running = nil }
            let snapshot = try await take()
            last = (snapshot, now)
            return snapshot
        }
        running = Running(startedAt: now, task: task)
    }
}
