/// Time that only goes forward, and waiting on it.
///
/// A beat asks its own host for nothing else: what time of day it is comes from the ``ScheduleStore``.
public protocol BeatClock: Sendable {
    /// How long something has been going on, also while the process or the host slept.
    var uptime: Duration { get }
    /// Returns when the uptime has come, or when the task is cancelled.
    func sleep(until uptime: Duration) async
}

/// The system's clock.
public struct SystemBeatClock: BeatClock {
    private let start = ContinuousClock.now

    /// A clock that starts now.
    public init() {}

    /// Time since the clock was made.
    public var uptime: Duration { ContinuousClock.now - start }

    /// Sleeps.
    public func sleep(until uptime: Duration) async {
        // A cancelled sleep is over, which is all there is to know.
        try? await Task.sleep(until: start + uptime, tolerance: .zero, clock: .continuous)
    }
}
