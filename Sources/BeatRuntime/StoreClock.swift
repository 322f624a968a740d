import CeleryMessage

/// The store's time of day, read now and then and counted on by the host's uptime.
///
/// Steps of the host's own clock do not reach it. It runs behind the store's by as long as the last answer travelled, so a
/// beat is never early.
struct StoreClock: Sendable {
    private var reading: (time: Instant, uptime: Duration)?

    /// Whether it has been read at all.
    var isSet: Bool { reading != nil }

    /// Takes a reading that arrived at an uptime.
    mutating func set(_ time: Instant, at uptime: Duration) { reading = (time, uptime) }

    /// The time of day at an uptime; the epoch before the first reading.
    func now(at uptime: Duration) -> Instant {
        guard let reading else { return Instant(microseconds: 0) }
        return reading.time + (uptime - reading.uptime)
    }

    /// The uptime at which it will be a time of day.
    func uptime(at time: Instant) -> Duration {
        guard let reading else { return .zero }
        return reading.uptime + (time - reading.time)
    }
}
