/// What a client may ask for and for how long.
package struct GatewayLimits: Sendable, Hashable {
    /// The most bytes of a body.
    package var bodyBytes = 1 << 20
    /// The most bytes of all header lines together.
    package var headerBytes = 16 << 10
    /// The most connections at once.
    package var connections = 10_000
    /// How long a client may take to send a request, and leave a connection unused.
    package var idleTime: Duration = .seconds(30)
    /// The longest `?wait=`.
    package var wait: Duration = .seconds(60)
    /// How many may wait or follow events at once.
    package var followers = 5000
    /// After how long a silent stream of events says that it is alive.
    package var keepAlive: Duration = .seconds(15)
    /// How many tasks a user may send in a minute.
    package var tasksPerMinute = 600
    /// How many tasks a request may send at once.
    package var bulkItems = 1000
    /// How many wrong tokens an address may send in a minute.
    package var failedTokensPerMinute = 20

    /// The defaults.
    package init() {}
}
