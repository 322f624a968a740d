import CeleryMessage
import Foundation
import Schedules
import TestSupport
import Testing

@testable import Settings

@Suite struct `A schedule file` {
    private func load(_ text: String, timezone: String? = nil, environment: [String: String] = [:]) throws
        -> LoadedSchedule
    {
        let folder = try ScratchFolder()
        try folder.write(Data(text.utf8), to: "beat.yaml")
        return ScheduleFileLoader(
            path: "beat.yaml",
            environment: environment,
            timezone: timezone,
            workingFolder: folder.path
        ).load()
    }

    private func schedule(_ text: String, timezone: String? = nil) throws -> ScheduleFile {
        let loaded = try load(text, timezone: timezone)
        guard let schedule = loaded.schedule else { throw NotGood(description: loaded.report.description) }
        return schedule
    }

    private func entry(_ block: String) throws -> ScheduleEntry {
        try #require(try schedule("beat_schedule:\n  e: {task: a.b, \(block)}").entries.first)
    }

    @Test func `has entries in their order, each in the file's zone`() throws {
        let file = try schedule(
            """
            timezone: Europe/Istanbul
            beat_schedule:
              logs:
                task: a.cleanup
                schedule: {crontab: "0 0 * * *"}
                args: [1, two]
                kwargs: {days: 90}
                options: {queue: maintenance, expires: 3600, priority: 3, headers: {x: 1}}
                purpose: Old logs go.
              other: {task: a.other, schedule: 30, zone: America/New_York, enabled: false}
            """
        )
        #expect(file.entries.map(\.name) == ["logs", "other"])
        #expect(file.entries.indices.map { file.problem(inEntry: $0, "").place.line } == [3, 10])
        #expect(file.name == "beat")
        let logs = file.entries[0]
        #expect((logs.task, logs.zone.name, logs.purpose) == ("a.cleanup", "Europe/Istanbul", "Old logs go."))
        #expect(logs.schedule == .crontab(try Crontab("0 0 * * *")))
        #expect(String(decoding: logs.args, as: UTF8.self) == #"[1, "two"]"#)
        #expect(String(decoding: logs.kwargs, as: UTF8.self) == #"{"days": 90}"#)
        #expect((logs.options.queue, logs.options.priority, logs.options.expires) == ("maintenance", 3, .after(3600)))
        #expect(logs.options.headers == ["x": 1])
        #expect((file.entries[1].zone.name, file.entries[1].isEnabled) == ("America/New_York", false))
        #expect(file.entries[1].options === EntryOptions.none)
    }

    @Test(arguments: [
        ("schedule: 30", 30.0), ("schedule: {every: 0.5}", 0.5),
        ("schedule: {every: {hours: 1, minutes: 30}}", 5400),
    ]) func `takes intervals in several forms`(_ form: String, _ seconds: Double) throws {
        #expect(try entry(form).schedule == .interval(try Interval(every: .seconds(seconds))))
    }

    @Test func `takes relative from the schedule or, as Celery does, from the entry`() throws {
        for form in ["schedule: {every: 3600, relative: true}", "schedule: 3600, relative: true"] {
            guard case .interval(let interval) = try entry(form).schedule else {
                Issue.record("no interval")
                continue
            }
            #expect(interval.relative)
        }
    }

