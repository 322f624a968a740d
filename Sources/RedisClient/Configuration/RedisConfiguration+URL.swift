extension RedisConfiguration {
    /// Reads a URL as Celery and redis-py write it.
    ///
    /// - `redis://[user:password@]host[:6379][/database]`, `rediss://` for TLS;
    /// - `redis+socket:///path[?virtual_host=0]` and `unix:///path[?db=0]` for a unix socket;
    /// - `redis+sentinel://[user:password@]host[:26379][,host…]/master[/database]`, `rediss+sentinel://` for TLS;
    /// - `sentinel://[user:password@]host[:26379][/database]`, several of them joined by `;`;
    /// - several `redis://`, `rediss://` or socket URLs joined by `;`: ``RedisServers``, of one database and one encryption.
    ///
    /// User and password are those of the server. The sentinels' own, and the name of the master where the URL has none, come
    /// from `sentinels`, the sentinels' own also from the options `sentinel_username` and `sentinel_password`.
    ///
    /// User, password and path may be percent-encoded. The query may hold `db`, `virtual_host`, `username`, `password`,
    /// `client_name`, `socket_timeout`, `socket_connect_timeout`, `health_check_interval` and, for `rediss://`,
    /// `ssl_cert_reqs`, `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`, `ssl_password`, `ssl_check_hostname`. Any other name
    /// that starts with `ssl_` is refused, because ignoring it could mean less protection than the writer believed; the
    /// rest goes to ``ignoredOptions``.
    ///
    /// - Throws: `invalidURL` with what is wrong, never with the URL itself.
    public init(url: String, sentinels: RedisSentinels = RedisSentinels()) throws(RedisError) {
        self.init()
        let all = try RedisURLParts.list(url)
        guard let first = all.first else { throw .url("not a URL: redis://host:6379/0 is the shape") }
        if all.contains(where: \.namesSentinels) {
            try readSentinels(all, sentinels)
        } else if all.count == 1 {
            try read(first)
        } else {
            try readServers(all)
        }
    }

    /// Reads the servers from all URLs, everything else from the first.
    private mutating func readServers(_ urls: [RedisURLParts]) throws(RedisError) {
        guard urls.count <= RedisServers.most else { throw .url("more than \(RedisServers.most) servers") }
        try read(urls[0])
        var servers: [RedisServers.Server] = []
        for url in urls {
            var one = RedisConfiguration()
            try one.read(url)
            guard one.database == database else {
                throw .url("several servers need one database: \(database) and \(one.database)")
            }
            guard one.tls == tls else { throw .url("several servers need the same encryption") }
            guard let address = one.endpoint.server else { continue }
            servers.append(RedisServers.Server(address: address, username: one.username, password: one.password))
        }
        endpoint = .servers(RedisServers(servers))
    }

    private mutating func read(_ parts: RedisURLParts) throws(RedisError) {
        switch parts.scheme {
        case "redis", "rediss":
            try readServer(parts)
            if parts.scheme == "rediss" { tls = RedisTLS() }
        case "redis+socket", "unix", "redis+unix":
            guard parts.host.isEmpty, parts.port == nil, parts.path.utf8.count > 1 else {
                throw .url("a socket needs an absolute path: redis+socket:///path/to.sock")
            }
            endpoint = .unix(path: parts.path)
        default:
            throw .url(
                "unknown scheme '\(parts.scheme)' (known: redis, rediss, redis+socket, unix, sentinel, redis+sentinel, "
                    + "rediss+sentinel)"
            )
        }
        try readCredentials(parts)
        try checkCredentials()
    }

    private mutating func readCredentials(_ parts: RedisURLParts) throws(RedisError) {
        username = parts.username
        password = parts.password
        for (name, value) in parts.query { try read(option: name, value) }
    }

    private mutating func checkCredentials() throws(RedisError) {
        if let name = username, !name.isEmpty, password == nil {
            throw .url("a user name without a password; a password alone is written redis://:password@host")
        }
        if username?.isEmpty == true { username = nil }
    }

    private mutating func readServer(_ parts: RedisURLParts) throws(RedisError) {
        guard parts.furtherServers.isEmpty else {
            throw .url("',' in the host: several servers are written redis://a;redis://b")
        }
        endpoint = .tcp(host: parts.host.isEmpty ? "127.0.0.1" : parts.host, port: parts.port ?? 6379)
        let name = parts.path.drop { $0 == "/" }
        if !name.isEmpty { database = try Self.database(String(name)) }
    }

    mutating func read(option name: String, _ value: String) throws(RedisError) {
        switch name {
        case "db", "virtual_host": database = try Self.database(String(value.drop { $0 == "/" }))
        case "username": username = value
        case "password": password = value
        case "client_name": clientName = value
        case "socket_timeout": commandTimeout = try Self.seconds(name, value)
        case "socket_connect_timeout":
            if let seconds = try Self.seconds(name, value) { connectTimeout = seconds }
        case "health_check_interval": keepAliveInterval = try Self.seconds(name, value)
        case _ where name.hasPrefix("ssl_"): try readTLS(option: name, value)
        default: ignoredOptions.append(name)
        }
    }

    private mutating func readTLS(option name: String, _ value: String) throws(RedisError) {
        guard var options = tls else { throw .url("'\(name)' needs a rediss:// URL") }
        switch name {
        case "ssl_cert_reqs":
            guard let verification = RedisTLS.Verification(option: value) else {
                throw .url("ssl_cert_reqs must be none, optional or required")
            }
            options.verification = verification
        case "ssl_ca_certs": options.authoritiesFile = value
        case "ssl_certfile": options.certificateFile = value
        case "ssl_keyfile": options.keyFile = value
        case "ssl_password": options.keyPassword = value
        case "ssl_check_hostname":
            guard let flag = Self.flag(value) else { throw .url("ssl_check_hostname must be true or false") }
            options.checksHostname = flag
        default:
            throw .url(
                "unknown option '\(name)' (known: ssl_cert_reqs, ssl_ca_certs, ssl_certfile, ssl_keyfile, ssl_password, "
                    + "ssl_check_hostname)"
            )
        }
        tls = options
    }

    static func database(_ text: String) throws(RedisError) -> Int {
        guard let number = Int(text), number >= 0 else {
            throw .url("the database must be a number, as in redis://host/0")
        }
        return number
    }

    /// A duration in seconds; nil for `none` and 0, which switch the limit off.
    private static func seconds(_ name: String, _ text: String) throws(RedisError) -> Duration? {
        if text.lowercased() == "none" { return nil }
        guard let number = Double(text), number >= 0, number < 1e9 else {
            throw .url("\(name) must be a number of seconds")
        }
        return number == 0 ? nil : .seconds(number)
    }

    private static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "1", "yes", "y", "t": true
        case "false", "0", "no", "n", "f": false
        default: nil
        }
    }
}
