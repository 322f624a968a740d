public import CeleryMessage

/// How far the clocks of a place are ahead of UTC, and when that changes.
///
/// A value, read once and asked often: an answer is a binary search. The rules hold for all years: where a zone changes
/// its clocks year after year, the table goes on for a whole cycle of the calendar, 400 years, and then repeats.
public struct ZoneRules: Sendable, Hashable {
    /// The zone's name, such as `Europe/Istanbul`.
    public let name: String
    /// The seconds since 1970 UTC at which the offset changes, in order.
    let changes: [Int64]
    /// The offsets before the first change and after each, in seconds east of UTC.
    let offsets: [Int32]
    /// Whether the last 400 years of the table come again and again.
    let repeats: Bool

    /// No clock is further from UTC than this; files that say so are refused.
    static let largestOffset: Int64 = 26 * 3600

    /// Universal time, which needs no file.
    public static let utc = ZoneRules(name: "UTC", offset: 0)

    /// A clock that never changes.
    init(name: String, offset: Int) {
        self.init(name: name, changes: [], offsets: [Int32(offset)], repeats: false)
    }

    private init(name: String, changes: [Int64], offsets: [Int32], repeats: Bool) {
        self.name = name
        self.changes = changes
        self.offsets = offsets
        self.repeats = repeats
    }

    /// Makes rules of changes in order of time, each with the offset after it; changes to the same offset are dropped.
    ///
    /// - Parameters:
    ///   - first: the offset before the first change.
    ///   - yearly: what happens year after year behind the last change.
    init(name: String, first: Int32, changes: [(time: Int64, offset: Int32)], yearly: POSIXZone? = nil) {
        var times: [Int64] = []
        var offsets = [first]
        func add(_ time: Int64, _ offset: Int32) {
            if time == times.last {
                times.removeLast()
                offsets.removeLast()
            }
            if offset != offsets.last {
                times.append(time)
                offsets.append(offset)
            }
        }
        for (time, offset) in changes { add(time, offset) }
        let last = changes.last?.time ?? 0
        if let yearly {
            let year = CivilDate(days: Int(CivilDate.floored(last, 86_400))).year
            if yearly.daylight == nil {
                if changes.isEmpty { add(last, yearly.standard) }
            } else {
                for year in year...year + 401 {
                    for change in yearly.changes(in: year) where change.time > last { add(change.time, change.offset) }
                }
            }
        }
        let repeats = yearly?.daylight != nil && times.count > 800
        self.init(name: name, changes: times, offsets: offsets, repeats: repeats)
    }

    /// Seconds east of UTC at a moment.
    public func offset(at instant: Instant) -> Int {
        Int(stretch(at: CivilDate.floored(instant.microseconds, 1_000_000)).offset)
    }

    /// A time without clock changes.
    struct Stretch: Equatable {
        /// Its first second, or `Int64.min`.
        var start: Int64
        /// The first second after it, or `Int64.max`.
        var end: Int64
        /// Seconds east of UTC.
        var offset: Int64
    }

    /// The stretch that a second since 1970 UTC belongs to.
    func stretch(at second: Int64) -> Stretch {
        var shift: Int64 = 0
        if repeats, let last = changes.last, second >= last {
            shift = ((second - last) / CivilDate.cycleOfSeconds + 1) * CivilDate.cycleOfSeconds
        }
        let sought = second - shift
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle] <= sought { low = middle + 1 } else { high = middle }
        }
        return Stretch(
            start: low == 0 ? .min : changes[low - 1] + shift,
            end: low == changes.count ? .max : changes[low] + shift,
            offset: Int64(offsets[low])
        )
    }

    /// The moments at which clocks show a wall-clock second: none in a gap, two in a repeated stretch, else one.
    func moments(showing local: Int64) -> [Int64] {
        var found: [Int64] = []
        var stretch = stretch(at: local - Self.largestOffset)
        while true {
            let moment = local - stretch.offset
            if moment >= stretch.start, moment < stretch.end { found.append(moment) }
            guard stretch.end <= local + Self.largestOffset else { return found }
            stretch = self.stretch(at: stretch.end)
        }
    }

    /// The moment at which clocks show a wall-clock time, which is given as if it were UTC.
    ///
    /// Of a time that is shown twice it is the first; for one that is never shown, the first instant after the gap.
    public func moment(showing local: Instant) -> Instant {
        let second = CivilDate.floored(local.microseconds, 1_000_000)
        if let moment = moments(showing: second).first {
            return Instant(microseconds: moment * 1_000_000 + local.microseconds - second * 1_000_000)
        }
        return Instant(microseconds: stretch(at: second - offsetBeforeGap(around: second)).start * 1_000_000)
    }

    /// The offset before the gap that a wall-clock second lies in, for a second that clocks never show.
    func offsetBeforeGap(around local: Int64) -> Int64 {
        var stretch = stretch(at: local - Self.largestOffset)
        while stretch.end <= local + Self.largestOffset {
            let next = self.stretch(at: stretch.end)
            if local >= stretch.end + stretch.offset, local < stretch.end + next.offset { return stretch.offset }
            stretch = next
        }
        return stretch.offset
    }
}

extension ZoneRules: CustomStringConvertible {
    /// The zone's name.
    public var description: String { name }
}
