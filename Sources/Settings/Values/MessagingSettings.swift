/// The names and lifetimes behind remote control and events: `control_*`, `event_*`.
public struct MessagingSettings: Sendable, Hashable {
    /// `control_exchange`; default `celery`, which makes the channel `celery.pidbox`.
    public var controlExchange = "celery"
    /// `control_queue_ttl`; default 300 s.
    public var controlQueueTTL: Duration = .seconds(300)
    /// `control_queue_expires`; default 10 s.
    public var controlQueueExpires: Duration = .seconds(10)
    /// `event_exchange`; default `celeryev`.
    public var eventExchange = "celeryev"
    /// `event_queue_prefix`; default `celeryev`.
    public var eventQueuePrefix = "celeryev"
    /// `event_serializer`; default JSON.
    public var eventSerializer = Serializer.json
    /// `event_queue_ttl`; default 5 s.
    public var eventQueueTTL: Duration = .seconds(5)
    /// `event_queue_expires`; default 60 s.
    public var eventQueueExpires: Duration = .seconds(60)

    /// Celery's defaults.
    public init() {}
}
