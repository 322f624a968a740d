import CeleryMessage
import Schedules
import YAML

/// Reads the entries of a schedule, one after another; what many of them share is kept once.
struct EntryReading {
    /// The zone of entries that name none.
    let zone: ZoneRules
    /// `beat_cron_starting_deadline`: how late missed slots of crontabs may be sent.
    let deadline: Duration?
    private var zones: [String: ZoneRules] = [:]
    private var tasks: [String: String] = [:]
    private var options: [EntryOptions: EntryOptions] = [:]
    private var rules: [EntryRules: EntryRules] = [:]

    init(zone: ZoneRules, deadline: Duration?) {
        self.zone = zone
        self.deadline = deadline
    }

    /// An entry as its keys say.
    struct Draft {
        var task: String?
        var schedule: ScheduleForm?
        var zone: ZoneRules?
        var zoneNode: YAMLNode?
        var isRelative: Bool?
        var isEnabled = true
        var args: [UInt8] = ScheduleEntry.noArguments
        var kwargs: [UInt8] = ScheduleEntry.noKeywords
        var options: OptionsDraft?
        var clockChanges = ClockChangePolicy.standard
        var jitter = Duration.zero
        var missed: MissedPolicy?
        var overlap = OverlapPolicy.allow
        var purpose = ""
    }

    /// A schedule as it is written: what depends on the entry's zone or other keys is still open.
    enum ScheduleForm {
        case interval(Duration, relative: Bool?, node: YAMLNode)
        case whole(Schedule)
        /// A moment, read as UTC, and whether an offset is missing.
        case once(Instant, isLocal: Bool)
    }

    /// The entry; `nil` when something is wrong, which the reader has noted.
    mutating func entry(_ entry: YAMLEntry, _ reader: inout SettingReader) -> ScheduleEntry? {
        guard let keys = reader.entries(entry.value, expected: "a block such as {task: …, schedule: {every: 30}}")
        else {
            return nil
        }
        var draft = Draft()
        let problems = reader.problems.count
        reader.block(keys, Draft.byName, into: &draft)
        let place = reader.place(entry.keyPosition)
        for key in ["task", "schedule"] where !keys.contains(where: { $0.key == key }) {
            reader.add(.error, at: place, "has no \(key)")
        }
        if let node = draft.zoneNode { draft.zone = named(node, &reader) }
        guard reader.problems[problems...].allSatisfy({ $0.severity != .error }) else { return nil }
        guard let task = draft.task, let form = draft.schedule, let schedule = schedule(form, draft, &reader) else {
            return nil
        }
        var missed = draft.missed ?? MissedPolicy()
        if case .crontab = schedule, let deadline, missed.deadline == nil { missed.deadline = deadline }
        return ScheduleEntry(
            name: entry.key,
            task: shared(task),
            schedule: schedule,
            rules: shared(
                EntryRules(
                    zone: draft.zone ?? zone,
                    clockChanges: draft.clockChanges,
                    jitter: draft.jitter,
                    missed: missed,
                    overlap: draft.overlap
                )
            ),
            isEnabled: draft.isEnabled,
            args: draft.args,
            kwargs: draft.kwargs,
            options: draft.options.map { shared($0.value) } ?? .none,
            purpose: draft.purpose
        )
    }

    private func schedule(_ form: ScheduleForm, _ draft: Draft, _ reader: inout SettingReader) -> Schedule? {
        switch form {
        case .whole(let schedule): return schedule
        case .once(let moment, let isLocal):
            guard isLocal else { return .once(moment) }
            return .once((draft.zone ?? zone).moment(showing: moment))
        case .interval(let every, let relative, let node):
            do {
                return .interval(try Interval(every: every, relative: relative ?? draft.isRelative ?? false))
            } catch {
                reader.under("schedule", at: reader.place(node.position)) { $0.error(node, error.message) }
                return nil
            }
        }
    }

    // MARK: What is shared

    private mutating func named(_ node: YAMLNode, _ reader: inout SettingReader) -> ZoneRules? {
        if let text = node.scalar?.text, let known = zones[text] { return known }
        guard let zone = reader.under("zone", at: reader.place(node.position), { $0.zone(node) }) else { return nil }
        zones[zone.name] = zone
        return zone
    }

    private mutating func shared(_ task: String) -> String {
        if let known = tasks[task] { return known }
        tasks[task] = task
        return task
    }

