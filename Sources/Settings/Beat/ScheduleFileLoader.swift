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
        var file = ScheduleFile(file: path, baseFolder: FilePath.folder(of: absolute))
        var reader = SettingReader(source: .file(path), baseFolder: file.baseFolder)
        reader.remembersPlaces = false
        read(absolute, into: &file, &reader)
        let report = ConfigurationReport(reader.problems)
        return LoadedSchedule(schedule: report.hasErrors ? nil : file, report: report)
    }

    private func read(_ absolute: String, into file: inout ScheduleFile, _ reader: inout SettingReader) {
        let bytes: [UInt8]
        do {
            bytes = try FileBytes.read(absolute, limit: Self.limits.bytes)
        } catch {
            reader.add(.error, at: .file(path: path, line: 0, column: 0), "cannot be read: \(error.reason)")
            return
        }
        do {
            var root = try YAMLReader.node(bytes, limits: Self.limits)
            if bytes.contains(UInt8(ascii: "$")) {
                var substitution = VariableSubstitution(environment: environment)
                root = substitution.apply(root)
                reader.hidden = substitution.replaced
                for problem in substitution.problems {
                    let place = reader.place(problem.position)
                    reader.add(ConfigurationProblem(.error, at: place, key: problem.keys, problem.message))
                }
            }
            read(root, into: &file, &reader)
        } catch {
            reader.add(.error, at: reader.place(error.position), error.message)
        }
    }

    /// The zone comes first, as entries are read by it.
    private func read(_ root: YAMLNode, into file: inout ScheduleFile, _ reader: inout SettingReader) {
        guard let all = reader.entries(root, expected: "a block with beat_schedule") else { return }
        // Keys that begin with x- hold anchors for others to use.
        let entries = all.filter { !$0.key.hasPrefix("x-") }
        var top = ScheduleTop()
        if let timezone, let zone = try? ZoneRules.named(timezone) { top.zone = zone }  // checked with its own file
        reader.block(
            entries.filter { $0.key != "beat_schedule" },
            ScheduleTop.settings,
            into: &top,
            ignoring: ScheduleTop.ignored
        )
        if let name = top.name { file.name = name }
        file.mode = top.mode
        file.zone = top.zone
        file.maxLoopInterval = top.maxLoopInterval
        file.stateFile = top.stateFile
        guard let schedule = entries.first(where: { $0.key == "beat_schedule" }) else { return }
        let place = reader.place(schedule.keyPosition)
        reader.under("beat_schedule", at: place) { reader in
            var reading = EntryReading(zone: top.zone, deadline: top.startingDeadline)
            for entry in reader.named(schedule.value, "a block of entries by name") {
                let place = reader.place(entry.keyPosition)
                guard let read = reader.under(entry.key, at: place, { reading.entry(entry, &$0) }) else { continue }
                file.entries.append(read)
                file.places.append(place)
            }
        }
    }
}

/// What stands at the top of the file beside the entries.
struct ScheduleTop {
    var name: String?
    var mode = ScheduleFile.Mode.redis
    var zone = ZoneRules.utc
    var maxLoopInterval: Duration?
    var startingDeadline: Duration?
    var stateFile: String?

    /// The keys at the top of `beat.yaml`.
    static let settings: [Setting<ScheduleTop>] = [
        .name("name", \.name),
        .choice("mode", \.mode),
        .value("timezone", "name of a time zone", \.zone) { $0.zone($1) },
        .seconds("beat_max_loop_interval", \.maxLoopInterval, zeroIsNone: true),
        .seconds("beat_cron_starting_deadline", \.startingDeadline),
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
        "beat_remote_control_max_tick_age": "ping is answered as long as the process runs",
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
