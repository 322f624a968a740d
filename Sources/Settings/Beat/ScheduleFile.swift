import CeleryMessage
public import Schedules
import YAML

/// What `beat.yaml` says, checked, with defaults filled in.
public struct ScheduleFile: Sendable {
    /// Where a schedule's tasks run.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// Messages go to workers, over Redis.
        case redis
        /// Handlers run in the beat itself, without a server.
        case local
    }

    /// The file, as it was named.
    public var file: String
    /// The folder that relative paths start from.
    public var baseFolder: String
    /// The schedule's name: beats of one name share their run state.
    public var name: String
    /// Where tasks run.
    public var mode = Mode.redis
    /// The zone of entries that name none.
    public var zone = ZoneRules.utc
    /// `beat_max_loop_interval`; five minutes unless set.
    public var maxLoopInterval: Duration?
    /// `beat_remote_control_max_tick_age`: how long the beat may not have come round and still answer `ping`; zero for any
    /// time.
    public var maxTickAge: Duration?
    /// Where a local beat keeps its run state.
    public var stateFile: String?
    /// The entries, in the order of the file.
    public var entries: [ScheduleEntry] = []
    /// Where each entry stands, in the same order.
    private var places: [Place] = []

    /// A line and a column, as small as they are in a file that can be read.
    private struct Place: Sendable {
        var line: Int32
        var column: Int32
    }

    /// A schedule without entries.
    public init(file: String, baseFolder: String) {
        self.file = file
        self.baseFolder = baseFolder
        name = Self.name(of: file)
    }

    /// Why a path is no path of this file: the file's own name without what stands behind the dot.
    private static func name(of file: String) -> String {
        let last = file.split(separator: "/").last.map(String.init) ?? file
        guard let dot = last.lastIndex(of: "."), dot != last.startIndex else { return last }
        return String(last[..<dot])
    }

    /// Adds an entry that stands at a place of the file.
    mutating func append(_ entry: ScheduleEntry, at place: YAMLPosition) {
        entries.append(entry)
        places.append(
            Place(line: Int32(truncatingIfNeeded: place.line), column: Int32(truncatingIfNeeded: place.column))
        )
    }

    /// The problem that an entry's task has, at the place where the entry stands.
    public func problem(inEntry index: Int, _ message: String, suggestion: String? = nil) -> ConfigurationProblem {
        let key = ["beat_schedule", entries[index].name, "task"]
        let place = SourcePlace.file(path: file, line: Int(places[index].line), column: Int(places[index].column))
        return ConfigurationProblem(.error, at: place, key: key, message, suggestion: suggestion)
    }
}

/// What reading a schedule gave.
public struct LoadedSchedule: Sendable {
    /// The schedule; `nil` when the report has errors.
    public let schedule: ScheduleFile?
    /// Every problem found.
    public let report: ConfigurationReport
}
