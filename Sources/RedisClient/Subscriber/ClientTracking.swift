extension RedisCommand {
    /// `CLIENT TRACKING ON REDIRECT id NOLOOP`: invalidations of what this connection reads go to that connection.
    ///
    /// `NOLOOP` leaves out changes made by the reading connection itself.
    ///
    /// With `optIn`, only the keys that a command reads right after ``clientCaching`` are remembered: without it every
    /// key that is read and then written costs the server a message.
    public static func clientTracking(redirect clientID: Int64, optIn: Bool = false) -> RedisCommand {
        var command = RedisCommand("CLIENT", "TRACKING", "ON", "REDIRECT", clientID, "NOLOOP")
        if optIn { command.append("OPTIN") }
        return command
    }

    /// Makes the server remember the keys that the next command reads, where tracking is opt-in.
    public static var clientCaching: RedisCommand { RedisCommand("CLIENT", "CACHING", "YES") }
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
                do throws(RedisError) {
                    let id = try await subscriber.connectedClientID(within: limit)
                    try await subscriber.subscribe([RedisPush.invalidationChannel], timeout: limit)
                    return [.clientTracking(redirect: id, optIn: optIn)]
                } catch {
                    // A server that does not tell ids has nothing to redirect to.
                    guard let onUnsupported, error.code == .noPermission else { throw error }
                    onUnsupported(error)
                    return []
                }
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
