import CeleryMessage
import Testing

@testable import Schedules

struct IntervalTests {
    @Test func `is due when Celery's is, rounded or not`() throws {
        for line in try Vectors.lines("interval_is_due") {
            let seconds = try line.number("seconds")
            let every = Duration.microseconds(Int64(seconds * 1_000_000))
            guard seconds > 0 else {
                // Celery runs it without a pause; here it is refused.
                #expect(throws: ScheduleError(.interval, "")) { try Interval(every: every) }
                continue
            }
            let relative = try line.flag("relative")
            let schedule = Schedule.interval(try Interval(every: every, relative: relative))
            let (last, now) = (try line.instant("last_run_at"), try line.instant("now"))
            let zone = try line.zone()
            let slot = try #require(schedule.nextSlot(after: last, anchor: last, zone: zone))
            #expect((slot <= now) == (try line.flag("is_due")), "\(line)")
            // Once due, Celery counts anew from now.
            let next = try #require(slot <= now ? schedule.nextSlot(after: now, anchor: now, zone: zone) : slot)
            // The recorded call gave its time a fixed offset, which knows no day of 25 hours.
            if zone.offset(at: next) != zone.offset(at: now) { continue }
            #expect(next - now == .microseconds(Int64(try line.number("next_seconds") * 1e6)), "\(line)")
        }
    }

    @Test func `keeps to its grid whichever moment it is asked from`() throws {
        let anchor = Instant(microseconds: 1_700_000_000_123_456)
        let schedule = Schedule.interval(try Interval(every: .milliseconds(2500)))
        let slots = schedule.slots(after: anchor, count: 50)
        #expect(slots.first == anchor + .milliseconds(2500))
        for (index, slot) in slots.enumerated() {
            #expect(slot == anchor + .milliseconds(2500) * (index + 1))
            let before = slot - .microseconds(1)
            #expect(schedule.nextSlot(after: before, anchor: anchor, zone: .utc) == slot)
        }
        let early = anchor - .seconds(1_000_000)
        #expect(schedule.nextSlot(after: early, anchor: anchor, zone: .utc) == slots.first)
    }

    @Test(arguments: [
        ("Australia/Lord_Howe", "2024-04-06T20:10:07+11:00"), ("Australia/Lord_Howe", "2024-10-05T20:10:07+10:30"),
        ("America/New_York", "2024-03-09T20:10:07-05:00"), ("America/New_York", "2024-11-02T20:10:07-04:00"),
        ("Asia/Kolkata", "2024-11-02T20:10:07+05:30"), ("America/Havana", "2024-11-02T20:10:07-04:00"),
        ("Asia/Beirut", "2024-03-30T20:10:07+02:00"), ("Africa/Casablanca", "2026-02-14T20:10:07+01:00"),
    ])
    func `gives the same rounded slots in leaps as step by step`(zone: String, start: String) throws {
        let zone = try ZoneRules.named(zone)
        let anchor = try Vectors.instant(start)
        for seconds in [7, 90, 600, 2700, 3600, 5400, 9000, 86_400, 129_600, 604_800] as [Int64] {
            let schedule = Schedule.interval(try Interval(every: .seconds(seconds), relative: true))
            // Each slot is the first after the one before, when that one is the anchor.
            var slots = [anchor]
            for _ in 0..<60 {
                let last = try #require(slots.last)
                slots.append(try #require(schedule.nextSlot(after: last, anchor: last, zone: zone)))
            }
            slots.removeFirst()
            #expect(schedule.slots(after: anchor, count: 60, zone: zone) == slots, "\(seconds)")
            let last = try #require(slots.last)
            #expect(schedule.nextSlot(after: last - .microseconds(1), anchor: anchor, zone: zone) == last, "\(seconds)")
        }
    }

    @Test func `answers for an anchor of long ago without walking there`() throws {
        let schedule = Schedule.interval(try Interval(every: .seconds(1), relative: true))
        let anchor = Instant(microseconds: -1_000_000_000_000_000)
        let zone = try ZoneRules.named("America/New_York")
        let now = try Vectors.instant("2026-06-01T00:00:00.5Z")
        #expect(
            schedule.nextSlot(after: now, anchor: anchor, zone: zone) == (try Vectors.instant("2026-06-01T00:00:01Z"))
        )
    }

    @Test(arguments: [Duration.zero, .seconds(-1), .microseconds(999), .seconds(Int64.max)])
    func `refuses what is no interval`(every: Duration) {
        #expect(throws: ScheduleError(.interval, "")) { try Interval(every: every) }
    }

    @Test(arguments: [
        (Duration.seconds(30), "<freq: 30.00 seconds>"), (.seconds(1), "<freq: 1.00 second>"),
        (.seconds(3600), "<freq: 1.00 hour>"), (.seconds(5400), "<freq: 1.50 hours>"),
        (.milliseconds(500), "<freq: 0.50 seconds>"), (.seconds(86_400), "<freq: 1.00 day>"),
        (.seconds(60), "<freq: 1.00 minute>"), (.seconds(172_800), "<freq: 2.00 days>"),
    ])
    func `shows itself as Celery does`(every: Duration, text: String) throws {
        #expect(try Interval(every: every).description == text)
    }

    @Test func `runs once at one moment`() {
        let moment = Instant(microseconds: 1_000_000)
        let schedule = Schedule.once(moment)
        #expect(schedule.nextSlot(after: Instant(microseconds: 999_999), anchor: moment, zone: .utc) == moment)
        #expect(schedule.nextSlot(after: moment, anchor: moment, zone: .utc) == nil)
    }
}
