import CeleryMessage

/// The commands of remote control, by Celery's names (`celery/worker/control.py`).
public enum ControlCommand: String, Sendable, Hashable, CaseIterable {
    // What asks.
    case ping, stats, active, reserved, scheduled, revoked, registered, conf, report, clock, hello, memsample, memdump
    case objgraph
    case activeQueues = "active_queues"
    case queryTask = "query_task"
    // What changes something.
    case revoke, terminate, autoscale, heartbeat, election, shutdown
    case revokeByStampedHeaders = "revoke_by_stamped_headers"
    case rateLimit = "rate_limit"
    case timeLimit = "time_limit"
    case addConsumer = "add_consumer"
    case cancelConsumer = "cancel_consumer"
    case poolGrow = "pool_grow"
    case poolShrink = "pool_shrink"
    case poolRestart = "pool_restart"
    case enableEvents = "enable_events"
    case disableEvents = "disable_events"

    /// Whether a command asks or changes something: the two command lines that clients have.
    public enum Kind: String, Sendable, Hashable {
        /// `celery inspect`.
        case inspect
        /// `celery control`.
        case control
    }

    /// Finds a command by its name or its old name.
    public init?(named name: String) {
        if let command = ControlCommand(rawValue: name) {
            self = command
        } else if let command = Self.oldNames[name] {
            self = command
        } else {
            return nil
        }
    }

    private static let oldNames: [String: ControlCommand] = [
        "dump_active": .active, "dump_reserved": .reserved, "dump_schedule": .scheduled, "dump_revoked": .revoked,
        "dump_tasks": .registered, "dump_conf": .conf,
    ]

    /// Which command line has it.
    public var kind: Kind {
        switch self {
        case .ping, .stats, .active, .reserved, .scheduled, .revoked, .registered, .conf, .report, .clock, .hello,
            .memsample, .memdump, .objgraph, .activeQueues, .queryTask:
            .inspect
        case .revoke, .terminate, .autoscale, .heartbeat, .election, .shutdown, .revokeByStampedHeaders, .rateLimit,
            .timeLimit, .addConsumer, .cancelConsumer, .poolGrow, .poolShrink, .poolRestart, .enableEvents,
            .disableEvents:
            .control
        }
    }

    /// The arguments that have to be given, in order.
    var required: [String] {
        switch self {
        case .hello: ["from_node"]
        case .queryTask: ["ids"]
        case .revoke: ["task_id"]
        case .terminate: ["signal", "task_id"]
        case .revokeByStampedHeaders: ["headers"]
        case .rateLimit: ["task_name", "rate_limit"]
        case .election: ["id", "topic"]
        case .addConsumer, .cancelConsumer: ["queue"]
        default: []
        }
    }

    /// The arguments of a command that takes no others; `nil` for one that ignores what it does not know.
    var onlyArguments: [String]? {
        switch self {
        case .report, .activeQueues, .enableEvents, .disableEvents, .heartbeat: []
        case .autoscale: ["max", "min"]
        default: nil
        }
    }

    /// Refuses what Python refuses when it calls the command's function, in its words.
    func check(_ arguments: JSONObject) throws(ControlFailure) {
        if let onlyArguments, let bad = arguments.keys.first(where: { !onlyArguments.contains($0) }) {
            throw ControlFailure(.typeError("\(rawValue)() got an unexpected keyword argument '\(bad)'"))
        }
        // The first parameter of every command's function is called this.
        if arguments["state"] != nil {
            throw ControlFailure(.typeError("\(rawValue)() got multiple values for argument 'state'"))
        }
        let missing = required.filter { arguments[$0] == nil }.map { "'\($0)'" }
        guard let last = missing.last else { return }
        let names =
            switch missing.count {
            case 1: last
            case 2: "\(missing[0]) and \(last)"
            default: missing.dropLast().joined(separator: ", ") + ", and " + last
            }
        let noun = missing.count == 1 ? "argument" : "arguments"
        throw ControlFailure(
            .typeError("\(rawValue)() missing \(missing.count) required positional \(noun): \(names)")
        )
    }
}

/// A command that failed, as the exception its reply shows.
struct ControlFailure: Error {
    let exception: ExceptionInfo

    init(_ exception: ExceptionInfo) { self.exception = exception }
}

/// What a command answers.
enum ControlReply {
    /// Its data as they are.
    static func ok(_ text: String) -> JSONValue { ["ok": .string(text)] }
    /// A refusal.
    static func error(_ text: String) -> JSONValue { ["error": .string(text)] }
}
