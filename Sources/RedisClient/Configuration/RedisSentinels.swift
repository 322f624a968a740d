/// Sentinels that say which server is the master, and how to talk to them.
///
/// Their user, password and encryption are their own: those of the server stand in ``RedisConfiguration``. A value of this
/// type holds a password; its description and its mirror do not.
public struct RedisSentinels: Sendable, Hashable {
    /// The port of a sentinel that names none.
    public static let defaultPort = 26379
    /// The most sentinels of one deployment; each may cost `patience` while the master is looked for.
    public static let most = 32

    /// Where they listen, in the order they are asked the first time.
    public var addresses: [RedisConfiguration.Address]
    /// The name under which they know the master: `mymaster`.
    public var master: String
    /// The user for the sentinels themselves.
    public var username: String?
    /// The password of the sentinels themselves; `nil` sends no `AUTH`.
    public var password: String?
    /// Encryption of the connections to the sentinels.
    public var tls: RedisTLS?
    /// A sentinel that knows of fewer others is not believed (`min_other_sentinels`): it may be cut off from them.
    public var leastOthers: Int
    /// How long one sentinel may take to answer, its connection included.
    public var patience: Duration

    /// Sentinels of this master; what a URL does not say of them has these defaults.
    public init(
        addresses: [RedisConfiguration.Address] = [],
        master: String = "",
        username: String? = nil,
        password: String? = nil,
        tls: RedisTLS? = nil,
        leastOthers: Int = 0,
        patience: Duration = .seconds(1)
    ) {
        self.addresses = addresses
        self.master = master
        self.username = username
        self.password = password
        self.tls = tls
        self.leastOthers = leastOthers
        self.patience = patience
    }

    /// How to reach one of them.
    func configuration(of address: RedisConfiguration.Address) -> RedisConfiguration {
        RedisConfiguration(
            endpoint: .server(address),
            tls: tls,
            username: username,
            password: password,
            connectTimeout: patience,
            commandTimeout: patience,
            keepAliveInterval: nil,
            maximumReplyBytes: 1 << 20,
            maximumReplyElements: 10_000
        )
    }
}

extension RedisSentinels: CustomStringConvertible, CustomReflectable {
    /// The addresses and the master's name: `a:26379,b:26379/mymaster`.
    public var description: String { addresses.map(\.description).joined(separator: ",") + "/" + master }

    /// A mirror without secrets.
    public var customMirror: Mirror { Mirror(self, children: ["sentinels": description]) }
}
