import CeleryMessage
import Foundation
import Testing

@testable import Schedules

/// Crontabs against a walk that looks at every minute, with Foundation's zones and a calendar that only counts up.
///
/// The walk shares nothing with the code under test: no masks, no table of changes, no arithmetic of dates.
struct CrontabOracleTests {
    static let zones = [
        "America/New_York", "Europe/London", "Europe/Istanbul", "Australia/Lord_Howe", "America/Sao_Paulo",
        "Pacific/Apia", "Antarctica/Troll", "Africa/Casablanca", "Europe/Dublin", "Asia/Tehran", "America/Havana",
        "Asia/Beirut", "America/St_Johns", "Pacific/Chatham", "Asia/Gaza", "America/Nuuk", "Africa/Cairo",
        "America/Asuncion", "Asia/Pyongyang", "America/Caracas", "Pacific/Kiritimati", "Asia/Kathmandu",
        "Europe/Moscow", "Atlantic/Azores", "Australia/Adelaide", "America/Mexico_City",
    ]

    /// The minutes around a clock change, each with what clocks show.
    struct Window {
        var zone: String
        /// The first minute, in minutes since 1970 UTC.
        var start: Int
        var shown: [WallTime]
        /// The places of the middle half, hour by hour of what clocks show.
        var hours: [Range<Int>] = []
        /// What clocks never showed before a minute, by the minute's place.
        var skipped: [Int: [WallTime]] = [:]
        /// Whether clocks showed the same time before, or will again.
        var shownBefore: [Bool]
        var shownAgain: [Bool]

        static let days = 2

        init(zone: String, around change: Date, calendar: Calendar, in timeZone: TimeZone) {
            self.zone = zone
            start = Int(change.timeIntervalSince1970) / 60 - Self.days * 1440
            shown = []
            var offset: Int?
            // The last place at which each wall-clock minute was shown, counted from two days before the first.
            let base = start - 2880
            var lastPlace = Array(repeating: -1, count: (2 * Self.days + 4) * 1440)
            shownBefore = Array(repeating: false, count: 2 * Self.days * 1440)
            shownAgain = shownBefore
            for place in 0..<2 * Self.days * 1440 {
                let date = Date(timeIntervalSince1970: Double(start + place) * 60)
                let now = timeZone.secondsFromGMT(for: date) / 60
                if var last = shown.last, let before = offset, now >= before {
                    last.tick()
                    for _ in 0..<now - before {
                        skipped[place, default: []].append(last)
                        last.tick()
                    }
                    shown.append(last)
                } else {
                    shown.append(Self.time(of: date, calendar))
                }
                let count = start + place + now - base
                if lastPlace[count] >= 0 {
                    shownBefore[place] = true
                    shownAgain[lastPlace[count]] = true
                }
                lastPlace[count] = place
                offset = now
            }
            for place in middle {
                if let last = hours.last, shown[last.lowerBound].hour == shown[place].hour {
                    hours[hours.count - 1] = last.lowerBound..<place + 1
                } else {
                    hours.append(place..<place + 1)
                }
            }
        }

        private static func time(of date: Date, _ calendar: Calendar) -> WallTime {
            let parts = calendar.dateComponents([.year, .month, .day, .weekday, .hour, .minute], from: date)
            return WallTime(
                year: parts.year ?? 0,
                month: parts.month ?? 0,
                day: parts.day ?? 0,
                weekday: (parts.weekday ?? 0) - 1,
                hour: parts.hour ?? 0,
                minute: parts.minute ?? 0
            )
        }

        /// The slots of the middle half, in minutes since 1970.
        func slots(of crontab: RandomCrontab, _ policy: ClockChangePolicy) -> [Int] {
            var slots: [Int] = []
            let before = policy.repeated == .first ? shownBefore : none
            let again = policy.repeated == .last ? shownAgain : none
            for hour in hours where crontab.matchesHour(shown[hour.lowerBound]) {
                for place in hour where crontab.minutes[shown[place].minute] && !before[place] && !again[place] {
                    slots.append(start + place)
                }
            }
            if policy.gap == .after {
                for (place, times) in skipped where middle.contains(place) && times.contains(where: crontab.matches) {
                    if !slots.contains(start + place) { slots.append(start + place) }
                }
            }
            return slots.sorted()
        }

