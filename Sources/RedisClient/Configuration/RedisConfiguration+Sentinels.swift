/// Reading URLs that name sentinels.
extension RedisConfiguration {
    /// Reads the sentinels' addresses from all URLs, everything else from the first that has it.
    mutating func readSentinels(_ urls: [RedisURLParts], _ known: RedisSentinels) throws(RedisError) {
        var sentinels = known
        for url in urls {
            guard url.namesSentinels else { throw .url("sentinels and servers cannot be mixed") }
            try read(url, into: &sentinels)
        }
        if username?.isEmpty == true { username = nil }
        guard username == nil || password != nil else {
            throw .url("a user name without a password; a password alone is written sentinel://:password@host")
        }
        guard sentinels.addresses.count <= RedisSentinels.most else {
            throw .url("more than \(RedisSentinels.most) sentinels")
        }
        guard !sentinels.master.isEmpty else {
            throw .url(
                "the name of the master is missing: write the transport option master_name, or "
                    + "redis+sentinel://host:26379/mymaster"
            )
        }
        endpoint = .sentinels(sentinels)
    }

    private mutating func read(_ url: RedisURLParts, into sentinels: inout RedisSentinels) throws(RedisError) {
        for (host, port) in [(url.host, url.port)] + url.furtherServers {
            let host = host.isEmpty ? "127.0.0.1" : host
            sentinels.addresses.append(.tcp(host: host, port: port ?? RedisSentinels.defaultPort))
        }
        if password == nil { (username, password) = (url.username, url.password) }
        if url.scheme == "rediss+sentinel", tls == nil { tls = RedisTLS() }
        try readPath(url, into: &sentinels)
        for (name, value) in url.query {
            switch name {
            case "sentinel_username": sentinels.username = value
            case "sentinel_password": sentinels.password = value
            default: try read(option: name, value)
            }
        }
        // Whoever wants TLS wants no passwords in the clear on the way to the sentinels either.
        if url.scheme == "rediss+sentinel" { sentinels.tls = sentinels.tls ?? tls }
    }

    /// `/mymaster/0` with the scheme that has the name in its path, `/0` with Kombu's.
    private mutating func readPath(_ url: RedisURLParts, into sentinels: inout RedisSentinels) throws(RedisError) {
        var steps = url.path.split(separator: "/").map(String.init)
        if url.scheme != "sentinel", !steps.isEmpty {
            let name = steps.removeFirst()
            guard sentinels.master.isEmpty || sentinels.master == name else {
                throw .url("two names for one master: '\(sentinels.master)' and '\(name)'")
            }
            sentinels.master = name
        }
        guard let step = steps.first else { return }
        guard steps.count == 1 else { throw .url("too much behind the database") }
        let number = try Self.database(step)
        guard database == 0 || database == number else { throw .url("two databases: \(database) and \(number)") }
        database = number
    }
}
