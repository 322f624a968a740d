import CeleryMessage
import Foundation
import Testing

@testable import Schedules

struct CrontabSlotTests {
    @Test func `finds the same next runs as Celery wherever no clock changes`() throws {
        var (compared, changed) = (0, 0)
        for line in try Vectors.lines("crontab_next_runs") {
            let zone = try line.zone()
            let crontab = try #require(try line.crontab("crontab"))
            let start = try line.instant("start")
            let expected = try line.texts("next").map(Vectors.instant)
            // From two hours before a clock change on the policy decides; the tests below are about that.
            let stretch = zone.stretch(at: CivilDate.floored(start.microseconds, 1_000_000))
            let end = Instant(microseconds: (min(stretch.end, 1 << 40) - 7200) * 1_000_000)
            let even = expected.prefix { $0 < end }
            changed += expected.count - even.count
            compared += even.count
            #expect(
                Schedule.crontab(crontab).slots(after: start, count: even.count, zone: zone) == Array(even),
                "\(line)"
            )
        }
        #expect(compared > 150)
        #expect(changed > 0)
    }

    @Test func `is due when Celery's is`() throws {
        var compared = 0
        for line in try Vectors.lines("crontab_is_due") where line.has("remaining_from_last_seconds") {
            guard let crontab = try line.crontab("crontab") else { continue }
            let (last, now) = (try line.instant("last_run_at"), try line.instant("now"))
            let zone = try line.zone()
            let slot = try #require(
                Schedule.crontab(crontab).nextSlot(after: last, anchor: last, zone: zone)
            )
            let crossing =
                zone.offset(at: last) != zone.offset(at: slot) || zone.offset(at: now) != zone.offset(at: slot)
            if crossing { continue }
            compared += 1
            let remaining = try line.number("remaining_from_last_seconds")
            #expect(slot - now == .microseconds(Int64(remaining * 1e6)), "\(line)")
        }
        #expect(compared > 30)
    }

    @Test func `takes days of the month and of the week together, not either`() throws {
        let times = try Schedule.crontab(Crontab("0 0 13 * fri")).times(after: "2026-01-01T00:00:00Z", count: 4)
        #expect(times.map { $0.prefix(10) } == ["2026-02-13", "2026-03-13", "2026-11-13", "2027-08-13"])
    }

    @Test func `finds a leap day on a weekday across a century without one`() throws {
        let times = try Schedule.crontab(Crontab("0 12 29 2 sun")).times(after: "2080-01-01T00:00:00Z", count: 2)
        #expect(times.map { $0.prefix(10) } == ["2088-02-29", "2128-02-29"])
    }

    @Test func `comes to an end with the calendar`() throws {
        let schedule = Schedule.crontab(try Crontab("59 23 31 12 *"))
        #expect(try schedule.times(after: "9998-12-31T23:59:30Z", count: 3) == ["9999-12-31T23:59:00+00:00"])
        #expect(schedule.slots(after: Instant(microseconds: .max), count: 1).isEmpty)
        #expect(schedule.slots(after: Instant(microseconds: .min), count: 1).count == 1)
    }

    struct Change: Sendable, CustomTestStringConvertible {
        var text: String
        var zone: String
        var start: String
        var times: [String]
        var policy = ClockChangePolicy.standard
        var testDescription: String { "\(text) in \(zone), \(policy.gap), \(policy.repeated)" }
    }

    static let changes = [
        // New York puts clocks forward from 02:00 to 03:00 on 2024-03-10.
        Change(
            text: "30 2 * * *",
            zone: "America/New_York",
            start: "2024-03-09T12:00:00-05:00",
            times: ["2024-03-10T03:00:00-04:00", "2024-03-11T02:30:00-04:00"]
        ),
        Change(
            text: "30 2 * * *",
            zone: "America/New_York",
            start: "2024-03-09T12:00:00-05:00",
            times: ["2024-03-11T02:30:00-04:00", "2024-03-12T02:30:00-04:00"],
            policy: ClockChangePolicy(gap: .skip)
        ),
        Change(
            text: "*/20 2,3 * * *",
            zone: "America/New_York",
            start: "2024-03-10T00:00:00-05:00",
            times: ["2024-03-10T03:00:00-04:00", "2024-03-10T03:20:00-04:00", "2024-03-10T03:40:00-04:00"]
        ),
        Change(
            text: "0 * * * *",
            zone: "America/New_York",
            start: "2024-03-10T00:30:00-05:00",
            times: ["2024-03-10T01:00:00-05:00", "2024-03-10T03:00:00-04:00", "2024-03-10T04:00:00-04:00"]
        ),
        Change(
            text: "30 * * * *",
            zone: "America/New_York",
            start: "2024-03-10T01:00:00-05:00",
            times: ["2024-03-10T01:30:00-05:00", "2024-03-10T03:00:00-04:00", "2024-03-10T03:30:00-04:00"]
        ),
        // And back from 02:00 to 01:00 on 2024-11-03.
        Change(
            text: "30 1 * * *",
            zone: "America/New_York",
            start: "2024-11-02T12:00:00-04:00",
            times: ["2024-11-03T01:30:00-04:00", "2024-11-04T01:30:00-05:00"]
        ),
        Change(
            text: "30 1 * * *",
            zone: "America/New_York",
            start: "2024-11-02T12:00:00-04:00",
            times: ["2024-11-03T01:30:00-05:00", "2024-11-04T01:30:00-05:00"],
            policy: ClockChangePolicy(repeated: .last)
        ),
        Change(
            text: "30 1 * * *",
            zone: "America/New_York",
            start: "2024-11-02T12:00:00-04:00",
            times: ["2024-11-03T01:30:00-04:00", "2024-11-03T01:30:00-05:00", "2024-11-04T01:30:00-05:00"],
            policy: ClockChangePolicy(repeated: .both)
        ),
        Change(
            text: "*/30 * * * *",
            zone: "America/New_York",
            start: "2024-11-03T00:45:00-04:00",
            times: ["2024-11-03T01:00:00-04:00", "2024-11-03T01:30:00-04:00", "2024-11-03T02:00:00-05:00"]
        ),
        Change(
            text: "*/30 * * * *",
            zone: "America/New_York",
            start: "2024-11-03T00:45:00-04:00",
            times: [
                "2024-11-03T01:00:00-04:00", "2024-11-03T01:30:00-04:00", "2024-11-03T01:00:00-05:00",
                "2024-11-03T01:30:00-05:00", "2024-11-03T02:00:00-05:00",
            ],
            policy: ClockChangePolicy(repeated: .both)
        ),
        Change(
            text: "*/30 * * * *",
            zone: "America/New_York",
            start: "2024-11-03T00:15:00-04:00",
            times: ["2024-11-03T00:30:00-04:00", "2024-11-03T01:00:00-05:00", "2024-11-03T01:30:00-05:00"],
            policy: ClockChangePolicy(repeated: .last)
        ),
        // Lord Howe changes by half an hour.
        Change(
            text: "*/15 2 * * *",
            zone: "Australia/Lord_Howe",
            start: "2024-10-06T00:00:00+10:30",
            times: ["2024-10-06T02:30:00+11:00", "2024-10-06T02:45:00+11:00", "2024-10-07T02:00:00+11:00"]
        ),
        Change(
            text: "45 1 * * *",
            zone: "Australia/Lord_Howe",
            start: "2024-04-06T12:00:00+11:00",
            times: ["2024-04-07T01:45:00+11:00", "2024-04-08T01:45:00+10:30"]
        ),
        // Samoa had no 30 December 2011.
        Change(
            text: "0 12 30 12 *",
            zone: "Pacific/Apia",
            start: "2011-01-01T00:00:00Z",
            times: ["2011-12-31T00:00:00+14:00", "2012-12-30T12:00:00+14:00"]
        ),
        // Troll jumps two hours, and its midnight is not where the gap is.
        Change(
            text: "30 1,2 * * *",
            zone: "Antarctica/Troll",
            start: "2024-03-31T00:00:00Z",
            times: ["2024-03-31T03:00:00+02:00", "2024-04-01T01:30:00+02:00"]
        ),
        // Istanbul has kept its clocks since 2016.
        Change(
            text: "30 3 * * sun",
            zone: "Europe/Istanbul",
            start: "2026-03-28T00:00:00+03:00",
            times: ["2026-03-29T03:30:00+03:00", "2026-04-05T03:30:00+03:00"]
        ),
        // Far behind the last change that any file lists.
        Change(
            text: "30 2 12 3 *",
            zone: "America/New_York",
            start: "2500-01-01T00:00:00Z",
            times: ["2500-03-12T02:30:00-05:00", "2501-03-12T02:30:00-05:00"]
        ),
        Change(
            text: "30 2 14 3 *",
            zone: "America/New_York",
            start: "2500-01-01T00:00:00Z",
            times: ["2500-03-14T03:00:00-04:00"]
        ),
    ]

    @Test(arguments: changes)
    func `keeps its policy when clocks change`(change: Change) throws {
        let schedule = Schedule.crontab(try Crontab(change.text))
        let times = try schedule.times(
            after: change.start,
            count: change.times.count,
            zone: change.zone,
            clockChanges: change.policy
        )
        #expect(times == change.times)
    }
}
