public import Logging
public import NIOCore
import Synchronization

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
    private let wanted: Wanted

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
        let wanted = Wanted()
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

/// What is to be subscribed on every new connection, and the present connection's id.
private final class Wanted: Sendable {
    private struct State {
        var channels: Set<String> = []
        var patterns: Set<String> = []
        var clientID: Int64?
    }

    private let state = Mutex(State())

    var clientID: Int64? { state.withLock { $0.clientID } }

    /// The commands for a new connection, at most two.
    var commands: [RedisCommand] {
        let (channels, patterns) = state.withLock { ($0.channels.sorted(), $0.patterns.sorted()) }
        return [("SUBSCRIBE", channels), ("PSUBSCRIBE", patterns)]
            .filter { !$0.1.isEmpty }
            .map { RedisCommand.subscription($0.0, $0.1) }
    }

    func note(_ change: RedisConnectionState) {
        state.withLock { state in
            if case .connected(let id) = change { state.clientID = id } else { state.clientID = nil }
        }
    }

    /// Adds them; answers with those that were not wanted before.
    func add(channels: [String]) -> [String] {
        state.withLock { state in channels.filter { state.channels.insert($0).inserted } }
    }

    /// Adds them; answers with those that were not wanted before.
    func add(patterns: [String]) -> [String] {
        state.withLock { state in patterns.filter { state.patterns.insert($0).inserted } }
    }

    func remove(channels: [String]) { state.withLock { $0.channels.subtract(channels) } }

    func remove(patterns: [String]) { state.withLock { $0.patterns.subtract(patterns) } }
}

extension RedisCommand {
    /// A command that the server confirms once per name.
    fileprivate static func subscription(_ name: String, _ names: [String]) -> RedisCommand {
        var command = RedisCommand(name, arguments: names)
        command.replyCount = names.count
        return command
    }
}

extension RedisSetup {
    /// Client tracking: `subscriber` is told (`RedisPush.invalidated`) when a key changes that this connection has read,
    /// unless the connection changed it itself.
    ///
    /// Subscribes to the channel of invalidations and waits for the subscriber's connection. After the subscriber has
    /// reconnected, call ``RedisClient/prepareAgain()``.
    ///
    /// - Parameter onUnsupported: called when the server refuses tracking for good (before Redis 6, or by its access
    ///   rules); the connection is then used without. Without this closure the refusal fails the connection.
    public static func tracking(
        redirectedTo subscriber: RedisSubscriber,
        optIn: Bool = false,
        onUnsupported: (@Sendable (RedisError) -> Void)? = nil
    ) -> RedisSetup {
        RedisSetup(
            commands: { () throws(RedisError) in
                let limit = subscriber.configuration.connectTimeout
                let id = try await subscriber.connectedClientID(within: limit)
                try await subscriber.subscribe([RedisPush.invalidationChannel], timeout: limit)
                return [.clientTracking(redirect: id, optIn: optIn)]
            },
            check: { replies throws(RedisError) in
                guard let error = replies.lazy.compactMap(\.error).first else { return }
                // The subscriber reconnected in between: the next attempt finds its new id.
                if error.message.contains("does not exist") {
                    throw RedisError(.connectionClosed, "the subscriber reconnected", underlying: error)
                }
                guard let onUnsupported, !error.isTransient else { throw error }
                onUnsupported(error)
            }
        )
    }
}
