public import Logging
public import NIOCore

/// Commands over one connection that is replaced whenever it breaks.
///
/// All commands submitted in one turn of the event loop leave as one write. A caller that runs on the loop's own executor
/// (an actor whose `unownedExecutor` is the loop's) pays for no thread hop; any other caller may use it just as well.
///
/// What happens to a command when things go wrong:
/// - not yet written while ``run()`` keeps the connection up: it waits for the next connection, up to its timeout;
/// - written when the connection breaks: it fails with `connectionClosed`. It is never sent again by itself, because it
///   may have been executed;
/// - its task is cancelled: it fails with `cancelled` at once. If it was written, its reply is read and dropped later;
/// - its time is over: it fails with `timeout`, and its reply is dropped. The connection itself is replaced only when the
///   server has been entirely silent for `commandTimeout` or longer;
/// - the server answers `READONLY`, `LOADING` or `MASTERDOWN`: it fails with that, the replies still due are awaited, and
///   the connection is replaced.
///
/// Do not send `SUBSCRIBE`, `MONITOR` or `CLIENT REPLY`, which break the pairing of commands and replies; see
/// ``RedisSubscriber``. A blocking command blocks everybody behind it.
public final class RedisClient: Sendable {
    /// The loop that everything of this client happens on.
    public let eventLoop: any EventLoop
    /// Where the server is and how to talk to it.
    public let configuration: RedisConfiguration
    private let connection: RedisConnection

    /// A client that is not connected yet.
    ///
    /// - Parameters:
    ///   - setup: commands that run on every new connection before anything else.
    ///   - onStateChange: told of every change, on the loop; must not block.
    public init(
        configuration: RedisConfiguration,
        eventLoop: any EventLoop,
        logger: Logger,
        setup: [RedisSetup] = [],
        onStateChange: @escaping @Sendable (RedisConnectionState) -> Void = { _ in }
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        connection = RedisConnection(
            configuration: configuration,
            eventLoop: eventLoop,
            role: .commands,
            logger: logger,
            setup: setup,
            onStateChange: onStateChange
        )
    }

    /// Keeps the client connected: connects, and connects again after each loss, with backoff.
    ///
    /// Returns after ``close()`` and when its task is cancelled, which closes the client at once.
    ///
    /// - Throws: a failure that waiting does not mend, a wrong password for example (`isTransient` is false). Commands that
    ///   were waiting fail with it too. Calling `run()` again tries again.
    public func run() async throws(RedisError) { try await connection.run() }

    /// Connects once; does nothing when connected, joins an attempt that is under way.
    ///
    /// - Throws: the failure of the attempt, also a transient one: the caller decides whether to try again.
    public func connect() async throws(RedisError) { try await connection.connect() }

    /// Sends a command and waits for its reply.
    ///
    /// - Parameter timeout: how long to wait, for a connection and for the reply together; `commandTimeout` when nil.
    /// - Throws: an error reply as an error with a code such as `.outOfMemory`, and whatever kept the reply from coming.
    public func send(_ command: RedisCommand, timeout: Duration? = nil) async throws(RedisError) -> RedisReply {
        try await connection.send(command, timeout: timeout).get().get()
    }

    /// Sends commands next to each other, in one write, and waits for all replies.
    ///
    /// - Parameter timeout: how long to wait for all of them; `commandTimeout` when nil.
    /// - Returns: one reply per command, in order. An error reply is a reply here (`.error`), as the others were executed.
    /// - Throws: what kept the replies from coming. Some of the commands may then have been executed.
    public func send(_ commands: [RedisCommand], timeout: Duration? = nil) async throws(RedisError) -> [RedisReply] {
        try await connection.send(commands, timeout: timeout).get()
    }

    /// Runs a script by its digest; a server that does not know it is sent the source, once.
    ///
    /// - Throws: as ``send(_:timeout:)``; the name of the script is in the message of an error reply.
    public func run(
        _ script: RedisScript,
        keys: [String],
        arguments: RedisArguments = RedisArguments(),
        timeout: Duration? = nil
    ) async throws(RedisError) -> RedisReply {
        try await run(script, keys: RedisArguments(keys), arguments: arguments, timeout: timeout)
    }

    /// Runs a script whose keys need not be text.
    public func run(
        _ script: RedisScript,
        keys: RedisArguments,
        arguments: RedisArguments = RedisArguments(),
        timeout: Duration? = nil
    ) async throws(RedisError) -> RedisReply {
        do {
            return try await send(script.command(keys: keys, arguments: arguments), timeout: timeout)
        } catch {
            guard error.code == .noScript else { throw error }
            return try await send(script.sourceCommand(keys: keys, arguments: arguments), timeout: timeout)
        }
    }

    /// Runs the setup again on the present connection, for setup that depends on something that changed.
    ///
    /// Client tracking needs it each time the subscriber has reconnected: its id is a new one then.
    public func prepareAgain() async throws(RedisError) { try await connection.prepareAgain() }

    /// Refuses new commands, waits for replies that are due (no longer than `connectTimeout`), and disconnects for good.
    public func close() async { await connection.close() }
}
