/// What a connection that is kept up is doing, as reported to its owner.
public enum RedisConnectionState: Sendable, Equatable {
    /// An attempt to connect has begun.
    case connecting
    /// Connected and prepared; commands flow. The number is the server's `CLIENT ID`, nil when it did not tell.
    case connected(clientID: Int64?)
    /// The connection ended, or an attempt failed.
    case lost(RedisError)
    /// The next attempt begins after this time.
    case waiting(Duration)
    /// Closed for good.
    case closed
}
