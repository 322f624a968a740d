extension Crontab {
    /// The first slot after a second of real time, `nil` beyond the year 9999.
    ///
    /// Between two clock changes wall-clock time runs evenly. So the search walks from one such stretch to the next,
    /// asks for the next match of the wall clock, and looks at clock changes only where it crosses or comes near one.
    func nextSlot(after second: Int64, zone: ZoneRules, clockChanges: ClockChangePolicy) -> Int64? {
        var stretch = zone.stretch(at: second)
        var local = second + stretch.offset
        while let match = nextMatch(after: local) {
            let slot = match - stretch.offset
            if slot < stretch.end {
                if Self.runs(match, at: slot, in: stretch, of: zone, by: clockChanges.repeated) { return slot }
                local = match
                continue
            }
            let next = zone.stretch(at: stretch.end)
            if clockChanges.gap == .after, misses(from: match, to: stretch.end + next.offset, in: zone) {
                return stretch.end
            }
            stretch = next
            local = next.start + next.offset - 1
        }
        return nil
    }

    /// Whether a match runs at this one of the moments at which clocks show it.
    private static func runs(
        _ match: Int64,
        at slot: Int64,
        in stretch: ZoneRules.Stretch,
        of zone: ZoneRules,
        by policy: ClockChangePolicy.Repeated
    ) -> Bool {
        // No two offsets are further apart than the clocks of the whole world.
        let far = 2 * ZoneRules.largestOffset
        switch policy {
        case .both: return true
        case .first where slot - far >= stretch.start: return true
        case .last where slot < stretch.end - far: return true
        case .first: return !zone.moments(showing: match).contains { $0 < slot }
        case .last: return !zone.moments(showing: match).contains { $0 > slot }
        }
    }

    /// Whether a match from `first` on and before `end` is one that clocks never show.
    private func misses(from first: Int64, to end: Int64, in zone: ZoneRules) -> Bool {
        var match: Int64? = first
        while let time = match, time < end {
            if zone.moments(showing: time).isEmpty { return true }
            match = nextMatch(after: time)
        }
        return false
    }

    // MARK: The wall clock alone

    /// The first matching minute after a second of wall-clock time, both counted from 1970 without a zone.
    func nextMatch(after local: Int64) -> Int64? {
        let minuteCount = CivilDate.floored(local, 60) + 1
        let day = CivilDate.floored(minuteCount, 1440)
        let minuteOfDay = Int(minuteCount - day * 1440)
        let (hour, minute) = (minuteOfDay / 60, minuteOfDay % 60)
        let date = CivilDate(days: Int(day))
        if matches(date, days: Int(day)) {
            let laterMinutes = minutes & ~0 << UInt64(minute)
            if hours & 1 << UInt32(hour) != 0, laterMinutes != 0 {
                return day * 86_400 + Int64(hour * 3600 + laterMinutes.trailingZeroBitCount * 60)
            }
            let laterHours = hours & ~0 << UInt32(hour + 1)
            if laterHours != 0 {
                let second = laterHours.trailingZeroBitCount * 3600 + minutes.trailingZeroBitCount * 60
                return day * 86_400 + Int64(second)
            }
        }
        return nextDay(after: date).map {
            Int64($0) * 86_400 + Int64(hours.trailingZeroBitCount * 3600 + minutes.trailingZeroBitCount * 60)
        }
    }

    private func matches(_ date: CivilDate, days: Int) -> Bool {
        months & 1 << UInt16(date.month) != 0 && daysOfMonth & 1 << UInt32(date.day) != 0
            && daysOfWeek & 1 << UInt8(CivilDate.weekday(days: days)) != 0
    }

    /// The next matching day, month by month: one `and` of three masks finds it within a month.
    private func nextDay(after date: CivilDate) -> Int? {
        // The week's seven bits six times over, of which a shift by the first day's weekday leaves a month.
        let weeks = UInt64(daysOfWeek) &* 0x0000_0008_1020_4081
        var (year, month, first) = (date.year, date.month, date.day + 1)
        while year <= 9999 {
            if months & 1 << UInt16(month) != 0 {
                let start = CivilDate(year: year, month: month, day: 1).days
                let matchingWeekdays = UInt32(
                    truncatingIfNeeded: (weeks >> UInt64(CivilDate.weekday(days: start))) << 1
                )
                let candidates =
                    daysOfMonth & Self.mask(ofMonth: month, year: year) & matchingWeekdays & ~0 << UInt32(first)
                if candidates != 0 { return start + candidates.trailingZeroBitCount - 1 }
            }
            let laterMonths = months & ~0 << UInt16(month + 1)
            if laterMonths == 0 { year += 1 }
            month = (laterMonths == 0 ? months : laterMonths).trailingZeroBitCount
            first = 1
        }
        return nil
    }
}
