extension RedisConfiguration {
    /// Reads a URL as Celery and redis-py write it.
    ///
    /// - `redis://[user:password@]host[:6379][/database]`, `rediss://` for TLS;
    /// - `redis+socket:///path[?virtual_host=0]` and `unix:///path[?db=0]` for a unix socket.
    ///
    /// User, password and path may be percent-encoded. The query may hold `db`, `virtual_host`, `username`, `password`,
    /// `client_name`, `socket_timeout`, `socket_connect_timeout`, `health_check_interval` and, for `rediss://`,
    /// `ssl_cert_reqs`, `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`, `ssl_password`, `ssl_check_hostname`. Any other name
    /// that starts with `ssl_` is refused, because ignoring it could mean less protection than the writer believed; the
    /// rest goes to ``ignoredOptions``.
    ///
    /// - Throws: `invalidURL` with what is wrong, never with the URL itself.
    public init(url: String) throws(RedisError) {
        self.init()
        let parts = try URLParts(url)
        switch parts.scheme {
        case "redis", "rediss":
            try readServer(parts)
            if parts.scheme == "rediss" { tls = RedisTLS() }
        case "redis+socket", "unix", "redis+unix":
            guard parts.host.isEmpty, parts.port == nil, parts.path.utf8.count > 1 else {
                throw .url("a socket needs an absolute path: redis+socket:///path/to.sock")
            }
            address = .unix(path: parts.path)
        case "sentinel":
            throw .url("Redis Sentinel URLs are not supported; name the server itself")
        default:
            throw .url("unknown scheme '\(parts.scheme)' (known: redis, rediss, redis+socket, unix)")
        }
        username = parts.username
        password = parts.password
        for (name, value) in parts.query { try read(option: name, value) }
        if let name = username, !name.isEmpty, password == nil {
            throw .url("a user name without a password; a password alone is written redis://:password@host")
        }
        if username?.isEmpty == true { username = nil }
    }

    /// The text of a URL, or of several separated by `;`, with `**` for each password.
    ///
    /// Works on anything, also on what ``init(url:)`` refuses, and rather hides too much than too little.
    public static func redact(_ url: String) -> String {
        var redacted: [String] = []
        var rest = Substring(url)
        // A password may hold ';', so only a ';' with a scheme behind it separates URLs.
        while let cut = separator(in: rest) {
            redacted.append(redactOne(rest[..<cut]))
            rest = rest[rest.index(after: cut)...]
        }
        redacted.append(redactOne(rest))
        return redacted.joined(separator: ";")
    }

    private mutating func readServer(_ parts: URLParts) throws(RedisError) {
        address = .tcp(host: parts.host.isEmpty ? "127.0.0.1" : parts.host, port: parts.port ?? 6379)
        let name = parts.path.drop { $0 == "/" }
        if !name.isEmpty { database = try Self.database(String(name)) }
    }

