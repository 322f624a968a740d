/// Where a Redis server is and how to talk to it.
///
/// A value of this type holds passwords; its description, its mirror and the errors about it do not.
public struct RedisConfiguration: Sendable, Hashable {
    /// The place a server listens at.
    public enum Address: Sendable, Hashable {
        /// A host name or address, and a port.
        case tcp(host: String, port: Int)
        /// The path of a unix domain socket.
        case unix(path: String)
    }

    /// The place the server listens at.
    public var address: Address
    /// Encryption; nil for a plain connection, and never for a unix socket.
    public var tls: RedisTLS?
    /// The user of Redis' access control lists; nil for the default user.
    public var username: String?
    /// The password; nil sends no `AUTH`.
    public var password: String?
    /// The number of the database.
    public var database: Int
    /// The name shown by `CLIENT LIST`.
    public var clientName: String?
    /// How long connecting, TLS, `AUTH` and the other preparations may take together.
    public var connectTimeout: Duration
    /// How long a command may wait for its reply unless the call says otherwise; nil waits for as long as it takes.
    ///
    /// A connection that has been silent for this long while a reply was due is considered dead and replaced.
    public var commandTimeout: Duration?
    /// After how much silence an idle connection is checked with a `PING`; nil never checks.
    public var keepAliveInterval: Duration?
    /// How long the answer to that `PING` may take before the connection is considered dead.
    public var keepAliveTimeout: Duration
    /// How reconnecting is paced.
    public var backoff: RedisBackoff
    /// The largest reply accepted, in bytes as received; a larger one ends the connection.
    public var maximumReplyBytes: Int
    /// The most elements accepted in one reply, those of nested arrays included; more end the connection.
    public var maximumReplyElements: Int
    /// Names in the URL's query that mean nothing here, for a warning by whoever reads settings.
    public internal(set) var ignoredOptions: [String] = []

    /// A server at this address; everything else as the arguments' defaults say.
    public init(
        address: Address = .tcp(host: "127.0.0.1", port: 6379),
        tls: RedisTLS? = nil,
        username: String? = nil,
        password: String? = nil,
        database: Int = 0,
        clientName: String? = nil,
        connectTimeout: Duration = .seconds(4),
        commandTimeout: Duration? = .seconds(30),
        keepAliveInterval: Duration? = .seconds(25),
        keepAliveTimeout: Duration = .seconds(10),
        backoff: RedisBackoff = RedisBackoff(),
        maximumReplyBytes: Int = 512 << 20,
        maximumReplyElements: Int = 4 << 20
    ) {
        self.address = address
        self.tls = tls
        self.username = username
        self.password = password
        self.database = database
        self.clientName = clientName
        self.connectTimeout = connectTimeout
        self.commandTimeout = commandTimeout
        self.keepAliveInterval = keepAliveInterval
        self.keepAliveTimeout = keepAliveTimeout
        self.backoff = backoff
        self.maximumReplyBytes = maximumReplyBytes
        self.maximumReplyElements = maximumReplyElements
    }

    /// The configuration as a URL with `**` in place of the password: `redis://:**@127.0.0.1:6379/0`.
    public var redactedURL: String {
        let credentials = password == nil ? "" : "\(username ?? ""):**@"
        switch address {
        case .tcp(let host, let port):
            let host = host.contains(":") ? "[\(host)]" : host
            return "\(tls == nil ? "redis" : "rediss")://\(credentials)\(host):\(port)/\(database)"
        case .unix(let path):
            return "redis+socket://\(credentials)\(path)?virtual_host=\(database)"
        }
    }
}

extension RedisConfiguration: CustomStringConvertible, CustomReflectable {
    /// The redacted URL.
    public var description: String { redactedURL }

    /// A mirror without secrets: `dump` and string interpolation must not reveal the password.
    public var customMirror: Mirror { Mirror(self, children: ["url": redactedURL]) }
}
