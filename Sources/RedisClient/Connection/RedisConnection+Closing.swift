import NIOCore

/// The end: what was asked before is still answered.
extension RedisConnection {
    /// Refuses new commands, waits for the replies that are due (no longer than `connectTimeout`), then disconnects.
    func close() async {
        if machine.phase == .closed { return }
        beginClosing()
        if machine.phase == .closed { return }
        await withUnsafeContinuation { closeWaiters.append($0) }
    }

    private func beginClosing() {
        let wasConnecting = machine.phase == .connecting
        guard machine.beginClosing() else { return }
        guard let channel, !wasConnecting else { return abort(Self.closed) }
        flush()
        finishDraining()
        eventLoop.scheduleTask(in: TimeAmount(configuration.connectTimeout)) { [weak channel] in
            guard let channel else { return }
            self.assumeIsolated {
                if channel === $0.channel { $0.abort(Self.closed) }
            }
        }
    }

    func finishClosing() {
        abort(Self.closed)
    }

    /// Ends everything at once; whoever waits is told.
    func abort(_ error: RedisError) {
        guard machine.phase != .closed else { return }
        lossReason = lossReason ?? error
        machine.didClose()
        abandonInquiry()
        for candidate in candidates { candidate.close(promise: nil) }
        dropChannel(error)
        pipeline.failQueued(error)
        sweepTimer?.task.cancel()
        sweepTimer = nil
        report(.closed)
        let waiters = (closeWaiters, attemptWaiters.values)
        closeWaiters = []
        attemptWaiters = [:]
        for waiter in waiters.0 { waiter.resume() }
        for waiter in waiters.1 { waiter.resume(returning: .failure(error)) }
        wake()
    }
}
