/// Reads what is new once for all who ask meanwhile, and not again for a moment after.
///
/// Beside ``SnapshotCache``, which makes a value: this one brings something up to date that its owner keeps.
actor SharedReading {
    private let pause: Duration
    private var last: ContinuousClock.Instant?
    private var running: Task<Void, any Error>?

    /// - Parameter pause: the least time from the end of one reading to the start of the next.
    init(pause: Duration) {
        self.pause = pause
    }

    /// Reads, unless that was done a moment ago; waits for a reading that goes on.
    func readOn(_ read: @escaping @Sendable () async throws -> Void) async throws {
        if let running { return try await running.value }
        if let last, ContinuousClock.now < last + pause { return }
        // A task of its own: whoever asked first may be cancelled, those who wait with it are not.
        let task = Task {
            defer { running = nil }
            try await read()
            last = .now
        }
        running = task
        try await task.value
    }

    /// Reads what there is now, however short ago that was done.
    func readNow(_ read: @escaping @Sendable () async throws -> Void) async throws {
        // One that goes on may have passed what is meant.
        while let running { try await running.value }
        last = nil
        try await readOn(read)
    }

    /// Has the next who asks read, because something was changed.
    func expire() { last = nil }
}
