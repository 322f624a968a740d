import Schedules
import YAML

/// One reading of a schedule's text: entries are taken on as they pass, so that a large file is never in memory as a whole.
struct ScheduleReading {
    /// What has been read.
    private(set) var file: ScheduleFile
    /// The problems found.
    private(set) var reader: SettingReader
    private let environment: [String: String]
    private let defaults: ScheduleTop
    private let given: ScheduleTop?
    private var hasVariables = false
    private var top: ScheduleTop
    private var entries: EntryReading?

    /// Prepares a reading of the file at a path.
    ///
    /// - Parameters:
    ///   - defaults: what holds where the file says nothing.
    ///   - given: what the entries go by, where it is known beforehand; else what stands above them.
    init(
        path: String,
        absolute: String,
        environment: [String: String],
        defaults: ScheduleTop,
        given: ScheduleTop? = nil
    ) {
        file = ScheduleFile(file: path, baseFolder: FilePath.folder(of: absolute))
        reader = SettingReader(source: .file(path), baseFolder: file.baseFolder)
        reader.remembersPlaces = false
        self.environment = environment
        self.defaults = defaults
        self.given = given
        top = defaults
    }

    /// What the entries should have gone by, where the file says it below them.
    var laterTop: ScheduleTop? {
        guard let entries, entries.zone != top.zone || entries.deadline != top.startingDeadline else { return nil }
        return top
    }

    private static let schedule = "beat_schedule"

    /// Reads the whole text.
    mutating func read(_ bytes: [UInt8]) {
        hasVariables = bytes.contains(UInt8(ascii: "$"))
        do {
            let root = try YAMLReader.node(bytes, limits: ScheduleFileLoader.limits, handingOn: Self.schedule) {
                take($0, above: $1)
            }
            finish(root)
        } catch {
            reader.add(.error, at: reader.place(error.position), error.message)
        }
    }

    /// Takes on one entry; what stands above all of them says what they go by.
    private mutating func take(_ entry: YAMLEntry, above: [YAMLEntry]) {
        if entries == nil {
            // A look ahead: the problems of the top are told when all of it is there.
            var look = self
            look.readTop(look.substituted(YAMLNode(.mapping(above), position: entry.keyPosition)).mapping ?? [])
            begin(look.top)
        }
        var entry = entry
        entry.value = substituted(entry.value, under: [Self.schedule, entry.key])
        add(entry)
    }

    private mutating func add(_ entry: YAMLEntry) {
        reader.under(Self.schedule, at: reader.place(entry.keyPosition)) { reader in
            guard reader.isNamed(entry) else { return }
            let read = reader.under(entry.key, at: reader.place(entry.keyPosition)) { entries?.entry(entry, &$0) }
            if let read { file.append(read, at: entry.keyPosition) }
        }
    }

    private mutating func begin(_ top: ScheduleTop) {
        let top = given ?? top
        entries = EntryReading(zone: top.zone, deadline: top.startingDeadline)
    }

    /// Reads what is left when the entries have passed; those that could not be handed on stand there too.
    private mutating func finish(_ root: YAMLNode) {
        guard let all = reader.entries(substituted(root), expected: "a block with beat_schedule") else { return }
        readTop(all)
        if let name = top.name { file.name = name }
        file.mode = top.mode
        file.zone = top.zone
        file.maxLoopInterval = top.maxLoopInterval
        file.maxTickAge = top.maxTickAge
        file.stateFile = top.stateFile
        guard let schedule = all.first(where: { $0.key == Self.schedule }) else { return }
        let rest = reader.under(Self.schedule, at: reader.place(schedule.keyPosition)) { reader in
            reader.entries(schedule.value, expected: "a block of entries by name") ?? []
        }
        if !rest.isEmpty { begin(top) }
        for entry in rest { add(entry) }
    }

    private mutating func readTop(_ entries: [YAMLEntry]) {
        top = defaults
        reader.block(
            // Keys that begin with x- hold anchors for others to use.
            entries.filter { $0.key != Self.schedule && !$0.key.hasPrefix("x-") },
            ScheduleTop.settings,
            into: &top,
            ignoring: ScheduleTop.ignored
        )
    }

    /// The node with its variables replaced.
    private mutating func substituted(_ node: YAMLNode, under keys: [String] = []) -> YAMLNode {
        guard hasVariables else { return node }
        var substitution = VariableSubstitution(environment: environment, keys: keys)
        let node = substitution.apply(node)
        reader.hidden = substitution.replaced
        for problem in substitution.problems {
            let place = reader.place(problem.position)
            reader.add(ConfigurationProblem(.error, at: place, key: problem.keys, problem.message))
        }
        return node
    }
}
