package import WorkerPool

/// Where and how tasks run that no queue could take.
package struct RunnerConfiguration: Sendable {
    /// What the run of a task is bound by.
    package struct Policy: Sendable, Hashable {
        /// Whether the task may run without a queue.
        package var isAllowed: Bool
        /// Seconds until the run is cancelled.
        package var softTimeLimit: Double?
        /// Seconds until its process is killed.
        package var timeLimit: Double?

        /// A policy without limits.
        package init(isAllowed: Bool, softTimeLimit: Double? = nil, timeLimit: Double? = nil) {
            self.isAllowed = isAllowed
            self.softTimeLimit = softTimeLimit
            self.timeLimit = timeLimit
        }
    }

    /// The program that has the handlers: a worker's.
    package var program: String
    /// The words after which it is a pool process.
    package var arguments: [String]
    /// Which handler runs each task.
    package var setup: PoolSetup
    /// How many tasks run at once, each in a process of its own.
    package var processes = 2
    /// How many more may wait.
    package var waiting = 20
    /// After how long without work the processes are ended.
    package var idleTime: Duration = .seconds(60)
    /// The most bytes of a result.
    package var resultBytes = 1 << 20
    /// The policy of a task from a queue.
    package var policy: @Sendable (_ task: String, _ queue: String) -> Policy

    /// Runs by this program.
    package init(
        program: String,
        arguments: [String],
        setup: PoolSetup,
        policy: @escaping @Sendable (_ task: String, _ queue: String) -> Policy
    ) {
        self.program = program
        self.arguments = arguments
        self.setup = setup
        self.policy = policy
    }

    /// Whether processes that were started by this one serve another one as well.
    func hasSameProcesses(as other: RunnerConfiguration) -> Bool {
        program == other.program && arguments == other.arguments && setup == other.setup && processes == other.processes
    }
}
