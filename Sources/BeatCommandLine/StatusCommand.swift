import ArgumentParser
import CeleryMessage
import RedisClient
import RedisTransport
import Schedules
import Settings
import WorkerCommandLine

/// `celeriac-beat status`: what the beats of a schedule have done and will do.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show entries with their last and next runs, who sent them, lag and missed runs."
    )

    @OptionGroup var options: ScheduleOptions
    @Flag(name: .long, help: "As one JSON object.")
    var json = false

    mutating func run() async throws {
        try options.enterFolder()
        let configuration = try options.configurationSource.load()
        let schedule = try options.scheduleSource.load(timezone: configuration.timezone)
        guard schedule.mode == .redis else { return try show(StatusReport(schedule, local(schedule))) }
        let transport = try RedisWiring.transport(configuration)
        let overview = try await RedisSession(transport.broker).use { client in
            try await RedisScheduleStore(client: client, configuration: transport, schedule: schedule.name).overview()
        }
        show(StatusReport(schedule, overview))
    }

    private func local(_ schedule: ScheduleFile) throws -> ScheduleOverview {
        var overview = ScheduleOverview()
        overview.now = .now()
        overview.states = try FileScheduleStore.states(at: LocalBeatProgram.stateFile(schedule))
        for state in overview.states.values {
            overview.counts["sent", default: 0] += state.sent
            overview.counts["missed", default: 0] += state.missed
            overview.counts["skipped", default: 0] += state.skipped
        }
        return overview
    }

    private func show(_ report: StatusReport) {
        if json { print(JSONWriter.string(report.json)) } else { Terminal.out(report.text) }
    }
}

/// The state of a schedule, for people and for programs.
struct StatusReport {
    private let schedule: ScheduleFile
    private let overview: ScheduleOverview

    init(_ schedule: ScheduleFile, _ overview: ScheduleOverview) {
        self.schedule = schedule
        self.overview = overview
    }

    // MARK: For programs

    var json: JSONValue {
        [
            "schedule": .string(schedule.name),
            "now": time(overview.now, .utc),
            "lease": overview.lease.map(JSONValue.string) ?? .null,
            "beats": .array(
                overview.beats.map { ["id": .string($0.id), "last_sign": time($0.lastSign, .utc)] as JSONValue }
            ),
            "metrics": .object(metrics),
            "entries": .array(schedule.entries.map(entry)),
        ]
    }

    /// The numbers by the names under which they are scraped.
    private var metrics: JSONObject {
        func count(_ name: String) -> JSONValue { .int(Int64(overview.counts[name] ?? 0)) }
        let alive = overview.beats.filter { overview.now - $0.lastSign < .seconds(15) }
        return [
            "celeriac_beat_up": .int(Int64(alive.count)),
            "celeriac_beat_entries": .int(Int64(schedule.entries.count)),
            "celeriac_beat_sent_total": count("sent"),
            "celeriac_beat_missed_total": count("missed"),
            "celeriac_beat_skipped_total": count("skipped"),
            "celeriac_beat_errors_total": count("errors"),
            "celeriac_beat_lag_seconds": .double(Double(overview.counts["lag"] ?? 0) / 1e6),
        ]
    }

    private func entry(_ entry: ScheduleEntry) -> JSONValue {
        let state = overview.states[entry.name]
        var object: JSONObject = [
            "entry": .string(entry.name),
            "task": .string(entry.task),
            "schedule": .string("\(entry.schedule)"),
            "zone": .string(entry.zone.name),
            "enabled": .bool(entry.isEnabled),
            "purpose": .string(entry.purpose),
            "last": time(state?.sentAt, entry.zone),
            "last_slot": time(state?.slot, entry.zone),
            "next": time(next(entry), entry.zone),
            "sent_by": state?.sender.map(JSONValue.string) ?? .null,
            "task_id": state?.taskID.map(JSONValue.string) ?? .null,
            "sent": .int(Int64(state?.sent ?? 0)),
            "missed": .int(Int64(state?.missed ?? 0)),
            "skipped": .int(Int64(state?.skipped ?? 0)),
            "lag": .double(seconds(state?.lag ?? .zero)),
        ]
        // Another beat has loaded the entry with another content than this file's.
        object["differs"] = .bool(state.map { $0.fingerprint.content != entry.fingerprint.content } ?? false)
        return .object(object)
    }

    private func time(_ instant: Instant?, _ zone: ZoneRules) -> JSONValue {
        instant.map { .string(ISO8601.string($0, offset: zone.offset(at: $0))) } ?? .null
    }

    // MARK: For people

    var text: String {
        let alive = overview.beats.map { beat in
            "\(beat.id)\(beat.id == overview.lease ? " (sends)" : " (watches)"), \(ago(beat.lastSign))"
        }
        var lines = ["schedule \(schedule.name), \(schedule.entries.count) entries"]
        lines += alive.isEmpty ? ["no beat is there"] : alive.map { "beat \($0)" }
        let counts = ["sent", "missed", "skipped", "errors"].map { "\($0) \(overview.counts[$0] ?? 0)" }
        let lag = Duration.microseconds(overview.counts["lag"] ?? 0)
        lines.append(counts.joined(separator: ", ") + ", lag \(millis(lag))")
        lines.append("")
        let header = ["entry", "last", "next", "sent", "missed", "skipped", "lag", "by"]
        let rows = [header] + schedule.entries.map(row)
        let widths = header.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            var line = cells.joined(separator: "  ")
            while line.hasSuffix(" ") { line.removeLast() }
            lines.append(line)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func row(_ entry: ScheduleEntry) -> [String] {
        guard let state = overview.states[entry.name] else {
            return [entry.name, "-", entry.isEnabled ? "-" : "off", "0", "0", "0", "-", "never seen by a beat"]
        }
        let differs = state.fingerprint.content != entry.fingerprint.content ? " (another version)" : ""
        return [
            entry.name,
            state.sentAt.map { short($0, entry.zone) } ?? "-",
            entry.isEnabled ? next(entry).map { short($0, entry.zone) } ?? "never" : "off",
            String(state.sent), String(state.missed), String(state.skipped),
            state.sentAt == nil ? "-" : millis(state.lag), (state.sender ?? "-") + differs,
        ]
    }

    private func next(_ entry: ScheduleEntry) -> Instant? {
        guard entry.isEnabled, let state = overview.states[entry.name] else { return nil }
        return entry.nextSlot(after: state.mark, anchor: state.anchor).map(entry.due)
    }

    private func short(_ instant: Instant, _ zone: ZoneRules) -> String {
        String(ISO8601.string(instant, offset: zone.offset(at: instant)).prefix(19)).replacing("T", with: " ")
    }

    private func ago(_ instant: Instant) -> String {
        "\(max(0, (overview.now - instant).components.seconds)) s ago"
    }

    private func millis(_ duration: Duration) -> String { "\(Int((seconds(duration) * 1000).rounded())) ms" }

    private func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }
}
