public import Exposition
public import Logging
public import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Serves `/metrics`, `/livez`, `/readyz` and `/startupz` of one process.
///
/// It is no more than Prometheus and Kubernetes need: GET and HEAD, a few clients at once, an end to those that are slow.
public final class MetricsServer: Sendable {
    /// Clients at once; more are turned away.
    static let mostClients = 32
    /// How long a client may be silent.
    static let patience = TimeAmount.seconds(15)

    private let address: MetricsAddress
    private let source: any MetricsSource
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let listening = Mutex<(any Channel)?>(nil)
    private let clients = Mutex(0)

    /// Prepares a server; nothing is opened.
    public init(
        address: MetricsAddress,
        source: any MetricsSource,
        eventLoop: any EventLoop,
        logger: Logger
    ) {
        self.address = address
        self.source = source
        self.eventLoop = eventLoop
        self.logger = logger
    }

    /// Begins to listen; answers the port.
    ///
    /// - Throws: an `IOError` when the address cannot be used.
    @discardableResult
    public func start() async throws -> Int {
        let source = source
        let channel = try await ServerBootstrap(group: eventLoop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [self] channel in
                guard admit(channel) else {
                    return channel.eventLoop.makeFailedFuture(TooManyClients())
                }
                return channel.pipeline.configureHTTPServerPipeline(withErrorHandling: true).flatMapThrowing {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(IdleStateHandler(allTimeout: Self.patience))
                    try pipeline.addHandler(MetricsHandler(source: source))
                }
            }
            .bind(host: address.host, port: address.port)
            .get()
        listening.withLock { $0 = channel }
        let port = channel.localAddress?.port ?? address.port
        logger.info("Metrics are served on http://\(address.host):\(port)/metrics")
        return port
    }

    /// Stops listening.
    public func stop() async {
        let channel = listening.withLock { channel in
            defer { channel = nil }
            return channel
        }
        try? await channel?.close()  // it may have closed by itself
    }

    private func admit(_ channel: any Channel) -> Bool {
        let isWelcome = clients.withLock { count in
            guard count < Self.mostClients else { return false }
            count += 1
            return true
        }
        guard isWelcome else { return false }
        channel.closeFuture.whenComplete { [self] _ in clients.withLock { $0 -= 1 } }
        return true
    }
}

/// Why a client is turned away; its connection is closed.
private struct TooManyClients: Error {}
