public import CeleriacTasks
public import SMTP

extension SMTPConfiguration {
    /// Reads the `smtp` block of a handler's options.
    ///
    /// Keys of the `smtp` block in a handler's options:
    ///
    /// | key | type | default |
    /// | --- | --- | --- |
    /// | `host` | text | required |
    /// | `port` | 1…65535 | 587 for starttls, 465 for tls, 25 for none |
    /// | `security` | `starttls`, `tls`, `none` | `starttls` |
    /// | `username`, `password` | text | no authentication |
    /// | `ca_file` | path of PEM certificates | the system's authorities |
    /// | `timeout` | seconds | 30 |
    /// | `helo` | text | this machine's name |
    /// | `max_connections` | 1…100 | 4 |
    /// | `idle_limit` | seconds | 20 |
    /// | `messages_per_connection` | 1…100000 | 100 |
    public init(_ options: OptionReader, path: (String) -> String) throws(HandlerOptionError) {
        try options.refuseUnknown(except: [
            "host", "port", "security", "username", "password", "ca_file", "timeout", "helo", "max_connections",
            "idle_limit", "messages_per_connection",
        ])
        let word = try options.string("security") ?? MailSecurity.startTLS.rawValue
        guard let security = MailSecurity(rawValue: word) else {
            throw options.error("security", "must be starttls, tls or none, is \(word)")
        }
        self.init(
            host: try options.requiredString("host"),
            port: try options.int("port", in: 1...65_535),
            security: security
        )
        guard Self.isHost(host) else { throw options.error("host", "is not a host name or address") }
        try readLogin(options)
        authorityFile = try options.string("ca_file").map(path)
        if let name = try options.string("helo") {
            guard Self.isClientName(name) else { throw options.error("helo", "must be a host name") }
            clientName = name
        }
        timeout = try options.seconds("timeout", in: 1...3600) ?? timeout
        idleLimit = try options.seconds("idle_limit", in: 0...3600) ?? idleLimit
        maxConnections = try options.int("max_connections", in: 1...100) ?? maxConnections
        messagesPerConnection =
            try options.int("messages_per_connection", in: 1...100_000) ?? messagesPerConnection
    }

    private mutating func readLogin(_ options: OptionReader) throws(HandlerOptionError) {
        let user = try options.string("username")
        let password = try options.string("password")
        switch (user, password) {
        case (nil, nil): return
        case (let user?, let password?):
            guard security != .none || isLoopback else {
                throw options.error("username", "needs security starttls or tls: the password would travel in clear")
            }
            guard !user.utf8.contains(0), !password.utf8.contains(0) else {
                throw options.error("username", "and password must not contain NUL")
            }
            credentials = SMTPCredentials(user: user, password: password)
        case (nil, _): throw options.error("username", "is required with password")
        case (_, nil): throw options.error("password", "is required with username")
        }
    }
}
