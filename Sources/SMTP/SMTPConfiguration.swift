import Glibc

/// Which mail server is used and how.
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

    /// Whether the server is on this machine, so that nothing travels in clear.
    package var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    /// Whether a text may be the name or the address of a host.
    package static func isHost(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 32 && $0 < 127 }
    }

    /// Whether a text may be what a client calls itself.
    package static func isClientName(_ text: String) -> Bool {
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
