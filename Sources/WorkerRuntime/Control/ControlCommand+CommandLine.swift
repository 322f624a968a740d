public import CeleryMessage

/// How the words of a command line become a command's arguments.
extension ControlCommand {
    /// What a word is read as.
    private enum Form {
        case text
        case integer
        case number
        case truth
    }

    /// Whether `--list` shows it.
    public var isShown: Bool { self != .hello }

    /// Seconds to wait for replies unless the caller says otherwise.
    public var defaultTimeout: Double { self == .objgraph ? 60 : 1 }

    /// The words it takes, for help and refusals.
    public var usage: String {
        switch self {
        case .conf: "[include_defaults=False]"
        case .queryTask, .revoke: "[id1 [id2 [... [idN]]]]"
        case .revokeByStampedHeaders: "[key1=value1 [key2=value2 [... [keyN=valueN]]]]"
        case .terminate: "<signal> [id1 [id2 [... [idN]]]]"
        case .rateLimit: "<task_name> <rate_limit (e.g., 5/s | 5/m | 5/h)>"
        case .timeLimit: "<task_name> <soft_secs> [hard_secs]"
        case .registered: "[attr1 [attr2 [... [attrN]]]]"
        case .objgraph: "[object_type=Request] [num=200 [max_depth=10]]"
        case .memdump: "[n_samples=10]"
        case .poolGrow, .poolShrink: "[N=1]"
        case .autoscale: "[max [min]]"
        case .addConsumer: "<queue> [exchange [type [routing_key]]]"
        case .cancelConsumer: "<queue>"
        default: ""
        }
    }

    /// One line about it.
    public var summary: String {
        switch self {
        case .ping: "Ask whether workers answer."
        case .stats: "Show counts, pool, broker and resources."
        case .active: "Show the tasks that run now."
        case .reserved: "Show the tasks that a worker holds and has not begun."
        case .scheduled: "Show the tasks that wait for their time."
        case .revoked: "Show the ids of revoked tasks."
        case .registered: "Show the tasks a worker knows."
        case .conf: "Show the configuration, passwords masked."
        case .report: "Show versions and settings for a bug report."
        case .clock: "Show the logical clock."
        case .hello: "Exchange revoked tasks and clocks."
        case .memsample: "Note how much memory is used now."
        case .memdump: "Show the memory samples taken so far."
        case .objgraph: "Not available: it draws Python objects."
        case .activeQueues: "Show the queues a worker takes from."
        case .queryTask: "Show tasks by their ids."
        case .revoke: "Keep tasks from starting."
        case .terminate: "Keep tasks from starting, and end those that run."
        case .revokeByStampedHeaders: "Keep tasks with these stamps from starting."
        case .rateLimit: "Change how often a task may start."
        case .timeLimit: "Change a task's time limits."
        case .addConsumer: "Take from a queue."
        case .cancelConsumer: "Take no more from a queue."
        case .poolGrow: "Add pool processes."
        case .poolShrink: "Remove pool processes."
        case .poolRestart: "Replace all pool processes."
        case .autoscale: "Change the bounds of the pool's size."
        case .enableEvents: "Begin to send task events."
        case .disableEvents: "Stop sending task events."
        case .heartbeat: "Send a heartbeat event now."
        case .election: "Hold an election."
        case .shutdown: "Stop workers, warm."
        }
    }

    private var parameters: [(name: String, form: Form)] {
        switch self {
        case .conf: [("with_defaults", .truth)]
        case .terminate: [("signal", .text)]
        case .rateLimit: [("task_name", .text), ("rate_limit", .text)]
        case .timeLimit: [("task_name", .text), ("soft", .number), ("hard", .number)]
        case .objgraph: [("type", .text), ("num", .integer), ("max_depth", .integer)]
        case .memdump: [("samples", .integer)]
        case .poolGrow, .poolShrink: [("n", .integer)]
        case .autoscale: [("max", .integer), ("min", .integer)]
        case .addConsumer:
            [("queue", .text), ("exchange", .text), ("exchange_type", .text), ("routing_key", .text)]
        case .cancelConsumer: [("queue", .text)]
        default: []
        }
    }

    /// The argument that takes all further words.
    private var rest: String? {
        switch self {
        case .queryTask: "ids"
        case .revoke, .terminate: "task_id"
        case .revokeByStampedHeaders: "headers"
        case .registered: "taskinfoitems"
        default: nil
        }
    }

    /// The arguments that words stand for; a refusal in words where they do not fit.
    public func arguments(from words: [String]) throws(UsageError) -> JSONObject {
        var arguments = JSONObject()
        for (parameter, word) in zip(parameters, words) {
            arguments[parameter.name] = try value(of: word, parameter.form)
        }
        let further = Array(words.dropFirst(parameters.count))
        if let rest {
            arguments[rest] = .array(further.map(JSONValue.string))
        } else if !further.isEmpty {
            throw UsageError("Command '\(rawValue)' takes arguments: \(usage)")
        }
        guard required.allSatisfy({ arguments[$0] != nil }) else {
            throw UsageError("Command '\(rawValue)' takes arguments: \(usage)")
        }
        return arguments
    }

    private func value(of word: String, _ form: Form) throws(UsageError) -> JSONValue {
        let value: JSONValue? =
            switch form {
            case .text: .string(word)
            case .integer: Int64(word).map(JSONValue.int)
            case .number: Double(word).map(JSONValue.double)
            case .truth: Self.truths[word.lowercased()].map(JSONValue.bool)
            }
        guard let value else { throw UsageError("Command '\(rawValue)': '\(word)' does not fit; it takes: \(usage)") }
        return value
    }

    private static let truths: [String: Bool] = [
        "1": true, "true": true, "yes": true, "on": true, "0": false, "false": false, "no": false, "off": false,
    ]

    /// Words that do not fit a command.
    public struct UsageError: Error, Sendable, CustomStringConvertible {
        /// What is wrong, in a sentence.
        public let description: String

        init(_ description: String) { self.description = description }
    }
}
