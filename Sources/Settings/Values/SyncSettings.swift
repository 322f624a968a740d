/// How the gateway runs tasks itself where no queue can be reached: its block `sync`.
public struct SyncSettings: Sendable, Hashable {
    /// `program`: the worker's program that has the handlers, absolute; `nil` is `celeriac` beside the gateway.
    public var program: String?
    /// `processes`: how many tasks run at once; default 2.
    public var processes = 2
    /// `waiting`: how many more may wait; default 20.
    public var waiting = 20
    /// `idle_timeout`: after how long without work the processes are ended; default a minute.
    public var idleTimeout: Duration = .seconds(60)
    /// `max_result_bytes`: the largest result; default 1 MiB.
    public var resultBytes = 1 << 20

    /// The defaults.
    public init() {}
}
