/// The pieces of a URL, percent-decoded.
struct RedisURLParts {
    var scheme = ""
    var username: String?
    var password: String?
    var host = ""
    var port: Int?
    var path = ""
    /// The servers behind the first, where commas separate several.
    var furtherServers: [(host: String, port: Int?)] = []
    var query: [(name: String, value: String)] = []

    /// Whether the servers are sentinels.
    var namesSentinels: Bool { ["sentinel", "redis+sentinel", "rediss+sentinel"].contains(scheme) }

    /// The URLs that `;` separates; one inside of a password separates nothing.
    static func list(_ text: String) throws(RedisError) -> [RedisURLParts] {
        var parts: [RedisURLParts] = []
        for url in RedisConfiguration.separate(text) { parts.append(try RedisURLParts(String(url))) }
        return parts
    }

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
        let servers = server.split(separator: ",", omittingEmptySubsequences: false)
        (host, port) = try Self.server(servers.first ?? "")
        for server in servers.dropFirst() { furtherServers.append(try Self.server(server)) }
    }

    private static func server(_ server: Substring) throws(RedisError) -> (host: String, port: Int?) {
        let host: String
        var portText: Substring?
        if server.hasPrefix("[") {
            guard let end = server.firstIndex(of: "]") else { throw .url("a '[' without ']' in the host") }
            host = String(server[server.index(after: server.startIndex)..<end])
            let after = server[server.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":") else { throw .url("only a port may follow ']' in the host") }
            portText = after.isEmpty ? nil : after.dropFirst()
        } else if let colon = server.lastIndex(of: ":") {
            guard !server[..<colon].contains(":") else { throw .url("an IPv6 address must stand in brackets") }
            host = try decode(server[..<colon])
            portText = server[server.index(after: colon)...]
        } else {
            host = try decode(server)
        }
        guard let portText, !portText.isEmpty else { return (host, nil) }
        guard portText.utf8.allSatisfy({ 48...57 ~= $0 }), let number = Int(portText), 1...65535 ~= number else {
            throw .url("the port must be a number from 1 to 65535; ':' and '@' in a password are written %3A and %40")
        }
        return (host, number)
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

extension RedisError {
    /// What is wrong with a URL, without the URL.
    static func url(_ problem: String) -> RedisError { RedisError(.invalidURL, problem) }
}
