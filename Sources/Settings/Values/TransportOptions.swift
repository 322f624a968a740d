/// `broker_transport_options`, under the names Kombu's Redis transport has (`kombu/transport/redis.py`).
public struct TransportOptions: Sendable, Hashable {
    /// In which order queues of one priority are looked at.
    public enum QueueOrder: String, Sendable, Hashable, CaseIterable {
        /// Every queue gets its turn to be first.
        case roundRobin = "round_robin"
        /// As they are given.
        case priority
        /// By name.
        case sorted
    }

    /// `visibility_timeout`: after how long others may take back a message nobody renews; default 3600 s.
    public var visibilityTimeout: Duration = .seconds(3600)
    /// `unacked_restore_limit`: the most messages taken back in one sweep; `nil` means all.
    public var unackedRestoreLimit: Int?
    /// `unacked_key`.
    public var unackedKey = "unacked"
    /// `unacked_index_key`.
    public var unackedIndexKey = "unacked_index"
    /// `unacked_mutex_key`.
    public var unackedMutexKey = "unacked_mutex"
    /// `unacked_mutex_expire`; default 300 s.
    public var unackedMutexExpire: Duration = .seconds(300)
    /// `priority_steps`: the priorities that have a list of their own, ascending; default 0, 3, 6, 9.
    public var prioritySteps = [0, 3, 6, 9]
    /// `sep`: what stands between a queue's name and a priority in a key; default the characters 06 and 16.
    public var separator = "\u{06}\u{16}"
    /// `queue_order_strategy`; default round robin.
    public var queueOrder = QueueOrder.roundRobin
    /// `global_keyprefix`: what stands before every key and channel; default nothing.
    public var globalKeyPrefix = ""
    /// `fanout_prefix`: `{db}.` by default, a prefix of one's own as text, `nil` when switched off.
    public var fanoutPrefix: String? = "/{db}."
    /// `fanout_patterns`: whether fanout channels carry the routing key; default true.
    public var fanoutPatterns = true
    /// `socket_timeout`: how long a command may take; `nil` leaves it to the client.
    public var socketTimeout: Duration?
    /// `socket_connect_timeout`; `nil` means `broker_connection_timeout`.
    public var socketConnectTimeout: Duration?
    /// `socket_keepalive`; default false.
    public var socketKeepalive = false
    /// `health_check_interval`: after how much silence a connection is checked; default 25 s, `nil` never.
    public var healthCheckInterval: Duration? = .seconds(25)
    /// `client_name`, for `CLIENT LIST`.
    public var clientName: String?
    /// `master_name`, `min_other_sentinels` and `sentinel_kwargs`.
    public var sentinel = SentinelSettings()

    /// Kombu's defaults.
    public init() {}
}
