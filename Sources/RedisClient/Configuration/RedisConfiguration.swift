/// Where a Redis server is and how to talk to it.
///
/// A value of this type holds passwords; its description, its mirror and the errors about it do not.
public struct RedisConfiguration: Sendable, Hashable {
    /// The place a server listens at.
    public enum Address: Sendable, Hashable, CustomStringConvertible {
        /// A host name or address, and a port.
        case tcp(host: String, port: Int)
        /// The path of a unix domain socket.
        case unix(path: String)

        /// `host:port`, or the path.
        public var description: String {
            switch self {
            case .tcp(let host, let port): "\(host.contains(":") ? "[\(host)]" : host):\(port)"
            case .unix(let path): path
            }
        }
    }

    /// Where the server listens, or who knows it.
    public var endpoint: RedisEndpoint
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
    /// How long connecting, TLS, `AUTH` and the other preparations may take together, once it is known where the server is.
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

    /// A server at this endpoint; everything else as the arguments' defaults say.
    public init(
        endpoint: RedisEndpoint = .tcp(host: "127.0.0.1", port: 6379),
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
        self.endpoint = endpoint
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
        let scheme = tls == nil ? "redis" : "rediss"
        switch endpoint {
        case .servers(let servers): return servers.list.indices.map { at($0).redactedURL }.joined(separator: ";")
        case .server(.tcp(let host, let port)):
            let address = Address.tcp(host: host, port: port)
            return "\(scheme)://\(credentials)\(address)/\(database)"
        case .server(.unix(let path)):
            return "redis+socket://\(credentials)\(path)?virtual_host=\(database)"
        case .sentinels(let sentinels):
            return "\(scheme)+sentinel://\(credentials)\(sentinels)/\(database)"
        }
    }

    /// The redacted URL of the server where the connections are, or are to be, for messages: of several servers only that one.
    package var presentURL: String {
        guard let servers = endpoint.servers else { return redactedURL }
        return at(servers.choice.server).redactedURL
    }

    /// How to reach one of several servers, by its place in their list.
    func at(_ place: Int) -> RedisConfiguration {
        guard let servers = endpoint.servers else { return self }
        var one = self
        one.endpoint = .server(servers.list[place].address)
        (one.username, one.password) = (servers.list[place].username, servers.list[place].password)
        return one
    }

    /// Where an attempt goes to, for messages; `address` is where the server was found.
    func place(_ address: Address) -> String {
        guard let sentinels = endpoint.sentinels else { return redactedURL }
        return "\(address), the master of '\(sentinels.master)' by its sentinels"
    }

    /// How connecting again is paced.
    ///
    /// A failover takes seconds, and asking sentinels costs the server nothing: there it is tried every second at least.
    var pace: RedisBackoff {
        guard endpoint.sentinels != nil else { return backoff }
        var pace = backoff
        pace.ceiling = min(pace.ceiling, .seconds(1))
        return pace
    }
}

extension RedisConfiguration: CustomStringConvertible, CustomReflectable {
    /// The redacted URL.
    public var description: String { redactedURL }

    /// A mirror without secrets: `dump` and string interpolation must not reveal the password.
    public var customMirror: Mirror { Mirror(self, children: ["url": redactedURL]) }
}