    private mutating func shared(_ value: EntryRules) -> EntryRules {
        if let known = rules[value] { return known }
        rules[value] = value
        return value
    }

    private mutating func shared(_ value: EntryOptions) -> EntryOptions {
        if value == .none { return .none }
        if let known = options[value] { return known }
        options[value] = value
        return value
    }
}

extension EntryReading.Draft {
    typealias Draft = EntryReading.Draft

    /// The keys of an entry's block.
    static let settings: [Setting<Draft>] = [
        .name("task", \.task),
        Setting("schedule", "seconds or block") { node, draft, reader in draft.schedule = reader.schedule(node) },
        Setting("zone", "name of a time zone") { node, draft, _ in draft.zoneNode = node },
        .bool("relative", \.isRelative),
        .bool("enabled", \.isEnabled),
        Setting("args", "list") { node, draft, reader in draft.args = reader.arguments(node) ?? draft.args },
        Setting("kwargs", "block") { node, draft, reader in draft.kwargs = reader.keywords(node) ?? draft.kwargs },
        Setting("options", "block") { node, draft, reader in
            guard let entries = reader.entries(node, expected: "a block such as {queue: maintenance}") else { return }
            var options = OptionsDraft()
            reader.block(entries, OptionsDraft.byName, into: &options, ignoring: OptionsDraft.ignored)
            draft.options = options
        },
        Setting("clock_changes", "block") { node, draft, reader in
            guard let entries = reader.entries(node, expected: "a block with gap and repeated") else { return }
            reader.block(entries, clockChangeSettings, into: &draft.clockChanges)
        },
        .value("jitter", "seconds", \.jitter) { $0.seconds($1) },
        .optional("missed", "skip, once, all or block", \.missed) { $0.missed($1) },
        .value("overlap", "allow, skip or block", \.overlap) { $0.overlap($1) },
        .name("purpose", \.purpose),
    ]

    /// The same, for looking up.
    static let byName = Dictionary(settings.map { ($0.name, $0) }) { first, _ in first }

    private static let clockChangeSettings: [Setting<ClockChangePolicy>] = [
        .choice("gap", \.gap),
        .choice("repeated", \.repeated),
    ]
}

extension SettingReader {
    // MARK: Arguments

    fileprivate mutating func arguments(_ node: YAMLNode) -> [UInt8]? {
        guard !isNull(node), let value = json(node) else { return nil }
        guard value.array != nil else {
            error(node, "expected a list of positional arguments")
            return nil
        }
        return JSONWriter.bytes(value)
    }

    fileprivate mutating func keywords(_ node: YAMLNode) -> [UInt8]? {
        guard !isNull(node), let value = json(node) else { return nil }
        guard value.object != nil else {
            error(node, "expected a block of keyword arguments")
            return nil
        }
        return JSONWriter.bytes(value)
    }

    // MARK: Policies

    fileprivate mutating func missed(_ node: YAMLNode) -> MissedPolicy? {
        if node.scalar != nil { return choice(node, MissedPolicy.Rule.self).map { MissedPolicy($0) } }
        struct Draft {
            var rule = MissedPolicy.Rule.once
            var limit = 100
            var deadline: Duration?
        }
        guard let entries = entries(node, expected: "skip, once, all, or a block with run, limit and within") else {
            return nil
        }
        var draft = Draft()
        let settings: [Setting<Draft>] = [
            .choice("run", \.rule), .int("limit", \.limit, in: 1...1000), .seconds("within", \.deadline),
        ]
        block(entries, settings, into: &draft)
        return MissedPolicy(draft.rule, limit: draft.limit, deadline: draft.deadline)
    }

    fileprivate mutating func overlap(_ node: YAMLNode) -> OverlapPolicy? {
        if let text = node.scalar?.text {
            switch text {
            case "allow": return .allow
            case "skip": return .skip(for: .seconds(3600))
            default:
                error(node, "expected allow or skip", suggestion: NearestName.find(text, in: ["allow", "skip"]))
                return nil
            }
        }
        guard let entries = entries(node, expected: "allow, skip, or a block such as {skip_for: 600}") else {
            return nil
        }
        var bound = Duration.seconds(3600)
        let settings: [Setting<Duration>] = [.seconds("skip_for", \.self)]
        block(entries, settings, into: &bound)
        return .skip(for: bound)
    }
}
