public import CeleriacTasks
public import Logging

/// What a pool tells the engine, on the pool's event loop and in batches.
///
/// Each submitted job ends with exactly one of ``finished(job:report:runtime:)``,
/// ``timeLimitExceeded(job:seconds:)``, ``lost(job:exit:)`` and ``returned(job:)``; nothing about it follows after that.
public enum PoolEvent: Sendable {
    /// The job begins to run in the process of that number.
    case started(job: UInt64, processID: Int32)
    /// The handler reported a state; `meta` is JSON text.
    case state(job: UInt64, state: String, meta: [UInt8])
    /// The handler ended; `runtime` was measured where it ran.
    case finished(job: UInt64, report: HandlerReport, runtime: Duration)
    /// The job ran longer than its hard limit of that many seconds and was given up.
    case timeLimitExceeded(job: UInt64, seconds: Double)
    /// The job's process died while it ran, or was made to by ``TaskPool/terminate(job:)``.
    case lost(job: UInt64, exit: ProcessExit)
    /// The job never ran; submit it again, or give its message back.
    ///
    /// It may have been announced as started: a process can die between being given a run and beginning it.
    case returned(job: UInt64)
    /// A handler, or a library it uses, logged a line.
    case log(PoolLogRecord)
    /// ``TaskPool/capacity`` or ``TaskPool/free`` changed for a reason other than a job's end.
    case capacityChanged
}

/// How a pool process ended.
public enum ProcessExit: Sendable, Hashable, CustomStringConvertible {
    /// It returned or called `exit` with this code.
    case code(Int32)
    /// This signal ended it.
    case signal(Int32)
    /// The pool ended it because ``TaskPool/terminate(job:)`` asked for that.
    case terminated
    /// Somebody else collected its status.
    case unknown

    /// `exitcode 3` or `signal 11 (SIGSEGV)`, as Celery's `WorkerLostError` words it.
    public var description: String {
        switch self {
        case .code(let code): "exitcode \(code)"
        case .signal(let signal): "signal \(signal) (\(Self.name(ofSignal: signal)))"
        case .terminated: "terminated"
        case .unknown: "exitcode unknown"
        }
    }

    private static func name(ofSignal signal: Int32) -> String {
        switch signal {
        case 1: "SIGHUP"
        case 2: "SIGINT"
        case 3: "SIGQUIT"
        case 4: "SIGILL"
        case 5: "SIGTRAP"
        case 6: "SIGABRT"
        case 7: "SIGBUS"
        case 8: "SIGFPE"
        case 9: "SIGKILL"
        case 11: "SIGSEGV"
        case 13: "SIGPIPE"
        case 14: "SIGALRM"
        case 15: "SIGTERM"
        default: "signal \(signal)"
        }
    }
}

/// A line logged by task code.
public struct PoolLogRecord: Sendable {
    /// How serious it is.
    public var level: Logger.Level
    /// The logger's label.
    public var label: String
    /// The line.
    public var message: String
    /// The line's own metadata and its logger's.
    public var metadata: Logger.Metadata
    /// The run that logged it; `nil` for code outside of any run.
    public var job: UInt64?
    /// The id of the task that logged it, when there is one.
    public var taskID: String?
    /// The name of the task that logged it, when there is one.
    public var taskName: String?
    /// Where it ran, for example `cpu-1`; the pool's name for handlers inside the controller.
    public var processName: String
    /// The process it ran in.
    public var processID: Int32

    /// Describes a line.
    public init(
        level: Logger.Level,
        label: String,
        message: String,
        metadata: Logger.Metadata = [:],
        job: UInt64? = nil,
        taskID: String? = nil,
        taskName: String? = nil,
        processName: String = "",
        processID: Int32 = 0
    ) {
        self.level = level
        self.label = label
        self.message = message
        self.metadata = metadata
        self.job = job
        self.taskID = taskID
        self.taskName = taskName
        self.processName = processName
        self.processID = processID
    }

    /// Writes it to a log, with the task and the process it came from.
    public func write(to logger: Logger) {
        var metadata = metadata
        metadata["task_id"] = taskID.map { "\($0)" }
        metadata["task_name"] = taskName.map { "\($0)" }
        metadata["process"] = "\(processName)"
        logger.log(level: level, "\(message)", metadata: metadata)
    }
}
