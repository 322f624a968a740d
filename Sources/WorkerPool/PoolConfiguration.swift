import FoundationEssentials

/// How a pool of processes is made.
public struct PoolConfiguration: Sendable {
    /// The pool's name in `tasks.yaml`.
    public var name: String
    /// How many processes there are; Celery's `worker_concurrency`.
    public var processes: Int
    /// How many runs each process takes at the same time.
    public var slots: Int
    /// After how many runs a process is replaced, Celery's `worker_max_tasks_per_child`; `nil` never.
    public var maxTasksPerChild: Int?
    /// Above how many KiB of resident memory a process is replaced after a run, Celery's `worker_max_memory_per_child`;
    /// `nil` never.
    public var maxMemoryPerChild: Int?
    /// The program to start: normally the worker's own.
    public var executable: String
    /// Its arguments, without the program's name; they must lead to ``PoolChild/run(registry:)``.
    public var arguments: [String]
    /// Its whole environment; by default the controller's.
    ///
    /// `SWIFT_BACKTRACE` is turned off: the backtracer delays the news of a crash by a second.
    public var environment: [String: String]
    /// What the processes are told about tasks.
    public var setup: PoolSetup
    /// How long a process may take until it is ready.
    public var startTimeout: Duration
    /// How much work, by measured run times, may be queued in a process beyond what it runs; zero turns that off.
    public var lookahead: Duration
    /// The largest frame in bytes; larger arguments fail the task, larger results too.
    public var frameLimit: Int

    /// Describes a pool of processes.
    public init(
        name: String,
        processes: Int,
        slots: Int = 1,
        maxTasksPerChild: Int? = nil,
        maxMemoryPerChild: Int? = nil,
        executable: String,
        arguments: [String],
        environment: [String: String]? = nil,
        setup: PoolSetup,
        startTimeout: Duration = .seconds(30),
        lookahead: Duration = .milliseconds(20),
        frameLimit: Int = Frame.defaultLimit
    ) {
        self.name = name
        self.processes = processes
        self.slots = slots
        self.maxTasksPerChild = maxTasksPerChild
        self.maxMemoryPerChild = maxMemoryPerChild
        self.executable = executable
        self.arguments = arguments
        self.environment = environment ?? ProcessInfo.processInfo.environment
        self.setup = setup
        self.startTimeout = startTimeout
        self.lookahead = lookahead
        self.frameLimit = frameLimit
    }
}
