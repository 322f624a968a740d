import ArgumentParser
import CeleryMessage
import Schedules
import Settings
import WorkerCommandLine

/// `celeriac-beat plan`: what a schedule file would run and when, without Redis and without sending anything.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a schedule will run between two moments, or what another file would change.",
        discussion: """
            Times are ISO 8601, such as 2027-03-28T02:00 or 2027-03-28T02:00:00+03:00, or now, or now+7d. Intervals count \
            from --from, as if the entries were new then.
            """
    )

    @OptionGroup var options: ScheduleOptions
    @Option(name: .long, help: "The first moment.")
    var from = "now"
    @Option(name: .long, help: "The moment to stop before (default: a day after the first).")
    var until: String?
    @Option(name: .long, help: "How long to look ahead, instead of --until: 90m, 36h, 7d, 4w.")
    var next: String?
    @Option(
        name: .long,
        help: "The zone to read and show times in, and that of a file which names none (default: UTC)."
    )
    var zone: String?
    @Flag(name: .long, help: "One JSON object a line: entry, at.")
    var json = false
    @Option(name: .long, help: "Another schedule file: show only what would change with it.")
    var diff: String?

    mutating func run() async throws {
        try options.enterFolder()
        let chosen = try zone.map(Self.zone)
        let configured = try options.configurationSource.load().timezone
        let file = try load(options.scheduleSource, configured)
        let (start, end) = try span(in: chosen ?? file.zone)
        var writer = PlanWriter(isJSON: json, zone: chosen, output: Terminal.out)
        if let diff {
            let other = try load(ScheduleSource(path: diff), configured)
            compare(file, with: other, from: start, until: end, &writer)
        } else {
            for run in UpcomingRuns(file.entries, from: start, until: end) {
                writer.write(run.slot, of: file.entries[run.entry])
            }
        }
        writer.flush()
    }

    private func compare(
        _ old: ScheduleFile,
        with new: ScheduleFile,
        from start: Instant,
        until end: Instant,
        _ writer: inout PlanWriter
    ) {
        let changed = PlanDifference.changedEntries(from: old.entries, to: new.entries)
        for (name, keys) in changed { writer.write(changed: keys, of: name) }
        var isSame = changed.isEmpty
        for change in PlanDifference(from: old.entries, to: new.entries, between: start, and: end) {
            let entries = change.side == .removed ? old.entries : new.entries
            writer.write(change.run.slot, of: entries[change.run.entry], change.side)
            isSame = false
        }
        if isSame { writer.note("nothing changes") }
    }

    // MARK: What the words mean

    /// A file with the zone that the beat would give it, unless the command line names one and the file does not.
    private func load(_ source: ScheduleSource, _ configured: String?) throws -> ScheduleFile {
        let file = try source.load(timezone: configured)
        guard let zone else { return file }
        let other = try source.load(timezone: zone)
        if other.zone.name != file.zone.name, !options.quiet {
            Terminal.error(
                "\(source.path) names no timezone: its times are \(zone)'s in this plan; the beat takes \(file.zone.name)"
            )
        }
        return other
    }

    private func span(in zone: ZoneRules) throws -> (start: Instant, end: Instant) {
        let now = Instant.now()
        let start = try moment(from, "--from", zone, now)
        guard until == nil || next == nil else {
            throw Complaint("--until and --next say the same twice; take one of them", code: .usage)
        }
        if let until {
            let end = try moment(until, "--until", zone, now)
            guard end >= start else { throw Complaint("--until is before --from", code: .usage) }
            return (start, end)
        }
        guard let span = PlanTime.span(next ?? "1d") else {
            throw Complaint("--next takes a number with s, m, h, d or w, such as 7d", code: .usage)
        }
        return (start, start + span)
    }

    private func moment(_ text: String, _ option: String, _ zone: ZoneRules, _ now: Instant) throws -> Instant {
        guard let moment = PlanTime.moment(text, zone: zone, now: now) else {
            throw Complaint("\(option) takes a moment such as 2027-03-28T02:00, now or now+7d", code: .usage)
        }
        return moment
    }

    private static func zone(_ name: String) throws -> ZoneRules {
        do {
            return try ZoneRules.named(name)
        } catch {
            throw Complaint("--zone: \(error.message)", code: .usage)
        }
    }
}
