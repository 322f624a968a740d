public import CeleriacTasks
import Glibc

/// Which mail server is used and how.
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
public struct SMTPConfiguration: Sendable {
    /// The server's name or address.
    public var host: String
    /// The server's port.
    public var port: Int
    /// How the connection is protected.
    public var security: MailSecurity
    /// Who to log in as; `nil` sends without logging in.
    public var credentials: SMTPCredentials?
    /// A PEM file with the authorities to trust in place of the system's.
    public var authorityFile: String?
    /// How long to wait for the connection and for each answer; a message's own transfer gets more time by its size.
    public var timeout: Duration = .seconds(30)
    /// The name this client greets with.
    public var clientName: String
    /// How many connections may be open at the same time.
    public var maxConnections = 4
    /// How long an unused connection is kept; servers drop them after a minute or a few.
    public var idleLimit: Duration = .seconds(20)
    /// How long a connection may be unused before the server is asked whether it is still there.
    public var quietLimit: Duration = .seconds(10)
    /// After how many messages a connection is replaced; many servers allow about a hundred.
    public var messagesPerConnection = 100

    /// Names a server; everything else has a default.
    public init(host: String, port: Int? = nil, security: MailSecurity = .startTLS) {
        self.host = host
        self.security = security
        self.port = port ?? security.defaultPort
        clientName = Self.machineName()
    }

    /// Reads the `smtp` block of a handler's options.
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

    private var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    private static func isHost(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 32 && $0 < 127 }
    }

    private static func isClientName(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                byte < 128 && (Character(UnicodeScalar(byte)).isLetter || Character(UnicodeScalar(byte)).isNumber)
                    || "-.[]:".utf8.contains(byte)
            }
    }

    /// Many servers refuse a greeting that is no name at all, so an address stands in for a missing one.
    private static func machineName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "[127.0.0.1]" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return isClientName(name) ? name : "[127.0.0.1]"
    }
}

/// A user name and password that print as nothing.
public struct SMTPCredentials: Sendable, CustomStringConvertible, CustomReflectable {
    let user: String
    let password: String

    /// Holds a login.
    public init(user: String, password: String) {
        self.user = user
        self.password = password
    }

    /// Stars.
    public var description: String { "***" }
    /// Nothing, so that no dump shows the password.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension MailSecurity {
    /// The port such servers listen on.
    public var defaultPort: Int {
        switch self {
        case .startTLS: 587
        case .tls: 465
        case .none: 25
        }
    }
}
