public import CeleryMessage

/// What remote control of a worker may do and says about it.
public struct ControlConfiguration: Sendable {
    /// Whether the worker listens to requests: `worker_enable_remote_control`.
    public var isEnabled = true
    /// The exchange of requests: `control_exchange` with `.pidbox`.
    public var exchange = "celery.pidbox"
    /// Whether it answers elections of others; not with `--without-gossip`.
    public var gossips = true
    /// Whether it asks its neighbours for revoked tasks at the start; not with `--without-mingle`.
    public var mingles = true
    /// Whether `pool_restart` is allowed: `worker_pool_restarts`.
    public var allowsPoolRestarts = false
    /// What `inspect conf` shows: settings that differ from their defaults, passwords masked.
    public var changedSettings = JSONObject()
    /// All settings, passwords masked.
    public var allSettings = JSONObject()
    /// What `inspect report` shows.
    public var report = ""
    /// After how many tasks a pool process is replaced, for `inspect stats`.
    public var maxTasksPerChild: Int?
    /// How many revoked ids are kept in memory.
    public var revokesLimit = 50_000
    /// For how many seconds.
    public var revokesTimeToLive = 10_800.0

    /// Celery's defaults.
    public init() {}

    /// The exchange of replies.
    var replyExchange: String { "reply." + exchange }
}
