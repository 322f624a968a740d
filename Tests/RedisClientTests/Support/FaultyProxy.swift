import NIOCore
import NIOPosix
import Synchronization

/// A proxy on a loopback port that can swallow all bytes or cut all connections.
final class FaultyProxy: Sendable {
    private struct State {
        var swallows = false
        var channels: [any Channel] = []
        var bytesToServer = 0
    }

    private let state: StateBox
    private let listener: any Channel

    private final class StateBox: Sendable {
        let mutex = Mutex(State())
    }

    private init(listener: any Channel, state: StateBox) {
        self.listener = listener
        self.state = state
    }

    /// A proxy in front of this loopback port.
    static func start(target: Int) async throws -> FaultyProxy {
        let state = StateBox()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { inbound in
                state.mutex.withLock { $0.channels.append(inbound) }
                let toServer = Forwarder {
                    state.mutex.withLock { $0.swallows }
                } count: { count in
                    state.mutex.withLock { $0.bytesToServer += count }
                }
                let added = inbound.eventLoop.makeCompletedFuture {
                    try inbound.pipeline.syncOperations.addHandler(toServer)
                }
                let toServerBound = NIOLoopBound(toServer, eventLoop: inbound.eventLoop)
                return added.flatMap {
                    ClientBootstrap(group: inbound.eventLoop)
                        .channelInitializer { outbound in
                            outbound.eventLoop.makeCompletedFuture {
                                let toClient = Forwarder {
                                    state.mutex.withLock { $0.swallows }
                                } count: { _ in
                                }
                                toClient.peer = inbound
                                try outbound.pipeline.syncOperations.addHandler(toClient)
                            }
                        }
                        .connect(host: "127.0.0.1", port: target)
                        .map { outbound in
                            state.mutex.withLock { $0.channels.append(outbound) }
                            toServerBound.value.peer = outbound
                        }
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        return FaultyProxy(listener: listener, state: state)
    }

    var port: Int { listener.localAddress?.port ?? 0 }

    /// How many bytes clients have sent so far.
    var bytesToServer: Int { state.mutex.withLock { $0.bytesToServer } }

    /// From now on all bytes in both directions vanish, on new connections too, until told otherwise.
    func swallow(_ swallows: Bool) { state.mutex.withLock { $0.swallows = swallows } }

    /// Cuts every connection; new ones are accepted.
    func cut() {
        let channels = state.mutex.withLock { state in
            defer { state.channels = [] }
            return state.channels
        }
        for channel in channels { channel.close(promise: nil) }
    }

    /// Ends the proxy and every connection.
    func stop() async {
        try? await listener.close()
        cut()
    }
}

private final class Forwarder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let swallows: @Sendable () -> Bool
    private let count: @Sendable (Int) -> Void
    /// The other side; what arrives before it is known is kept.
    var peer: (any Channel)? {
        didSet {
            for buffer in waiting { peer?.writeAndFlush(buffer, promise: nil) }
            waiting = []
        }
    }
    private var waiting: [ByteBuffer] = []

    init(swallows: @escaping @Sendable () -> Bool, count: @escaping @Sendable (Int) -> Void) {
        self.swallows = swallows
        self.count = count
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        count(buffer.readableBytes)
        if swallows() { return }
        if let peer { peer.writeAndFlush(buffer, promise: nil) } else { waiting.append(buffer) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        peer?.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
