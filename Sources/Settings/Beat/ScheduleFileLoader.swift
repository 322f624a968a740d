import CeleryMessage
import Schedules
import YAML

/// Reads `beat.yaml`, or whatever file a schedule stands in.
///
/// As with `tasks.yaml`, all problems are reported together, and there is a schedule only when none is an error.
public struct ScheduleFileLoader: Sendable {
    /// The file.
    public var path: String
    /// The environment, for `${NAME}`.
    public var environment: [String: String]
    /// The name of the zone where the file names none.
    public var timezone: String?
    /// The folder the program was started in, absolute.
    public var workingFolder: String

    /// Large schedules are machine-made; a hundred thousand entries fit.
    static let limits = YAMLLimits(bytes: 128 << 20, depth: 64, nodes: 8_000_000, expandedBytes: 256 << 20)

    /// Says what to read.
    public init(path: String, environment: [String: String], timezone: String? = nil, workingFolder: String) {
        self.path = path
        self.environment = environment
        self.timezone = timezone
        self.workingFolder = workingFolder
    }

    /// Reads and checks the file.
    public func load() -> LoadedSchedule {
        let absolute = FilePath.absolute(path, in: workingFolder)
        let bytes: [UInt8]
        do {
            bytes = try FileBytes.read(absolute, limit: Self.limits.bytes)
        } catch {
            let place = SourcePlace.file(path: path, line: 0, column: 0)
            let problem = ConfigurationProblem(.error, at: place, key: [], "cannot be read: \(error.reason)")
            return LoadedSchedule(schedule: nil, report: ConfigurationReport([problem]))
        }
        var reading = reading(absolute)
        reading.read(bytes)
        if let top = reading.laterTop {
            // The zone, or what else the entries go by, stands below them: they are read once more, now that it is known.
            reading = self.reading(absolute, given: top)
            reading.read(bytes)
        }
        let report = ConfigurationReport(reading.reader.problems)
        return LoadedSchedule(schedule: report.hasErrors ? nil : reading.file, report: report)
    }

    private func reading(_ absolute: String, given: ScheduleTop? = nil) -> ScheduleReading {
        var defaults = ScheduleTop()
        // That there is such a zone is checked with the file that names it.
        if let timezone, let zone = try? ZoneRules.named(timezone) { defaults.zone = zone }
        return ScheduleReading(
            path: path,
            absolute: absolute,
            environment: environment,
            defaults: defaults,
            given: given
        )
    }
}

/// What stands at the top of the file beside the entries.
struct ScheduleTop {
    var name: String?
    var mode = ScheduleFile.Mode.redis
    var zone = ZoneRules.utc
    var maxLoopInterval: Duration?
    var startingDeadline: Duration?
    var maxTickAge: Duration?
    var stateFile: String?

    /// The keys at the top of `beat.yaml`.
    static let settings: [Setting<ScheduleTop>] = [
        .name("name", \.name),
        .choice("mode", \.mode),
        .value("timezone", "name of a time zone", \.zone) { $0.zone($1) },
        .seconds("beat_max_loop_interval", \.maxLoopInterval, zeroIsNone: true),
        .seconds("beat_cron_starting_deadline", \.startingDeadline),
        .optional("beat_remote_control_max_tick_age", "seconds", \.maxTickAge) { $0.seconds($1) },
        .path("state_file", \.stateFile),
        // Read for itself, after these; listed so that it is known.
        Setting("beat_schedule", "block") { _, _, _ in },
    ]

    /// Celery's settings of beat that have nothing to act on here, and why.
    static let ignored: [String: String] = [
        "enable_utc": "times are kept in UTC and meant in the zone of their entry",
        "beat_scheduler": "there is one scheduler",
        "beat_schedule_filename": "run state is kept in Redis, or with mode: local in state_file",
        "beat_sync_every": "run state is written with each message",
        "beat_enable_remote_control": "celeriac-beat --enable-remote-control says it",
    ]
}

extension SettingReader {
    /// The rules of a named zone.
    mutating func zone(_ node: YAMLNode) -> ZoneRules? {
        guard let name = name(node) else { return nil }
        do {
            return try ZoneRules.named(name)
        } catch {
            self.error(
                node,
                "expected a time zone such as Europe/Istanbul",
                suggestion: NearestName.find(name, in: TimeZoneNames.all())
            )
            return nil
        }
    }
}
