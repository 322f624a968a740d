/// What went wrong while talking to Redis; two errors are equal when their codes are.
///
/// Messages never contain a password: URLs in them went through ``RedisConfiguration/redact(_:)``.
public struct RedisError: Error, Sendable {
    /// The kind of failure, an open set: switch over the codes you know and keep a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// A stable name, `server.` plus the prefix of the reply for errors that Redis itself reported.
        public let rawValue: String

        /// A code by its name.
        public init(_ rawValue: String) { self.rawValue = rawValue }

        /// The code of an error reply that starts with this word, `NOSCRIPT` for example.
        public static func server(_ prefix: String) -> Code { Code("server." + prefix) }

        /// The first word of the error reply, or nil when the failure did not come from the server.
        public var serverPrefix: String? {
            rawValue.hasPrefix("server.") ? String(rawValue.dropFirst(7)) : nil
        }

        /// The connection ended, or there was none; a command in flight may or may not have been executed.
        public static let connectionClosed = Code("connectionClosed")
        /// No connection could be made: refused, unknown host, missing socket file.
        public static let connectFailed = Code("connectFailed")
        /// Connecting and preparing the connection took longer than `connectTimeout`.
        public static let connectTimeout = Code("connectTimeout")
        /// The reply did not come in time; the command may have been executed.
        public static let timeout = Code("timeout")
        /// The waiting Swift task was cancelled; a command already written may have been executed.
        public static let cancelled = Code("cancelled")
        /// Wrong or missing user name or password.
        public static let authenticationFailed = Code("authenticationFailed")
        /// The bytes received are not RESP2, or exceed the configured bounds.
        public static let protocolError = Code("protocolError")
        /// A URL that cannot be understood.
        public static let invalidURL = Code("invalidURL")
        /// The sentinels know no master of that name.
        public static let unknownMaster = Code("unknownMaster")
        /// TLS failed: an unreadable certificate, an untrusted server, or a server that does not trust us.
        public static let tls = Code("tls")

        /// `NOSCRIPT`: the script is not in the server's cache; `RedisClient.run(_:keys:arguments:)` handles it.
        public static let noScript = server("NOSCRIPT")
        /// `OOM`: the server reached `maxmemory` and refuses commands that need more.
        public static let outOfMemory = server("OOM")
        /// `READONLY`: the server is a replica.
        public static let readOnly = server("READONLY")
        /// `LOADING`: the server still reads its data from disk.
        public static let loading = server("LOADING")
        /// `MASTERDOWN`: a replica that lost its master and must not serve old data.
        public static let masterDown = server("MASTERDOWN")
        /// `BUSY`: a script has been running for too long.
        public static let busy = server("BUSY")
        /// `WRONGTYPE`: the key holds another type.
        public static let wrongType = server("WRONGTYPE")
        /// `NOAUTH`: a command was sent before a password.
        public static let noAuthentication = server("NOAUTH")
        /// `NOPERM`: the user may not run this command.
        public static let noPermission = server("NOPERM")

        /// The name.
        public var description: String { rawValue }
    }

    /// The kind of failure.
    public let code: Code
    /// A sentence for people, without secrets.
    public let message: String
    /// The failure beneath, when another library reported one.
    public let underlying: (any Error)?
    /// Whether trying again later may succeed with nothing changed: true for lost connections, timeouts and states a
    /// server passes through, false for wrong passwords, bad URLs, TLS and mistakes in commands.
    public let isTransient: Bool
    /// Whether it is certain that nothing was sent: the command had not been written when it failed.
    public private(set) var isUnsent = false
    /// The file that reported the failure.
    public let file: String
    /// The line in `file`.
    public let line: Int

    /// A failure of this kind; `isTransient` follows from the code unless it is given.
    public init(
        _ code: Code,
        _ message: String,
        underlying: (any Error)? = nil,
        isTransient: Bool? = nil,
        file: String = #fileID,
        line: Int = #line
    ) {
        self.code = code
        self.message = message
        self.underlying = underlying
        self.isTransient = isTransient ?? Self.transientCodes.contains(code)
        self.file = file
        self.line = line
    }

    /// The error that an error reply stands for.
    public init(reply text: String, file: String = #fileID, line: Int = #line) {
        let code = Code.server(Self.prefix(ofReply: text))
        let refusedForNow = text.contains("max number of clients")
        self.init(code, text, isTransient: refusedForNow ? true : nil, file: file, line: line)
    }

    /// The same failure of a command that had not been written.
    var unsent: RedisError {
        var error = self
        error.isUnsent = true
        return error
    }

    /// Whether the server asks us, in effect, to connect again: a replica, a server that loads, a replica without master.
    var asksForReconnect: Bool { code == .readOnly || code == .loading || code == .masterDown }

    private static let transientCodes: Set<Code> = [
        .connectionClosed, .connectFailed, .connectTimeout, .timeout, .protocolError,
        .outOfMemory, .readOnly, .loading, .masterDown, .busy,
        .server("TRYAGAIN"), .server("CLUSTERDOWN"), .server("NOREPLICAS"), .server("MISCONF"),
    ]

    /// The first word of an error reply.
    ///
    /// Before Redis 7 an error inside a script was wrapped in
    /// `ERR Error running script (…): -READONLY …`; then the inner word is what matters.
    private static func prefix(ofReply text: String) -> String {
        let first = text.prefix { $0 != " " }
        guard first == "ERR", text.hasPrefix("ERR Error running script") else { return String(first) }
        for inner in ["READONLY", "OOM", "MASTERDOWN", "LOADING"] where text.contains("-\(inner) ") { return inner }
        return "ERR"
    }
}

extension RedisError: Equatable {
    /// Equality by code alone, so that tests and callers need not know messages.
    public static func == (left: RedisError, right: RedisError) -> Bool { left.code == right.code }
}

extension RedisError: CustomStringConvertible {
    /// Code, message and the failure beneath.
    public var description: String {
        guard let underlying else { return "\(code): \(message)" }
        return "\(code): \(message) (\(underlying))"
    }
}
