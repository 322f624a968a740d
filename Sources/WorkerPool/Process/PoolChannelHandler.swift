import NIOCore

/// Cuts what a pool process writes into frames.
final class PoolChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let pool: ProcessPool
    private let member: PoolProcess
    private var pending = ByteBuffer()
    private var isRefused = false

    init(pool: ProcessPool, member: PoolProcess) {
        self.pool = pool
        self.member = member
    }

    func channelActive(context: ChannelHandlerContext) {
        pool.connected(member, context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        var incoming = unwrapInboundIn(data)
        if pending.readableBytes == 0 { pending = incoming } else { pending.writeBuffer(&incoming) }
        do {
            let taken = try pending.withUnsafeReadableBytes { bytes throws(PoolError) in
                try takeFrames(bytes.bytes)
            }
            pending.moveReaderIndex(forwardBy: taken)
        } catch {
            isRefused = true
            pending = ByteBuffer()
            pool.refuse(member, error)
        }
    }

    /// Handles the complete frames at the start of `bytes` and returns their length.
    private func takeFrames(_ bytes: RawSpan) throws(PoolError) -> Int {
        var offset = 0
        let limit = pool.configuration.frameLimit
        while let next = try Frame.header(of: bytes, at: offset, limit: limit) {
            let start = offset + Frame.headerSize
            guard bytes.byteCount - start >= next.length else { break }
            try pool.receive(next.kind, bytes.extracting(start..<start + next.length), from: member)
            offset = start + next.length
        }
        return offset
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        pool.endOfBatch(of: member)
    }

    func channelInactive(context: ChannelHandlerContext) {
        pool.disconnected(member)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A dead process resets its socket; its end says all there is to say.
        context.close(promise: nil)
    }
}