    private mutating func read(option name: String, _ value: String) throws(RedisError) {
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

    private static func database(_ text: String) throws(RedisError) -> Int {
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

    private static func separator(in text: Substring) -> Substring.Index? {
        text.indices.first { index in
            guard text[index] == ";" else { return false }
            let scheme = text[text.index(after: index)...].prefix { $0.isLetter || $0 == "+" }
            return !scheme.isEmpty && text[scheme.endIndex...].hasPrefix("://")
        }
    }

    private static func redactOne(_ url: Substring) -> String {
        var text = String(url)
        // Up to the last '@', wherever it stands: a password with an unescaped '/' must not escape redaction.
        if let at = text.lastIndex(of: "@") {
            let slashes = text.firstRange(of: "://")
            let start = slashes?.upperBound ?? text.startIndex
            if start <= at {
                let user = text[start..<at].prefix { $0 != ":" }
                let hasPassword = text[start..<at].contains(":")
                text.replaceSubrange(start..<at, with: hasPassword ? "\(user):**" : "**")
            }
        }
        for name in ["password=", "ssl_password="] {
            for mark in ["?", "&"] {
                guard let found = text.firstRange(of: mark + name) else { continue }
                let end = text[found.upperBound...].firstIndex(of: "&") ?? text.endIndex
                text.replaceSubrange(found.upperBound..<end, with: "**")
            }
        }
        return text
    }
}

extension RedisError {
    fileprivate static func url(_ problem: String) -> RedisError { RedisError(.invalidURL, problem) }
}

/// The pieces of a URL, percent-decoded.
private struct URLParts {
    var scheme = ""
    var username: String?
    var password: String?
    var host = ""
    var port: Int?
    var path = ""
    var query: [(name: String, value: String)] = []

    init(_ url: String) throws(RedisError) {
        guard let mark = url.firstRange(of: "://"), mark.lowerBound > url.startIndex else {
            throw .url("not a URL: redis://host:6379/0 is the shape")
        }
        scheme = url[..<mark.lowerBound].lowercased()
        var rest = url[mark.upperBound...]
        if let hash = rest.firstIndex(of: "#") {
            guard !rest[hash...].contains("@") else { throw .url("'#' in a password must be written %23") }
            rest = rest[..<hash]
        }
        if let question = rest.firstIndex(of: "?") {
            guard !Self.hasAuthorityMark(rest[question...]) else { throw .url("'?' in a password must be written %3F") }
            try readQuery(rest[rest.index(after: question)...])
            rest = rest[..<question]
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        path = try Self.decode(rest[slash...])
        try readAuthority(rest[..<slash])
    }

    /// Whether an '@' follows before any '=': then the '?' belonged to a password, not to a query.
    private static func hasAuthorityMark(_ text: Substring) -> Bool {
        let head = text.prefix { $0 != "=" }
        return head.contains("@")
    }

    private mutating func readAuthority(_ authority: Substring) throws(RedisError) {
        var server = authority
        if let at = authority.lastIndex(of: "@") {
            let credentials = authority[..<at]
            server = authority[authority.index(after: at)...]
            if let colon = credentials.firstIndex(of: ":") {
                username = try Self.decode(credentials[..<colon])
                password = try Self.decode(credentials[credentials.index(after: colon)...])
                if password?.isEmpty == true { password = nil }
            } else {
                username = try Self.decode(credentials)
            }
        }
        try readServer(server)
    }

    private mutating func readServer(_ server: Substring) throws(RedisError) {
        var portText: Substring?
        if server.hasPrefix("[") {
            guard let end = server.firstIndex(of: "]") else { throw .url("a '[' without ']' in the host") }
            host = String(server[server.index(after: server.startIndex)..<end])
            let after = server[server.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":") else { throw .url("only a port may follow ']' in the host") }
            portText = after.isEmpty ? nil : after.dropFirst()
        } else if let colon = server.lastIndex(of: ":") {
            guard !server[..<colon].contains(":") else { throw .url("an IPv6 address must stand in brackets") }
            host = try Self.decode(server[..<colon])
            portText = server[server.index(after: colon)...]
        } else {
            host = try Self.decode(server)
        }
        guard let portText, !portText.isEmpty else { return }
        guard portText.utf8.allSatisfy({ 48...57 ~= $0 }), let number = Int(portText), 1...65535 ~= number else {
            throw .url("the port must be a number from 1 to 65535; ':' and '@' in a password are written %3A and %40")
        }
        port = number
    }

    private mutating func readQuery(_ text: Substring) throws(RedisError) {
        for pair in text.split(separator: "&") {
            let equals = pair.firstIndex(of: "=") ?? pair.endIndex
            // In a query a '+' is a space, as for Python's parse_qsl.
            let value = equals == pair.endIndex ? "" : pair[pair.index(after: equals)...].replacing("+", with: " ")
            query.append((try Self.decode(pair[..<equals]), try Self.decode(value)))
        }
    }

    /// Replaces each `%41` by its byte; a `%` that starts no such triple stays, as Python's `unquote` leaves it.
    private static func decode(_ text: Substring) throws(RedisError) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2).compactMap(hexadecimal)
            if byte == UInt8(ascii: "%"), digits.count == 2 {
                bytes.append(digits[0] << 4 | digits[1])
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw .url("the decoded text is not UTF-8")
        }
        return decoded
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}
