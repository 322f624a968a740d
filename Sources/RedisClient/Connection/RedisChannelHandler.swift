import NIOCore

/// Turns what a channel receives into replies and tells the connection what happens to the channel.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: RedisConnection
    private let reader: RedisReplyReader
    private var error: RedisError?

    init(connection: RedisConnection, reader: RedisReplyReader) {
        self.connection = connection
        self.reader = reader
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        var replies: [RedisReply] = []
        do {
            try buffer.withUnsafeReadableBytes { (bytes) throws(RedisError) in
                try reader.feed(bytes) { replies.append($0) }
            }
        } catch {
            fail(error, context)
        }
        guard !replies.isEmpty else { return }
        let arrived = replies
        let channel = context.channel
        connection.assumeIsolated { $0.receive(arrived, from: channel) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { connection.assumeIsolated { $0.flush() } }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(RedisError(channel: error), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        let channel = context.channel
        let reason = error
        connection.assumeIsolated { $0.channelClosed(channel, reason) }
        context.fireChannelInactive()
    }

    private func fail(_ error: RedisError, _ context: ChannelHandlerContext) {
        self.error = self.error ?? error
        context.close(promise: nil)
    }
}
