import CeleryMessage
import Schedules
import Testing

@testable import BeatCommandLine

@Suite struct `The plan of a schedule` {
    private static let start = moment("2026-03-01T00:00:00Z")
    private static let end = moment("2026-03-03T00:00:00Z")

    private static func moment(_ text: String) -> Instant { ISO8601.date(text) ?? Instant(microseconds: 0) }

    private static func entry(_ name: String, _ text: String, task: String = "t") throws -> ScheduleEntry {
        ScheduleEntry(name: name, task: task, schedule: .crontab(try Crontab(text)))
    }

    /// Runs as `name day hour:minute`.
    private static func runs(_ entries: [ScheduleEntry]) -> [String] {
        UpcomingRuns(entries, from: start, until: end).map { run in
            "\(entries[run.entry].name) \(ISO8601.string(run.slot).dropFirst(8).prefix(8))"
        }
    }

    @Test func `holds the runs of all entries in order of time, then of the file`() throws {
        let entries = [
            try Self.entry("late", "0 23 * * *"), try Self.entry("noon", "0 12 * * *"),
            try Self.entry("also noon", "0 12 1 * *"),
        ]
        #expect(
            Self.runs(entries) == [
                "noon 01T12:00", "also noon 01T12:00", "late 01T23:00", "noon 02T12:00", "late 02T23:00",
            ]
        )
    }

    @Test func `begins with its first moment and ends before its last`() throws {
        #expect(Self.runs([try Self.entry("midnight", "0 0 * * *")]) == ["midnight 01T00:00", "midnight 02T00:00"])
    }

    @Test func `counts intervals from its first moment, and leaves out what is not enabled or over`() throws {
        let daily = ScheduleEntry(name: "i", task: "t", schedule: .interval(try Interval(every: .seconds(86_400))))
        var asleep = daily
        asleep.isEnabled = false
        let over = ScheduleEntry(name: "o", task: "t", schedule: .once(Self.start - .seconds(1)))
        #expect(Self.runs([daily, asleep, over]) == ["i 02T00:00"])
        #expect(Self.runs([]) == [])
    }

    @Test func `shows of another schedule what comes, what goes, and what changes otherwise`() throws {
        let old = [
            try Self.entry("same", "0 6 * * *"), try Self.entry("gone", "0 7 1 * *"),
            try Self.entry("moved", "0 8 1 * *"),
        ]
        var new = [
            try Self.entry("moved", "0 9 1 * *"), try Self.entry("same", "0 6 * * *"),
            try Self.entry("new", "0 7 1 * *"),
        ]
        new[1].kwargs = Array("{\"days\": 1}".utf8)
        let changes = PlanDifference(from: old, to: new, between: Self.start, and: Self.end).map { change in
            let entries = change.side == .removed ? old : new
            return "\(change.side) \(entries[change.run.entry].name) \(ISO8601.string(change.run.slot).prefix(13))"
        }
        #expect(
            changes == [
                "removed gone 2026-03-01T07", "added new 2026-03-01T07", "removed moved 2026-03-01T08",
                "added moved 2026-03-01T09",
            ]
        )
        let changed = PlanDifference.changedEntries(from: old, to: new)
        #expect(changed.map(\.name) == ["same"])
        #expect(changed.map(\.keys) == [["kwargs"]])
        #expect(PlanDifference(from: old, to: old, between: Self.start, and: Self.end).map(\.side).isEmpty)
    }

    @Test func `is written as JSON lines with the offset of the zone`() throws {
        var lines = ""
        var writer = PlanWriter(isJSON: true, zone: nil) { lines += $0 }
        var entry = try Self.entry("a \"b\"", "0 0 * * *")
        let zone = try ZoneRules.named("Europe/Istanbul")
        entry.rules = EntryRules(zone: zone)
        writer.write(Self.moment("2026-03-01T21:00:00Z"), of: entry)
        entry.rules = EntryRules(zone: zone, jitter: .seconds(60))
        writer.write(Self.moment("2026-03-01T21:00:00Z"), of: entry, .added)
        writer.write(changed: ["args"], of: "x")
        writer.note("for people")
        writer.flush()
        let parts = lines.split(separator: "\n").map(String.init)
        #expect(parts.count == 3)
        #expect(parts.first == #"{"entry": "a \"b\"", "at": "2026-03-02T00:00:00+03:00"}"#)
        #expect(parts.dropFirst().first?.contains(#""due": "2026-03-02T00:00:"#) == true)
        #expect(parts.dropFirst().first?.hasSuffix(#""change": "added"}"#) == true)
        #expect(parts.last == #"{"entry": "x", "change": "changed", "keys": ["args"]}"#)
    }

    @Test func `is written as text in the zone asked for`() throws {
        var lines = ""
        var writer = PlanWriter(isJSON: false, zone: try ZoneRules.named("Asia/Tokyo")) { lines += $0 }
        let entry = try Self.entry("a", "0 0 * * *", task: "tasks.add")
        writer.write(Self.start, of: entry)
        writer.write(Self.start, of: entry, .removed)
        writer.write(changed: ["task", "args"], of: "x")
        writer.note("nothing changes")
        writer.flush()
        #expect(
            lines == """
                2026-03-01T09:00:00+09:00  a  tasks.add
                - 2026-03-01T09:00:00+09:00  a  tasks.add
                ~ x: task, args
                nothing changes

                """
        )
    }

    @Test(arguments: [
        ("2026-03-01", "2026-02-28T21:00:00+00:00"), ("2026-03-01T02:30", "2026-02-28T23:30:00+00:00"),
        ("2026-03-01 02:30:15", "2026-02-28T23:30:15+00:00"), ("2026-03-01T02:30:00Z", "2026-03-01T02:30:00+00:00"),
        ("2026-03-01T02:30:00-05:00", "2026-03-01T07:30:00+00:00"), ("now", "2026-03-01T00:00:00+00:00"),
        ("now+7d", "2026-03-08T00:00:00+00:00"), ("now+90m", "2026-03-01T01:30:00+00:00"),
    ])
    func `reads moments as clocks of the zone show them`(text: String, moment: String) throws {
        let zone = try ZoneRules.named("Europe/Istanbul")
        let read = try #require(PlanTime.moment(text, zone: zone, now: Self.start))
        #expect(ISO8601.string(read) == moment)
    }

    @Test(arguments: ["", "soon", "now-1d", "now+", "now+d", "2026-13-01", "2026-03-01T25:00", "7d"])
    func `reads no moment in other words`(text: String) {
        #expect(PlanTime.moment(text, zone: .utc, now: Self.start) == nil)
    }

    @Test(arguments: [("7d", 604_800), ("36h", 129_600), ("90m", 5400), ("4w", 2_419_200), ("30", 30), ("5s", 5)])
    func `reads spans`(text: String, seconds: Int64) { #expect(PlanTime.span(text) == .seconds(seconds)) }

    @Test(arguments: ["", "d", "-1d", "0", "1.5h", "1y", "99999999999999999999d", "999999999999"])
    func `reads no span in other words`(text: String) { #expect(PlanTime.span(text) == nil) }
}