        /// As many times no as there are minutes.
        var none: [Bool] { Array(repeating: false, count: shown.count) }

        var middle: Range<Int> { shown.count / 4..<shown.count * 3 / 4 }
    }

    /// Up to `count` changes of a zone between 1985 and 2024, for which all issues of tzdata say the same.
    private static func windows(_ name: String, count: Int, using random: inout SplitMix) throws -> [Window] {
        let zone = try #require(TimeZone(identifier: name))
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        var changes: [Date] = []
        var date = Date(timeIntervalSince1970: 473_385_600)
        while let next = zone.nextDaylightSavingTimeTransition(after: date), next.timeIntervalSince1970 < 1_704_067_200
        {
            let moved = zone.secondsFromGMT(for: next) - zone.secondsFromGMT(for: next.addingTimeInterval(-1))
            if moved != 0, moved % 60 == 0 { changes.append(next) }
            date = next
        }
        return changes.shuffled(using: &random).prefix(count).map {
            Window(zone: name, around: $0, calendar: calendar, in: zone)
        }
    }

    @Test(arguments: zones) func `agrees with a walk through every minute around clock changes`(name: String) throws {
        var random = SplitMix(seed: name.utf8.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) })
        let rules = try ZoneRules.named(name)
        let windows = try Self.windows(name, count: 4, using: &random)
        #expect(!windows.isEmpty)
        let perWindow = 400 / windows.count + 1
        var found = 0
        for window in windows {
            let (first, last) = (window.start + window.middle.lowerBound, window.start + window.middle.upperBound)
            for _ in 0..<perWindow {
                let crontab = RandomCrontab(using: &random)
                let policy = ClockChangePolicy(
                    gap: .allCases.randomElement(using: &random) ?? .after,
                    repeated: .allCases.randomElement(using: &random) ?? .first
                )
                let expected = window.slots(of: crontab, policy)
                let schedule = try Crontab(crontab.text)
                var slots: [Int] = []
                var moment = Int64(first) * 60 - 1
                while let slot = schedule.nextSlot(after: moment, zone: rules, clockChanges: policy), slot < last * 60 {
                    slots.append(Int(slot / 60))
                    moment = slot
                }
                found += slots.count
                #expect(slots == expected, "\(crontab.text) in \(name) from minute \(first), \(policy)")
            }
        }
        #expect(found > 1000)
    }

    @Test func `agrees with a walk through every day of fifty years`() throws {
        var random = SplitMix(seed: 4)
        var days: [(number: Int, time: WallTime)] = []
        var time = WallTime(year: 1990, month: 1, day: 1, weekday: 1, hour: 0, minute: 0)
        for number in 7305..<7305 + 50 * 365 {
            days.append((number, time))
            for _ in 0..<24 {
                // A minute before the hour is over, so that one tick ends the hour.
                time.minute = 59
                time.tick()
            }
        }
        for _ in 0..<150 {
            let crontab = RandomCrontab(using: &random)
            let schedule = try Crontab(crontab.text)
            let expected = days.filter { _, day in
                crontab.daysOfMonth[day.day] && crontab.months[day.month] && crontab.daysOfWeek[day.weekday]
            }.map(\.number)
            var found: [Int] = []
            var moment = Int64(7305) * 86_400 - 1
            while let slot = schedule.nextMatch(after: moment), slot < (7305 + 50 * 365) * 86_400 {
                found.append(Int(slot / 86_400))
                moment = (slot / 86_400 + 1) * 86_400 - 60
            }
            #expect(found == expected, "\(crontab.text)")
        }
    }
}
