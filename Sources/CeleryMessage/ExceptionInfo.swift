/// A Python exception as clients of Celery read it: class, module and arguments (`celery/backends/base.py`).
///
/// Clients import the module and raise the class, so the names are Python's.
public struct ExceptionInfo: Sendable, Hashable, CustomStringConvertible {
    /// The module of the class, `builtins` for Python's own.
    public var module: String
    /// The qualified name of the class inside the module.
    public var type: String
    /// What the class is called with.
    public var arguments: [JSONValue]

    /// Makes an exception.
    public init(module: String = "builtins", type: String, arguments: [JSONValue] = []) {
        self.module = module
        self.type = type
        self.arguments = arguments
    }

    /// Reads what a record holds; a message that is one text counts as one argument.
    public init?(json: JSONValue) {
        guard let type = json["exc_type"]?.string else { return nil }
        self.init(module: json["exc_module"]?.string ?? "builtins", type: type)
        switch json["exc_message"] {
        case .array(let values)?: arguments = values
        case let value? where !value.isNull: arguments = [value]
        default: break
        }
    }

    /// The exception as a record holds it, keys in Celery's order.
    public var json: JSONValue {
        ["exc_type": .string(type), "exc_message": .array(arguments), "exc_module": .string(module)]
    }

    /// What Python's `repr` prints, such as `ValueError('x')`; events and logs show it.
    public var pythonRepr: String {
        let name = type.split(separator: ".").last.map(String.init) ?? type
        return name + "(" + arguments.map(\.pythonRepr).joined(separator: ", ") + ")"
    }

    /// What Python's `str` prints: nothing, the one argument, or all of them as a tuple.
    public var message: String {
        switch arguments.count {
        case 0: ""
        case 1: arguments[0].string ?? arguments[0].pythonRepr
        default: "(" + arguments.map(\.pythonRepr).joined(separator: ", ") + ")"
        }
    }

    /// The last line of a Python traceback, such as `ValueError: x`; classes outside `builtins` carry their module.
    public var description: String {
        let name = module == "builtins" ? type : module + "." + type
        return message.isEmpty ? name : name + ": " + message
    }
}

extension ExceptionInfo {
    private static let celery = "celery.exceptions"
    private static let billiard = "billiard.exceptions"
    private static let kombu = "kombu.exceptions"

    /// A `ValueError` of Python's own.
    public static func valueError(_ message: String) -> ExceptionInfo {
        ExceptionInfo(type: "ValueError", arguments: [.string(message)])
    }

    /// A `TypeError` of Python's own, as wrong arguments raise it.
    public static func typeError(_ message: String) -> ExceptionInfo {
        ExceptionInfo(type: "TypeError", arguments: [.string(message)])
    }

    /// A `RuntimeError` of Python's own.
    public static func runtimeError(_ message: String) -> ExceptionInfo {
        ExceptionInfo(type: "RuntimeError", arguments: [.string(message)])
    }

    /// No task of this name is known to the worker.
    public static func notRegistered(_ name: String) -> ExceptionInfo {
        ExceptionInfo(module: celery, type: "NotRegistered", arguments: [.string(name)])
    }

    /// The hard time limit passed; whole seconds are written as an integer.
    public static func timeLimitExceeded(_ seconds: Double) -> ExceptionInfo {
        ExceptionInfo(module: billiard, type: "TimeLimitExceeded", arguments: [.seconds(seconds)])
    }

    /// The soft time limit passed and the task let it through.
    public static func softTimeLimitExceeded() -> ExceptionInfo {
        ExceptionInfo(module: billiard, type: "SoftTimeLimitExceeded")
    }

    /// The process that ran the task died.
    public static func workerLost(_ message: String) -> ExceptionInfo {
        ExceptionInfo(module: billiard, type: "WorkerLostError", arguments: [.string(message)])
    }

    /// The process that ran the task was ended by a signal, for example 9 and `SIGKILL`.
    public static func workerLost(signal: Int32, name: String, job: Int) -> ExceptionInfo {
        workerLost("Worker exited prematurely: signal \(signal) (\(name)) Job: \(job).")
    }