    @Test(arguments: [
        (#"{crontab: "*/5 8-17 * * mon-fri"}"#, "*/5 8-17 * * mon-fri"),
        ("{crontab: {minute: 0, hour: 8, day_of_week: mon}}", "0 8 * * mon"),
        ("{crontab: {minute: [0, 30], month_of_year: '*/3'}}", "0,30 * * */3 *"),
    ]) func `takes crontabs as text and by their fields`(_ form: String, _ text: String) throws {
        #expect(try entry("schedule: \(form)").schedule == .crontab(try Crontab(text)))
    }

    @Test func `takes the sun and single moments`() throws {
        let solar = try Solar(event: .sunset, latitude: 41, longitude: 29)
        #expect(try entry("schedule: {solar: {event: sunset, lat: 41, lon: 29}}").schedule == .solar(solar))
        let moment = try #require(ISO8601.date("2027-03-01T06:00:00Z"))
        #expect(try entry("schedule: {once: 2027-03-01T09:00:00+03:00}").schedule == .once(moment))
        // Without an offset in the entry's zone, whichever stands first.
        for block in [
            "schedule: {once: 2027-03-01 09:00:00}, zone: Europe/Istanbul",
            "zone: Europe/Istanbul, schedule: {once: '2027-03-01T09:00:00'}",
        ] {
            #expect(try entry(block).schedule == .once(moment))
        }
    }

    @Test func `takes policies in short and long forms`() throws {
        #expect(try entry("schedule: 1").missed == MissedPolicy(.once))
        #expect(try entry("schedule: 1, missed: skip").missed == MissedPolicy(.skip))
        let all = try entry("schedule: 1, missed: {run: all, limit: 5, within: 60}").missed
        #expect(all == MissedPolicy(.all, limit: 5, deadline: .seconds(60)))
        #expect(try entry("schedule: 1, overlap: skip").overlap == .skip(for: .seconds(3600)))
        #expect(try entry("schedule: 1, overlap: {skip_for: 60}").overlap == .skip(for: .seconds(60)))
        #expect(try entry("schedule: 1, jitter: 2.5").jitter == .seconds(2.5))
        let changes = try entry("schedule: 1, clock_changes: {gap: skip, repeated: both}").rules.clockChanges
        #expect(changes == ClockChangePolicy(gap: .skip, repeated: .both))
    }

    @Test func `knows Celery's settings of beat`() throws {
        let file = try schedule(
            """
            name: office
            beat_max_loop_interval: 5
            beat_cron_starting_deadline: 60
            beat_schedule:
              cron: {task: a, schedule: {crontab: "0 0 * * *"}}
              interval: {task: a, schedule: 5}
            """,
            timezone: "Asia/Tokyo"
        )
        #expect((file.name, file.maxLoopInterval, file.zone.name) == ("office", .seconds(5), "Asia/Tokyo"))
        #expect(file.entries.map(\.missed.deadline) == [.seconds(60), nil])
    }

    @Test func `goes by what stands at the top, wherever in the file that is`() throws {
        let entries = """
            beat_schedule:
              cron: {task: a, schedule: {crontab: "0 0 * * *"}}
              moment: {task: a, schedule: {once: "2027-03-01T09:00:00"}}
            """
        let top = "timezone: Asia/Tokyo\nbeat_cron_starting_deadline: 60\n"
        let (above, below) = (try schedule(top + entries), try schedule(entries + "\n" + top))
        #expect(above.entries.map(\.fingerprint) == below.entries.map(\.fingerprint))
        #expect(below.entries.map(\.zone.name) == ["Asia/Tokyo", "Asia/Tokyo"])
        #expect(below.entries.map(\.missed.deadline) == [.seconds(60), nil])
        // What is wrong is told once.
        let loaded = try load(entries + "\ntimezone: Asia/Tokyo\nother: 1\n")
        #expect(loaded.report.problems.map(\.place.line) == [5])
    }

    @Test(arguments: [
        "x-all: &all\n  e:\n    task: a\n    schedule: ${SECONDS}\nbeat_schedule: *all\n",
        "x-all: &all\n  e: {task: a, schedule: 5}\nbeat_schedule:\n  <<: *all\n",
        "x-one: &one {task: a, schedule: 5}\nbeat_schedule: &named\n  e: *one\n",
        "beat_schedule: {e: {task: '${TASK}', schedule: 5}}\n",
    ]) func `takes entries from anchors, and values from the environment`(_ text: String) throws {
        let loaded = try load(text, environment: ["SECONDS": "5", "TASK": "a"])
        let schedule = try #require(loaded.schedule, "\(loaded.report)")
        #expect(schedule.entries.map(\.name) == ["e"])
        #expect(schedule.entries.map(\.task) == ["a"])
        #expect(schedule.entries.map(\.schedule) == [.interval(try Interval(every: .seconds(5)))])
    }

    @Test func `names the place and the keys of a variable that is not set`() throws {
        let report = try load("beat_schedule:\n  e: {task: '${TASK}', schedule: 5}\n").report
        #expect(report.lines.first?.hasPrefix("beat.yaml:2:13: error: beat_schedule.e.task: ") == true, "\(report)")
    }

    @Test func `keeps what equal entries share once`() throws {
        let file = try schedule(
            """
            beat_schedule:
              a: {task: t, schedule: 5, zone: Europe/Istanbul, jitter: 1}
              b: {task: t, schedule: 9, zone: Europe/Istanbul, jitter: 1}
            """
        )
        #expect(file.entries[0].rules === file.entries[1].rules)
    }

    @Test func `has fingerprints that tell a change of times from other changes`() throws {
        let same = try entry("schedule: 30, kwargs: {a: 1}").fingerprint
        #expect(try entry("kwargs: {a: 1}, schedule: {every: 30}").fingerprint == same)
        let other = try entry("schedule: 30, kwargs: {a: 2}").fingerprint
        #expect(other.timing == same.timing && other.content != same.content)
        for change in [
            "schedule: 30.001", "schedule: 30, zone: Asia/Tokyo", "schedule: 30, enabled: false",
            "schedule: 30, jitter: 1",
        ] {
            let changed = try entry(change + ", kwargs: {a: 1}").fingerprint
            #expect(changed.timing != same.timing && changed.content != same.content, "\(change)")
        }
    }

    // MARK: Problems

    /// A text and the report it must give, line by line.
    struct Wrong: Sendable, CustomTestStringConvertible {
        var text: String
        var lines: [String]
        var testDescription: String { lines.first ?? text }

        init(_ text: String, _ lines: String...) {
            self.text = text
            self.lines = lines.map { "beat.yaml:" + $0 }
        }

        /// A block of an entry, on the second line from column eight.
        static func entry(_ block: String, _ line: String) -> Wrong {
            Wrong("beat_schedule:\n  e: {task: a, \(block)}", "2:" + line)
        }
    }

    @Test(arguments: [
        Wrong("beat_shedule: {}", "1:1: error: beat_shedule: unknown key; did you mean 'beat_schedule'?"),
        Wrong(
            "timezone: Europe/Istambul",
            "1:11: error: timezone: expected a time zone such as Europe/Istanbul; did you mean 'Europe/Istanbul'?"
        ),
        Wrong("mode: lokal", "1:7: error: mode: expected redis or local, found 'lokal'; did you mean 'local'?"),
        Wrong("beat_schedule:\n  e: {schedule: 1}", "2:3: error: beat_schedule.e: has no task"),
        Wrong("beat_schedule:\n  e: {task: a}", "2:3: error: beat_schedule.e: has no schedule"),
        Wrong("beat_schedule: [a]", "1:16: error: beat_schedule: expected a block of entries by name, found a list"),
        Wrong(
            "beat_schedule:\n  a: {task: t, schedul: 1}\n  b: {task: t, schedule: {crontab: 0 0 * *}}",
            "2:3: error: beat_schedule.a: has no schedule",
            "2:16: error: beat_schedule.a.schedul: unknown key; did you mean 'schedule'?",
            "3:36: error: beat_schedule.b.schedule.crontab: the crontab text has 4 fields; it needs five: minute hour day-of-month month day-of-week"
        ),
        .entry(
            "schedule: often",
            "26: error: beat_schedule.e.schedule: expected seconds, or a block with every, crontab, solar or once, found 'often'"
        ),
        .entry("schedule: {every: 0}", "34: error: beat_schedule.e.schedule: an interval must be longer than 0"),
        .entry("schedule: {evry: 3}", "27: error: beat_schedule.e.schedule.evry: unknown key; did you mean 'every'?"),
        .entry(
            "schedule: {every: 3, crontab: a}",
            "26: error: beat_schedule.e.schedule: expected seconds, or a block with every, crontab, solar or once, and only one of them"
        ),
        .entry(
            "schedule: {crontab: {minutes: 5}}",
            "37: error: beat_schedule.e.schedule.crontab.minutes: unknown key; did you mean 'minute'?"
        ),
        .entry(
            "schedule: {once: tomorrow}",
            "33: error: beat_schedule.e.schedule.once: expected a moment such as 2027-03-01T09:00:00, or with an offset 2027-03-01T09:00:00+03:00"
        ),
        .entry(
            "schedule: {solar: {event: sunset}}",
            "34: error: beat_schedule.e.schedule.solar: needs event, lat and lon"
        ),
        .entry("schedule: 1, args: 5", "35: error: beat_schedule.e.args: expected a list of positional arguments"),
        .entry("schedule: 1, kwargs: [5]", "37: error: beat_schedule.e.kwargs: expected a block of keyword arguments"),
        .entry(
            "schedule: 1, options: {quue: a}",
            "39: error: beat_schedule.e.options.quue: unknown key; did you mean 'queue'?"
        ),
        .entry(
            "schedule: 1, missed: twice",
            "37: error: beat_schedule.e.missed: expected skip, once or all, found 'twice'"
        ),
        .entry(
            "schedule: 1, overlap: alow",
            "38: error: beat_schedule.e.overlap: expected allow or skip; did you mean 'allow'?"
        ),
        .entry(
            "schedule: 1, zone: Mars",
            "35: error: beat_schedule.e.zone: expected a time zone such as Europe/Istanbul"
        ),
        .entry(
            "schedule: 1, enabled: maybe",
            "38: error: beat_schedule.e.enabled: expected true or false, found 'maybe'"
        ),
        Wrong(
            "beat_schedule:\n  e: {task: a, schedule: 1}\n  e: {task: b, schedule: 1}",
            "3:3: error: the key 'e' stands here twice; first on line 2"
        ),
    ]) func `with problems is refused with all of them, each at its place`(_ wrong: Wrong) throws {
        let loaded = try load(wrong.text)
        #expect(loaded.report.lines == wrong.lines)
        #expect(loaded.schedule == nil)
    }

    @Test(arguments: ["30 2 30 2 *", "0 24 * * *", "* * * * 7", "60 * * * *"])
    func `with a crontab that cannot be is refused`(
        _ text: String
    ) throws {
        let loaded = try load("beat_schedule:\n  e: {task: a, schedule: {crontab: '\(text)'}}")
        #expect(loaded.schedule == nil)
        #expect(loaded.report.lines.count == 1)
        #expect(loaded.report.lines[0].hasPrefix("beat.yaml:2:36: error: beat_schedule.e.schedule.crontab: "))
    }

    @Test func `names the field of a crontab that is wrong`() throws {
        let loaded = try load("beat_schedule:\n  e: {task: a, schedule: {crontab: {minute: 0, hour: 25}}}")
        #expect(loaded.report.lines.count == 1)
        #expect(loaded.report.lines[0].hasPrefix("beat.yaml:2:54: error: beat_schedule.e.schedule.crontab.hour: "))
    }

    @Test func `that is not there is a problem of its own`() {
        let loaded = ScheduleFileLoader(path: "none.yaml", environment: [:], workingFolder: "/nowhere").load()
        #expect(loaded.report.lines == ["none.yaml: error: cannot be read: No such file or directory"])
    }

    @Test func `takes values from the environment without repeating them`() throws {
        let text = "beat_schedule:\n  e: {task: a, schedule: '${EVERY}'}"
        let loaded = try load(text, environment: ["EVERY": "secret"])
        #expect(loaded.schedule == nil)
        #expect(!loaded.report.description.contains("secret"))
    }

    @Test func `as it is shipped is good`() throws {
        let loaded = ScheduleFileLoader(
            path: repository.appendingPathComponent("beat.yaml").path,
            environment: [:],
            workingFolder: "/"
        ).load()
        #expect(loaded.report.lines == [])
        #expect(loaded.schedule?.entries.isEmpty == false)
    }

    @Test func `is documented key by key`() throws {
        let page = try String(contentsOf: repository.appendingPathComponent("Docs/Beat.md"), encoding: .utf8)
        let keys =
            ScheduleTop.settings.map(\.name) + EntryReading.Draft.settings.map(\.name)
            + OptionsDraft.settings.map(\.name)
            + Array(ScheduleTop.ignored.keys) + Array(OptionsDraft.ignored.keys)
        for key in Set(keys).sorted() { #expect(page.contains("`\(key)`"), "\(key)") }
    }
}
