public import Logging
public import NIOCore

/// A connection for pub/sub and for the invalidations of client tracking; it subscribes again after each reconnect.
///
/// Messages published while it was disconnected are lost, as Redis' pub/sub is; `onStateChange` tells when that may have
/// happened.
public final class RedisSubscriber: Sendable {
    /// The loop that everything of this subscriber happens on.
    public let eventLoop: any EventLoop
    /// Where the server is and how to talk to it.
    public let configuration: RedisConfiguration
    private let connection: RedisConnection
    private let wanted: WantedSubscriptions

    /// A subscriber that is not connected yet.
    ///
    /// - Parameters:
    ///   - onMessage: called on the loop for each push, in order; must not block.
    ///   - onStateChange: told of every change, on the loop; must not block.
    public init(
        configuration: RedisConfiguration,
        eventLoop: any EventLoop,
        logger: Logger,
        onMessage: @escaping @Sendable (RedisPush) -> Void,
        onStateChange: @escaping @Sendable (RedisConnectionState) -> Void = { _ in }
    ) {
        let wanted = WantedSubscriptions()
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.wanted = wanted
        connection = RedisConnection(
            configuration: configuration,
            eventLoop: eventLoop,
            role: .subscriptions(onMessage),
            logger: logger,
            setup: [RedisSetup { () throws(RedisError) in wanted.commands }],
            onStateChange: { state in
                wanted.note(state)
                onStateChange(state)
            }
        )
    }

    /// The server's id of the present connection, nil while there is none.
    public var clientID: Int64? { wanted.clientID }

    /// The server's id of the connection, waiting for one if need be.
    public func connectedClientID(within limit: Duration = .seconds(4)) async throws(RedisError) -> Int64 {
        try await connection.connectedClientID(within: limit)
    }

    /// Keeps the subscriber connected; as ``RedisClient/run()``.
    public func run() async throws(RedisError) { try await connection.run() }

    /// Connects once; as ``RedisClient/connect()``.
    public func connect() async throws(RedisError) { try await connection.connect() }

    /// Subscribes to channels; returns when the server has confirmed, so that no later message is missed.
    ///
    /// Before the first connection it only notes the wish. The wish also outlives a lost connection, even one that made
    /// this call throw; only the server's refusal or ``unsubscribe(_:)`` ends it.
    ///
    /// - Parameter timeout: how long to wait; the configuration's `commandTimeout` when nil.
    public func subscribe(_ channels: [String], timeout: Duration? = nil) async throws(RedisError) {
        let new = wanted.add(channels: channels)
        do {
            try await confirm("SUBSCRIBE", channels, timeout)
        } catch {
            if error.code.serverPrefix != nil, !error.isTransient { wanted.remove(channels: new) }
            throw error
        }
    }

    /// Subscribes to all channels that match these glob patterns; otherwise as ``subscribe(_:)``.
    public func psubscribe(_ patterns: [String], timeout: Duration? = nil) async throws(RedisError) {
        let new = wanted.add(patterns: patterns)
        do {
            try await confirm("PSUBSCRIBE", patterns, timeout)
        } catch {
            if error.code.serverPrefix != nil, !error.isTransient { wanted.remove(patterns: new) }
            throw error
        }
    }

    /// Ends subscriptions by name; returns when the server has confirmed.
    public func unsubscribe(_ channels: [String]) async throws(RedisError) {
        wanted.remove(channels: channels)
        try await confirm("UNSUBSCRIBE", channels)
    }

    /// Ends subscriptions by pattern; returns when the server has confirmed.
    public func punsubscribe(_ patterns: [String]) async throws(RedisError) {
        wanted.remove(patterns: patterns)
        try await confirm("PUNSUBSCRIBE", patterns)
    }

    /// Disconnects for good.
    public func close() async { await connection.close() }

    private func confirm(_ name: String, _ names: [String], _ timeout: Duration? = nil) async throws(RedisError) {
        guard !names.isEmpty, await connection.hasStarted else { return }
        _ = try await connection.send(.subscription(name, names), timeout: timeout).get().get()
    }
}