    /// The process that ran the task ended by itself.
    public static func workerLost(exitCode: Int32, job: Int) -> ExceptionInfo {
        workerLost("Worker exited prematurely: exitcode \(exitCode) Job: \(job).")
    }

    /// The retries are used up and no exception was given to raise instead.
    public static func maxRetriesExceeded(_ headers: TaskHeaders) -> ExceptionInfo {
        maxRetriesExceeded(
            task: headers.task,
            id: headers.id,
            argsrepr: headers.argsrepr ?? "()",
            kwargsrepr: headers.kwargsrepr ?? "{}"
        )
    }

    /// The retries are used up and no exception was given to raise instead.
    public static func maxRetriesExceeded(
        task: String,
        id: String,
        argsrepr: String,
        kwargsrepr: String
    ) -> ExceptionInfo {
        let message = "Can't retry \(task)[\(id)] args:\(argsrepr) kwargs:\(kwargsrepr)"
        return ExceptionInfo(module: celery, type: "MaxRetriesExceededError", arguments: [.string(message)])
    }

    /// The task rejected its message; without requeue this is stored as a failure.
    public static func reject(_ reason: JSONValue, requeue: Bool = false) -> ExceptionInfo {
        ExceptionInfo(module: celery, type: "Reject", arguments: [reason, .bool(requeue)])
    }

    /// The task asked to be forgotten.
    public static func ignore() -> ExceptionInfo { ExceptionInfo(module: celery, type: "Ignore") }

    /// The task will run again; stored where a retry has no other cause.
    public static func retry(_ message: String) -> ExceptionInfo {
        ExceptionInfo(module: celery, type: "Retry", arguments: [.string(message), .null, .null])
    }

    /// Why a task was revoked.
    public enum RevokeReason: String, Sendable, Hashable {
        /// Cancelled before it started.
        case revoked
        /// Its expiry passed.
        case expired
        /// Cancelled while it ran.
        case terminated
    }

    /// The task was cancelled or expired.
    public static func revoked(_ reason: RevokeReason) -> ExceptionInfo {
        ExceptionInfo(module: celery, type: "TaskRevokedError", arguments: [.string(reason.rawValue)])
    }

    /// A result that cannot be written.
    public static func encodeError(_ message: String) -> ExceptionInfo {
        ExceptionInfo(module: kombu, type: "EncodeError", arguments: [.string(message)])
    }

    /// A body that cannot be read.
    public static func decodeError(_ message: String) -> ExceptionInfo {
        ExceptionInfo(module: kombu, type: "DecodeError", arguments: [.string(message)])
    }

    /// A content type that is not accepted.
    public static func contentDisallowed(_ message: String) -> ExceptionInfo {
        ExceptionInfo(module: kombu, type: "ContentDisallowed", arguments: [.string(message)])
    }

    /// A message whose parts have the wrong shape.
    public static func invalidTask(_ message: String) -> ExceptionInfo {
        ExceptionInfo(module: celery, type: "InvalidTaskError", arguments: [.string(message)])
    }

    /// What was asked for can never work.
    public static func improperlyConfigured(_ message: String) -> ExceptionInfo {
        ExceptionInfo(module: celery, type: "ImproperlyConfigured", arguments: [.string(message)])
    }

    /// A chord's header failed.
    public static func chordError(_ message: String) -> ExceptionInfo {
        ExceptionInfo(module: celery, type: "ChordError", arguments: [.string(message)])
    }

    /// A chord's header failed: what is stored for the body.
    public static func chordError(dependency id: String, raised cause: ExceptionInfo) -> ExceptionInfo {
        chordError("Dependency \(id) raised \(cause.pythonRepr)")
    }
}

extension JSONValue {
    /// A number of seconds: an integer where it is whole, as Python's callers write limits.
    static func seconds(_ seconds: Double) -> JSONValue {
        Int64(exactly: seconds).map(JSONValue.int) ?? .double(seconds)
    }
}
