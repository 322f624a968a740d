import NIOCore

/// Replies, and the loss of the connection they come through.
extension RedisConnection {
    /// Replies that arrived together.
    func receive(_ replies: [RedisReply], from channel: any Channel) {
        guard channel === self.channel else { return }
        lastReceived = .now()
        for reply in replies {
            if case .subscriptions(let onPush) = role, let push = RedisPush(reply) {
                onPush(push)
            } else {
                deliver(reply)
            }
        }
        finishDraining()
    }

    private func deliver(_ reply: RedisReply) {
        guard pipeline.awaitsReply else { return refuseUnasked(reply) }
        if case .error(let text) = reply { noteError(RedisError(reply: text)) }
        pipeline.receive(reply)
    }

    /// Nobody asked: Redis does this to say that it accepts no more clients.
    ///
    /// Anything else would shift all later replies.
    private func refuseUnasked(_ reply: RedisReply) {
        lose(reply.error ?? RedisError(.protocolError, "the server sent a reply that nobody asked for"))
    }

    private func noteError(_ error: RedisError) {
        guard error.asksForReconnect, machine.beginDraining() else { return }
        lossReason = error
        let patience = TimeAmount(configuration.connectTimeout)
        eventLoop.scheduleTask(in: patience) { [weak channel] in
            guard let channel else { return }
            self.assumeIsolated { if channel === $0.channel { $0.lose(error) } }
        }
    }

    func finishDraining() {
        guard !pipeline.awaitsReply, !pipeline.hasQueued || machine.phase == .draining else { return }
        if machine.phase == .draining, let lossReason { lose(lossReason) }
        if machine.phase == .closing { finishClosing() }
    }

    // MARK: Losing the connection

    /// The channel is gone; `error` is what its handler saw, if anything.
    func channelClosed(_ channel: any Channel, _ error: RedisError?) {
        guard channel === self.channel else { return }
        let reason = lossReason ?? error ?? RedisError(.connectionClosed, "the server closed the connection")
        lossReason = reason
        if machine.phase == .connecting {
            dropChannel(reason)
            return
        }
        let wasClosing = machine.phase == .closing
        machine.didLose(reason, at: .now())
        dropChannel(RedisError(.connectionClosed, reason.message, underlying: reason))
        if wasClosing { return finishClosing() }
        guard machine.phase == .disconnected else { return }
        report(.lost(reason))
        if !machine.isSupervised {
            pipeline.failQueued(RedisError(.connectionClosed, reason.message, underlying: reason))
        }
        wake()
    }

    /// Ends the connection from this side, without waiting for a dead peer's part of closing TLS.
    func lose(_ error: RedisError) {
        guard let channel else { return }
        lossReason = lossReason ?? error
        channelClosed(channel, nil)
    }

    func dropChannel(_ error: RedisError) {
        let channel = self.channel
        self.channel = nil
        depart()
        clientID = nil
        keepAliveTimer?.cancel()
        keepAliveTimer = nil
        channel?.close(promise: nil)
        outgoing = ByteBuffer()
        pipeline.failWritten(error)
    }
}
