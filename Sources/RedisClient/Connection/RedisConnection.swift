import Logging
import NIOCore

/// One connection that is made, prepared, watched and replaced, with the requests that go through it.
///
/// An actor on the executor of its event loop: the channel's handler enters it without a hop, and so does every caller
/// that runs on the same loop. Two values decide, this type does what they say: ``RedisConnectionStateMachine`` knows
/// when to connect, ``RedisPipeline`` which reply belongs to whom.
///
/// Each of its subjects has a file: `+Supervision` (when to connect), `+Discovery` (where to), `+Connecting` (one attempt), `+Requests` (commands
/// on their way out), `+Receiving` (replies, and the loss of the connection), `+Deadlines` (patience), `+Closing`.
actor RedisConnection {
    /// What the connection is for.
    enum Role: Sendable {
        /// Commands and their replies.
        case commands
        /// Pub/sub: pushed arrays go to the closure, on the loop; the rest answers commands.
        case subscriptions(@Sendable (RedisPush) -> Void)
    }

    nonisolated let eventLoop: any EventLoop
    nonisolated let configuration: RedisConfiguration
    private nonisolated let executor: any SerialExecutor
    let role: Role
    let setup: [RedisSetup]
    private let onStateChange: @Sendable (RedisConnectionState) -> Void
    let logger: Logger

    // MARK: The connection

    var machine: RedisConnectionStateMachine
    var channel: (any Channel)?
    /// Channels of the attempt under way, so that it can be ended early.
    var candidates: [any Channel] = []
    /// Why the connection is being ended, when it is ended from this side.
    var lossReason: RedisError?
    /// The server's id of the present connection.
    var clientID: Int64?

    // MARK: Where the server is

    /// Which of several servers the attempt under way, or the connection, goes to.
    var chosen: Int?
    /// Whether the connection is counted at that server.
    var isCounted = false
    /// The sentinels in the order they are asked.
    var sentinelOrder: [RedisConfiguration.Address]
    /// The question to a sentinel that is under way.
    var inquiry: RedisConnection?
    /// Where the attempt under way goes to, once that is known.
    var located: RedisConfiguration.Address?
    /// The master of the last connection that was made.
    var lastMaster: RedisConfiguration.Address?

    // MARK: Requests

    var pipeline = RedisPipeline()
    /// What the next write sends; its memory is used again.
    var outgoing = ByteBuffer()
    var isFlushScheduled = false
    private var lastID: UInt64 = 0

    // MARK: Time

    /// When the server last gave a sign of life.
    var lastReceived = NIODeadline.distantPast
    var sweepTimer: (at: NIODeadline, task: Scheduled<Void>)?
    var keepAliveTimer: Scheduled<Void>?

    // MARK: Who waits

    /// Those who joined an attempt to connect.
    var attemptWaiters: [UInt64: UnsafeContinuation<Result<Void, RedisError>, Never>] = [:]
    /// Whoever keeps the connection up, between two actions.
    var sleeper: UnsafeContinuation<Void, Never>?
    /// Those who wait for the end.
    var closeWaiters: [UnsafeContinuation<Void, Never>] = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(
        configuration: RedisConfiguration,
        eventLoop: any EventLoop,
        role: Role,
        logger: Logger,
        setup: [RedisSetup],
        onStateChange: @escaping @Sendable (RedisConnectionState) -> Void
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.executor = eventLoop.executor
        self.role = role
        self.setup = setup
        self.onStateChange = onStateChange
        self.machine = RedisConnectionStateMachine(backoff: configuration.pace)
        self.sentinelOrder = configuration.endpoint.sentinels?.addresses ?? []
        var logger = logger
        logger[metadataKey: "redis"] = "\(configuration.redactedURL)"
        self.logger = logger
    }

    /// Whether a connection was ever asked for.
    var hasStarted: Bool { machine.phase != .idle }

    // MARK: For all subjects

    static let cancelled = RedisError(.cancelled, "the waiting task was cancelled")
    static let closed = RedisError(.connectionClosed, "the client was closed", isTransient: false)
    static let abandoned = RedisError(.connectionClosed, "the client's task was cancelled", isTransient: false)

    func takeID() -> UInt64 {
        lastID += 1
        return lastID
    }

    func report(_ state: RedisConnectionState) {
        logger.debug("connection", metadata: ["state": "\(state)"])
        onStateChange(state)
    }

    /// Runs on the loop, in a turn of its own; for handlers of cancellation, which may be called from anywhere.
    nonisolated func onLoop(_ body: @escaping @Sendable (isolated RedisConnection) -> Void) {
        eventLoop.execute { self.assumeIsolated { body($0) } }
    }
}
