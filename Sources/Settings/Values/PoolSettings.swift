/// One entry of `pools:`: where handlers run.
public struct PoolSettings: Sendable, Hashable {
    /// The pool's name.
    public var name: String
    /// `inline`: whether handlers run inside the worker's own process, where nothing can be killed; default false.
    public var inline = false
    /// `processes`: how many processes; `nil` means as many as `worker_concurrency` says, else one per processor.
    ///
    /// Without meaning when inline.
    public var processes: Int?
    /// `slots`: how many tasks run at once in each process; default 1, inline 64.
    public var slots = 1
    /// `max_tasks_per_child`; `nil` means `worker_max_tasks_per_child`.
    public var maxTasksPerChild: Int?
    /// `max_memory_per_child` in KiB; `nil` means `worker_max_memory_per_child`.
    public var maxMemoryPerChild: Int?

    /// One slot in as many processes as there are processors.
    public init(name: String) { self.name = name }

    /// The pool that queues without `pool` use.
    public static let defaultName = "default"
}
