/// What transport options say about Redis Sentinel, under Kombu's names (`kombu/transport/redis.py`).
public struct SentinelSettings: Sendable, Hashable {
    /// `master_name`: the name the sentinels know the master by.
    public var masterName: String?
    /// `min_other_sentinels`: a sentinel that knows of fewer others is not believed; default 0.
    public var leastOthers = 0
    /// `sentinel_kwargs.username`: the user for the sentinels themselves.
    public var username: String?
    /// `sentinel_kwargs.password`: the password of the sentinels themselves.
    public var password: String?
    /// `sentinel_kwargs.ssl` and its `ssl_*`: encryption to the sentinels; `nil` leaves it to the URL's scheme.
    public var tls: Encryption?
    /// `sentinel_kwargs.socket_timeout` or `socket_connect_timeout`: how long one sentinel may take; `nil` means a second.
    public var patience: Duration?

    /// Whether connections to sentinels are encrypted.
    public enum Encryption: Sendable, Hashable {
        /// Never.
        case off
        /// Always, in this way.
        case on(TLSSettings)
    }

    /// Nothing said.
    public init() {}
}

extension SentinelSettings: CustomStringConvertible, CustomReflectable {
    /// The master's name; never the password.
    public var description: String { "master_name: \(masterName ?? "none")" }
    /// A mirror without secrets.
    public var customMirror: Mirror { Mirror(self, children: ["sentinel": description]) }
}
