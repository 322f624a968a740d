import CeleryMessage

/// A run every so often.
///
/// The slots stand on a grid: one interval after the entry was first seen, two, three. Late runs do not move the grid,
/// which Celery's counting from the last run does.
public struct Interval: Sendable, Hashable {
    /// The interval in microseconds.
    let microseconds: Int64
    /// Whether slots are rounded down to whole days, hours, minutes or seconds of the clock, whichever the interval
    /// holds, as Celery's `relative=True` does.
    public let relative: Bool

    /// The shortest interval, a millisecond, and the longest, a thousand years.
    private static let bounds = Int64(1000)...Int64(1000 * 366 * 86_400) * 1_000_000

    /// Makes an interval of a millisecond to a thousand years.
    public init(every: Duration, relative: Bool = false) throws(ScheduleError) {
        guard every >= .microseconds(Self.bounds.lowerBound), every <= .microseconds(Self.bounds.upperBound) else {
            throw ScheduleError(
                .interval,
                every <= .zero
                    ? "an interval must be longer than 0" : "an interval must be 0.001 seconds to a thousand years",
                field: "every"
            )
        }
        let (seconds, attoseconds) = every.components
        microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        self.relative = relative
    }

    /// The interval.
    public var every: Duration { .microseconds(microseconds) }

    /// The first slot after both a moment and the anchor.
    func nextSlot(after instant: Instant, anchor: Instant, zone: ZoneRules) -> Instant? {
        let bounds = CivilDate.seconds.lowerBound * 1_000_000...CivilDate.seconds.upperBound * 1_000_000
        guard bounds.contains(anchor.microseconds) else { return nil }
        let now = max(instant.microseconds, anchor.microseconds)
        let slot =
            switch unit {
            case nil: anchor.microseconds + ((now - anchor.microseconds) / microseconds + 1) * microseconds
            case .some(Self.day): nextDay(after: now, anchor: anchor.microseconds, zone: zone)
            case .some(let unit): nextRounded(after: now, anchor: anchor.microseconds, unit: unit, zone: zone)
            }
        return bounds.contains(slot) ? Instant(microseconds: slot) : nil
    }

    // MARK: Rounding

    private static let second: Int64 = 1_000_000
    private static let minute = 60 * second
    private static let hour = 60 * minute
    private static let day = 24 * hour

    /// The largest unit that the interval holds; `nil` where nothing is rounded.
    private var unit: Int64? {
        guard relative else { return nil }
        return [Self.day, Self.hour, Self.minute, Self.second].first { $0 <= microseconds }
    }

    /// Midnights, a whole number of calendar days apart.
    private func nextDay(after now: Int64, anchor: Int64, zone: ZoneRules) -> Int64 {
        let step = microseconds / Self.day
        let first = CivilDate.floored(Self.local(anchor, zone) + microseconds, Self.day)
        let today = CivilDate.floored(Self.local(now, zone), Self.day)
        // A day early: a clock that was put back over midnight shows an earlier date than it did before.
        var count = max(0, (today - first) / step - 1)
        while true {
            let midnights = Self.moments(showing: (first + count * step) * Self.day, zone)
            // Of a midnight that comes twice the second counts only where the entry was first seen between the two.
            let slot = count == 0 ? midnights.first { $0 > anchor } : midnights.first
            if let slot, slot > now { return slot }
            count += 1
        }
    }

    /// Slots on whole hours, minutes or seconds: each is the interval after the one before, rounded down.
    private func nextRounded(after now: Int64, anchor: Int64, unit: Int64, zone: ZoneRules) -> Int64 {
        let step = microseconds / unit * unit
        var slot = roundedEnd(of: anchor, unit: unit, zone)
        while slot <= now {
            let stretch = zone.stretch(at: CivilDate.floored(slot, Self.second))
            let end = stretch.end < .max / Self.second ? stretch.end * Self.second : .max
            // Within an even stretch of time rounding takes the same away each time, so all of its slots are one leap.
            let leaps = (min(now, end - microseconds) - slot) / step
            let isWhole = (slot + stretch.offset * Self.second) % unit == 0
            slot = leaps > 0 && isWhole ? slot + leaps * step : roundedEnd(of: slot, unit: unit, zone)
        }
        return slot
    }

    /// The interval after a moment, rounded down to the clock's unit: `remaining()` of `celery/utils/time.py`.
    private func roundedEnd(of start: Int64, unit: Int64, _ zone: ZoneRules) -> Int64 {
        let end = start + microseconds
        let local = Self.local(end, zone)
        let rounded = local - Self.modulo(local, unit)
        var candidates = Self.moments(showing: rounded, zone)
        if let latest = candidates.last(where: { $0 <= end }), latest > start { return latest }
        if unit > Self.second {
            // Clocks that were put back by less than a unit can show the rounded time before the start only.
            candidates += Self.moments(showing: rounded + unit, zone)
            let byClock = Self.local(start, zone) + microseconds
            candidates += Self.moments(showing: byClock - Self.modulo(byClock, unit), zone)
        }
        let later = candidates.filter { $0 > start }
        return later.filter { $0 <= end }.max() ?? later.min() ?? end
    }

    private static func local(_ moment: Int64, _ zone: ZoneRules) -> Int64 {
        moment + zone.stretch(at: CivilDate.floored(moment, second)).offset * second
    }

    private static func modulo(_ number: Int64, _ unit: Int64) -> Int64 {
        number - CivilDate.floored(number, unit) * unit
    }

    /// The moments at which clocks show a whole second; for one that they skip, as long after the gap as it is into it.
    private static func moments(showing local: Int64, _ zone: ZoneRules) -> [Int64] {
        let second = CivilDate.floored(local, Self.second)
        let moments = zone.moments(showing: second)
        return (moments.isEmpty ? [second - zone.offsetBeforeGap(around: second)] : moments).map { $0 * Self.second }
    }
}

extension Interval: CustomStringConvertible {
    /// The interval as Celery shows it, `<freq: 30.00 seconds>`.
    public var description: String {
        let seconds = Double(microseconds) / 1_000_000
        for (unit, length) in [("day", 86_400.0), ("hour", 3600), ("minute", 60), ("second", 1)] where seconds >= length
        {
            let count = Self.hundredths(seconds / length)
            return "<freq: \(count) \(unit)\(seconds / length > 1 ? "s" : "")>"
        }
        return "<freq: \(Self.hundredths(seconds)) seconds>"
    }

    private static func hundredths(_ number: Double) -> String {
        let hundredths = Int((number * 100).rounded(.toNearestOrEven))
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
