public import CeleriacTasks

/// One run of a task, as the engine hands it to a pool.
public struct PoolTask: Sendable {
    /// The engine's number for this run; unique while the run lives, in all pools of a worker.
    public var job: UInt64
    /// The facts of the run; its arguments are passed on as they are.
    public var request: TaskRequest

    /// Numbers a run.
    public init(job: UInt64, request: TaskRequest) {
        self.job = job
        self.request = request
    }
}
