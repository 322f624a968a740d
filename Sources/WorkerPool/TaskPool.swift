public import CeleriacTasks

/// Runs handlers for the engine: in processes of their own or inside the controller.
///
/// Everything but ``start()`` and ``stop(killAfter:)`` is called on the pool's event loop, and events come back on it,
/// gathered per turn of the loop.
public protocol TaskPool: AnyObject, Sendable {
    /// The pool's name in `tasks.yaml`.
    var name: String { get }
    /// How many runs it takes at the same time now; smaller while processes are being replaced.
    var capacity: Int { get }
    /// How many more runs ``submit(_:)`` takes well now, including short ones to be queued ahead.
    var free: Int { get }
    /// The processes that run tasks now; for handlers inside the controller, the controller itself.
    var processes: [PoolProcessInfo] { get }

    /// Starts the processes and returns when all are ready.
    ///
    /// - Throws: ``PoolError`` when they cannot be started; what was started is ended then.
    func start() async throws
    /// Takes runs, to be started in this order. More than ``free`` are kept and started as slots come free.
    func submit(_ tasks: [PoolTask])
    /// Cancels a run and tells its handler why; one that has not started comes back as ``PoolEvent/returned(job:)``.
    func cancel(job: UInt64, reason: CancellationReason)
    /// Ends a run that may not cooperate: a one-slot process is killed, one with several slots is killed when its other
    /// runs are done. The event is ``PoolEvent/lost(job:exit:)`` with ``ProcessExit/terminated``, or
    /// ``PoolEvent/returned(job:)`` when the run had not started.
    func terminate(job: UInt64)
    /// Changes the number of processes (of slots, inside the controller); those to go finish their runs first.
    func resize(to count: Int)
    /// Replaces all processes, each when it has finished what it runs.
    func recycle()
    /// Takes new task settings for processes started from now on and for the ones that ``recycle()`` starts.
    func reload(_ setup: PoolSetup)
    /// Ends all processes and returns when none is left. Runs that have not started come back.
    ///
    /// - Parameter killAfter: How long runs may take to finish; `nil` waits without limit.
    func stop(killAfter: Duration?) async
}

/// A process of a pool, for `inspect stats` and the log.
public struct PoolProcessInfo: Sendable, Hashable {
    /// Its name, for example `cpu-1`.
    public var name: String
    /// Its process id.
    public var processID: Int32
    /// The runs it has begun and not ended.
    public var running: [UInt64]
    /// How many runs it has ended.
    public var tasksDone: Int
    /// When it was started: seconds since 1970.
    public var startedAt: Double

    /// Describes a process.
    public init(name: String, processID: Int32, running: [UInt64], tasksDone: Int, startedAt: Double) {
        self.name = name
        self.processID = processID
        self.running = running
        self.tasksDone = tasksDone
        self.startedAt = startedAt
    }
}

/// Why a pool does not start or a frame is refused.
public struct PoolError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of errors.
    public enum Code: String, Sendable {
        /// The executable cannot be started.
        case spawn
        /// Pool processes end before they are ready.
        case start
        /// A frame breaks the protocol.
        case malformedFrame
        /// The pool is being stopped.
        case stopped
    }

    /// What kind of error this is.
    public var code: Code
    /// What happened, for people.
    public var message: String

    /// Describes an error.
    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// The message with its kind.
    public var description: String { "\(code.rawValue): \(message)" }
}
