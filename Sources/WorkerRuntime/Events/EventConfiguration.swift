/// Which events a worker sends, and where.
public struct EventConfiguration: Sendable, Hashable {
    /// The exchange of events: `event_exchange`.
    public var exchange = "celeryev"
    /// Whether task events are sent from the start and cannot be switched off: `-E`, `worker_send_task_events`.
    public var sendsTaskEvents = false
    /// Whether what this worker sends is announced by `task-sent`: `task_send_sent_event`.
    public var sendsSentEvents = false
    /// Seconds between heartbeat events; `nil` sends no worker events at all.
    public var heartbeatInterval: Double? = 2

    /// Celery's defaults.
    public init() {}
}
