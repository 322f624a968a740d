import NIOCore

/// Commands on their way out: all of a turn of the loop in one write.
extension RedisConnection {
    /// Sends one command; its reply may be an error reply.
    func send(_ command: RedisCommand, timeout: Duration?) async -> Result<RedisReply, RedisError> {
        if Task.isCancelled { return .failure(Self.cancelled) }
        let id = takeID()
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { submit(id, .one(command), .one($0), timeout) }
        } onCancel: {
            onLoop { $0.pipeline.fail(id, Self.cancelled) }
        }
    }

    /// Sends several commands, next to each other and in order; each has its reply.
    func send(_ commands: [RedisCommand], timeout: Duration?) async -> Result<[RedisReply], RedisError> {
        if commands.isEmpty { return .success([]) }
        if Task.isCancelled { return .failure(Self.cancelled) }
        let id = takeID()
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { submit(id, .many(commands), .many($0), timeout) }
        } onCancel: {
            onLoop { $0.pipeline.fail(id, Self.cancelled) }
        }
    }

    private func submit(
        _ id: UInt64,
        _ content: RedisRequest.Content,
        _ waiter: RedisRequest.Waiter,
        _ timeout: Duration?
    ) {
        let limit = (timeout ?? configuration.commandTimeout).map { TimeAmount($0) }
        let deadline = limit.map { NIODeadline.now() + $0 }
        let usual = configuration.commandTimeout.map { TimeAmount($0) }
        // One impatient caller does not make a connection dead, and a patient one may know that its command is slow.
        let stallLimit = usual.map { max($0, limit ?? $0) }
        var request = RedisRequest(id: id, content, waiter: waiter, deadline: deadline, stallLimit: stallLimit)
        switch machine.disposition {
        case .refuse(let error):
            request.fail(error)
            return
        case .hold: break
        case .write: scheduleFlush()
        }
        pipeline.hold(request)
        if let deadline { scheduleSweep(at: deadline) }
    }

    // MARK: Writing

    /// Writes once all tasks of this turn of the loop had their chance to submit.
    func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.execute { self.assumeIsolated { $0.flush() } }
    }

    /// Writes everything queued as one piece, unless the peer does not keep up: then it stays here, where it can still be
    /// cancelled, until the channel is writable again.
    func flush() {
        isFlushScheduled = false
        guard let channel, channel.isWritable, pipeline.hasQueued, isFlowing else { return }
        let now = NIODeadline.now()
        if outgoing.capacity > Self.pieceBytes { outgoing = ByteBuffer() } else { outgoing.clear() }
        while let request = pipeline.writeNext(to: &outgoing, at: now) {
            if request.deadline == nil, let limit = request.stallLimit { scheduleSweep(at: now + limit) }
            if outgoing.readableBytes > Self.pieceBytes {
                channel.write(outgoing, promise: nil)
                outgoing = ByteBuffer()
            }
        }
        channel.writeAndFlush(outgoing, promise: nil)
    }

    /// Larger pieces gain nothing, and a buffer must stay below 4 GiB.
    private static let pieceBytes = 4 << 20

    private var isFlowing: Bool { machine.phase == .ready || machine.phase == .closing }
}
