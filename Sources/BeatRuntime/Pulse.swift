import Synchronization

/// When a beat last came round; it can be asked while the beat itself is stuck.
public final class Pulse: Sendable {
    private let clock: any BeatClock
    private let last: Mutex<Duration>

    init(_ clock: any BeatClock) {
        self.clock = clock
        last = Mutex(clock.uptime)
    }

    /// The beat has looked at everything that was due.
    func beat() { last.withLock { $0 = clock.uptime } }

    /// How long ago the beat came round; before its first time, how long ago it was made.
    public var age: Duration { clock.uptime - last.withLock { $0 } }
}
