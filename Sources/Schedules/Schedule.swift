public import CeleryMessage

/// When an entry is due.
public enum Schedule: Sendable, Hashable {
    /// Every so often, counted in real time from the moment the entry was first seen.
    case interval(Interval)
    /// At wall-clock times.
    case crontab(Crontab)
    /// When the sun rises, sets or stands highest.
    case solar(Solar)
    /// At one moment, and never again.
    case once(Instant)

    /// The first slot strictly after a moment; `nil` when none comes any more.
    ///
    /// It depends on its arguments alone, so every host that asks gets the same slots, whichever moment it asks from:
    /// that is what lets several beats claim a slot by its time.
    ///
    /// - Parameters:
    ///   - instant: the moment to look from.
    ///   - anchor: when the entry was first seen; intervals count from it.
    ///   - zone: the clock that crontabs, and intervals that round, go by.
    ///   - clockChanges: what becomes of crontab times that a clock change skips or repeats.
    public func nextSlot(
        after instant: Instant,
        anchor: Instant,
        zone: ZoneRules,
        clockChanges: ClockChangePolicy = .standard
    ) -> Instant? {
        let first = CivilDate.seconds.lowerBound
        let second = max(CivilDate.floored(instant.microseconds, 1_000_000), first - 1)
        guard second < CivilDate.seconds.upperBound else { return nil }
        switch self {
        case .once(let moment):
            return moment > instant ? moment : nil
        case .interval(let interval):
            return interval.nextSlot(after: instant, anchor: anchor, zone: zone)
        case .crontab(let crontab):
            return crontab.nextSlot(after: second, zone: zone, clockChanges: clockChanges)
                .map { Instant(microseconds: $0 * 1_000_000) }
        case .solar(let solar):
            return solar.nextEvent(after: second).map { Instant(microseconds: $0 * 1_000_000) }
        }
    }
}

extension Schedule: CustomStringConvertible {
    /// The schedule in the words of Celery's start banner and `repr`.
    public var description: String {
        switch self {
        case .interval(let interval): interval.description
        case .crontab(let crontab): crontab.description
        case .solar(let solar): solar.description
        case .once(let instant): "<once: \(ISO8601.string(instant))>"
        }
    }
}
