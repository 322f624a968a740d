import NIOCore

/// Patience: with single requests, with a server that stopped answering, with an idle connection.
extension RedisConnection {
    func scheduleSweep(at deadline: NIODeadline) {
        if let sweepTimer {
            guard deadline < sweepTimer.at else { return }
            sweepTimer.task.cancel()
        }
        let task = eventLoop.scheduleTask(deadline: deadline) { self.assumeIsolated { $0.sweep() } }
        sweepTimer = (deadline, task)
    }

    /// Fails what is overdue.
    ///
    /// One timer for all requests, set for the earliest: a timer per command would cost more than the command.
    private func sweep() {
        sweepTimer = nil
        let now = NIODeadline.now()
        pipeline.failOverdue(at: now)
        if let stalled = stallDeadline, stalled <= now {
            lose(RedisError(.timeout, "the connection is dead: the server stopped answering"))
        }
        if let next = nextDeadline { scheduleSweep(at: next) }
    }

    private var nextDeadline: NIODeadline? {
        let stalled = lossReason == nil ? stallDeadline : nil
        return [pipeline.nextDeadline, stalled].compactMap(\.self).min()
    }

    private var stallDeadline: NIODeadline? { pipeline.stallDeadline(lastReceived: lastReceived) }

    // MARK: Keeping an idle connection alive

    func scheduleKeepAlive() {
        guard let interval = configuration.keepAliveInterval else { return }
        let next = max(lastReceived + TimeAmount(interval), .now())
        keepAliveTimer = eventLoop.scheduleTask(deadline: next) { self.assumeIsolated { $0.keepAlive() } }
    }

    /// Asks for a sign of life when nothing came for a while and nothing is due that would show a dead peer anyway.
    private func keepAlive() {
        guard machine.phase == .ready, let interval = configuration.keepAliveInterval else { return }
        let isSilent = NIODeadline.now() - lastReceived >= TimeAmount(interval)
        guard isSilent else { return scheduleKeepAlive() }
        if !pipeline.awaitsReply {
            let limit = TimeAmount(configuration.keepAliveTimeout)
            pipeline.hold(RedisRequest(id: takeID(), .one(RedisCommand("PING")), waiter: .nobody, stallLimit: limit))
            scheduleFlush()
        }
        let again = NIODeadline.now() + TimeAmount(interval)
        keepAliveTimer = eventLoop.scheduleTask(deadline: again) { self.assumeIsolated { $0.keepAlive() } }
    }
}
