/// The rule at the end of a zone file: two offsets and the days on which clocks change, as POSIX writes them in `TZ`.
///
/// `CET-1CEST,M3.5.0,M10.5.0/3` is an example. Hours go from -167 to 167, as RFC 8536 lets version 3 files have them.
struct POSIXZone: Equatable {
    /// The standard offset in seconds east of UTC.
    var standard: Int32
    /// Daylight saving time, for zones that have it.
    var daylight: Daylight?

    /// When clocks show daylight saving time, and what they show then.
    struct Daylight: Equatable {
        /// The offset in seconds east of UTC; Ireland's is smaller than its standard one.
        var offset: Int32
        /// When it begins, in standard time.
        var start: Day
        /// When it ends, in daylight saving time.
        var end: Day
    }

    /// A day of each year and a time on it.
    struct Day: Equatable {
        var rule: Rule
        /// Seconds after midnight; may lie on another day.
        var time: Int64 = 7200

        enum Rule: Equatable {
            /// Day 1 to 365; the 29th of February is never counted.
            case withoutLeapDay(Int)
            /// Day 0 to 365; the 29th of February counts.
            case ordinal(Int)
            /// The `week`-th such weekday of a month; the fifth is the last.
            case weekday(month: Int, week: Int, weekday: Int)
        }

        /// Seconds since 1970 in wall-clock time.
        func second(in year: Int) -> Int64 {
            let january = CivilDate(year: year, month: 1, day: 1).days
            let day: Int
            switch rule {
            case .withoutLeapDay(let number):
                day = january + number - 1 + (CivilDate.isLeap(year) && number >= 60 ? 1 : 0)
            case .ordinal(let number):
                day = january + number
            case .weekday(let month, let week, let weekday):
                let first = CivilDate(year: year, month: month, day: 1).days
                let start = first + (weekday - CivilDate.weekday(days: first) + 7) % 7
                let last = first + CivilDate.days(in: month, of: year) - 1
                day = min(start + (week - 1) * 7, last - (last - start) % 7)
            }
            return Int64(day) * 86_400 + time
        }
    }

    /// The changes of a year in order of time, each with the offset after it.
    ///
    /// Zones with daylight saving time all year end it in the moment in which it begins again; the beginning wins.
    func changes(in year: Int) -> [(time: Int64, offset: Int32)] {
        guard let daylight else { return [] }
        let start = (time: daylight.start.second(in: year) - Int64(standard), offset: daylight.offset)
        let end = (time: daylight.end.second(in: year) - Int64(daylight.offset), offset: standard)
        return start.time < end.time ? [start, end] : [end, start]
    }

    // MARK: Reading

    /// Reads a rule; `nil` when it is not one.
    init?(_ text: some Sequence<UInt8>) {
        var cursor = Cursor(rest: Array(text)[...])
        guard cursor.skipName(), let offset = cursor.time(hours: 24), let standard = Self.offset(-offset) else {
            return nil
        }
        self.standard = standard
        if cursor.rest.isEmpty { return }
        guard cursor.skipName() else { return nil }
        var daylight = standard + 3600
        if !cursor.rest.isEmpty, cursor.rest.first != UInt8(ascii: ",") {
            guard let offset = cursor.time(hours: 24), let own = Self.offset(-offset) else { return nil }
            daylight = own
        }
        guard cursor.take(","), let start = cursor.day(), cursor.take(","), let end = cursor.day(), cursor.rest.isEmpty
        else { return nil }
        self.daylight = Daylight(offset: daylight, start: start, end: end)
    }

    private static func offset(_ seconds: Int64) -> Int32? {
        abs(seconds) < ZoneRules.largestOffset ? Int32(seconds) : nil
    }

    private struct Cursor {
        var rest: ArraySlice<UInt8>

        mutating func take(_ mark: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(truncatingIfNeeded: mark.value) else { return false }
            rest.removeFirst()
            return true
        }

        /// Three letters or more, or anything between angle brackets.
        mutating func skipName() -> Bool {
            if take("<") {
                guard let end = rest.firstIndex(of: UInt8(ascii: ">")), end > rest.startIndex else { return false }
                rest = rest[(end + 1)...]
                return true
            }
            let letters = rest.prefix { (0x61...0x7a).contains($0 | 0x20) }
            rest = rest[letters.endIndex...]
            return letters.count >= 3
        }

        mutating func number(upTo largest: Int) -> Int? {
            let digits = rest.prefix { $0 &- UInt8(ascii: "0") < 10 }
            guard (1...3).contains(digits.count) else { return nil }
            rest = rest[digits.endIndex...]
            let number = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
            return number <= largest ? number : nil
        }

        /// `[+-]h[h[h]][:mm[:ss]]` in seconds.
        mutating func time(hours: Int) -> Int64? {
            let negative = take("-")
            if !negative { _ = take("+") }
            guard let hour = number(upTo: hours) else { return nil }
            var seconds = Int64(hour) * 3600
            if take(":") {
                guard let minute = number(upTo: 59) else { return nil }
                seconds += Int64(minute) * 60
                if take(":") {
                    guard let second = number(upTo: 59) else { return nil }
                    seconds += Int64(second)
                }
            }
            return negative ? -seconds : seconds
        }

        mutating func day() -> Day? {
            guard let rule = rule() else { return nil }
            guard take("/") else { return Day(rule: rule) }
            return time(hours: 167).map { Day(rule: rule, time: $0) }
        }

        private mutating func rule() -> Day.Rule? {
            if take("M") {
                guard let month = number(upTo: 12), month > 0, take("."), let week = number(upTo: 5), week > 0,
                    take("."),
                    let weekday = number(upTo: 6)
                else { return nil }
                return .weekday(month: month, week: week, weekday: weekday)
            }
            if take("J") { return number(upTo: 365).flatMap { $0 > 0 ? .withoutLeapDay($0) : nil } }
            return number(upTo: 365).map { .ordinal($0) }
        }
    }
}
