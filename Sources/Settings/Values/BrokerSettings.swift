/// Where messages come from and go to.
public struct BrokerSettings: Sendable {
    /// Where a worker connects when nothing names a broker.
    public static let defaultURL = ServerURL("redis://127.0.0.1:6379/0")

    /// `broker_url`: the servers in order of preference; empty when none is configured.
    public var urls: [ServerURL] = []
    /// `broker_read_url`: where to consume, when that differs.
    public var readURLs: [ServerURL] = []
    /// `broker_write_url`: where to publish, when that differs.
    public var writeURLs: [ServerURL] = []
    /// `broker_transport_options`.
    public var transport = TransportOptions()
    /// `broker_use_ssl`; `nil` leaves it to the URL's scheme.
    public var tls: TLSSettings?
    /// `broker_connection_timeout`: how long connecting may take; default 4 s.
    public var connectionTimeout: Duration = .seconds(4)
    /// `broker_connection_retry`: whether to reconnect after a loss; default true.
    public var connectionRetry = true
    /// `broker_connection_retry_on_startup`: whether the first connection is retried; `nil` means as `connectionRetry`.
    public var connectionRetryOnStartup: Bool?
    /// `broker_connection_max_retries`: default 100; `nil` means forever.
    public var connectionMaxRetries: Int? = 100
    /// `broker_failover_strategy`: how the next of several servers is chosen; default round-robin.
    public var failoverStrategy = FailoverStrategy.roundRobin

    /// How the next of several servers is chosen.
    public enum FailoverStrategy: String, Sendable, Hashable, CaseIterable {
        /// One after the other.
        case roundRobin = "round-robin"
        /// In random order.
        case shuffle
    }

    /// The settings nobody changed.
    public init() {}

    /// Where to consume: the read URLs, else the URLs, else the default.
    public var consumeURLs: [ServerURL] { Self.first(readURLs, urls) }
    /// The servers to consume from, or the sentinels that know the one, as one text.
    public var consumeURL: ServerURL { ServerURL(consumeURLs.map(\.text).joined(separator: ";")) }
    /// Where to publish: the write URLs, else the URLs, else the default.
    public var publishURLs: [ServerURL] { Self.first(writeURLs, urls) }
    /// Whether any broker is configured; without one `celeriac up` starts its own.
    public var isConfigured: Bool { !urls.isEmpty || !readURLs.isEmpty || !writeURLs.isEmpty }

    private static func first(_ special: [ServerURL], _ general: [ServerURL]) -> [ServerURL] {
        if !special.isEmpty { return special }
        return general.isEmpty ? [defaultURL] : general
    }
}
