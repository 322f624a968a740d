import NIOCore

/// Keeping the connection up: when to connect, and who waits for it.
extension RedisConnection {
    /// Keeps the connection up until the task is cancelled or the connection closed, which both return normally.
    ///
    /// - Throws: a permanent failure to connect.
    func run() async throws(RedisError) {
        precondition(!machine.isSupervised, "run() must not be called again while it runs")
        machine.isSupervised = true
        machine.forgive()
        let outcome: Result<Void, RedisError> = await withTaskCancellationHandler {
            await supervise()
        } onCancel: {
            onLoop { $0.abort(Self.abandoned) }
        }
        machine.isSupervised = false
        try outcome.get()
    }

    private func supervise() async -> Result<Void, RedisError> {
        if Task.isCancelled { abort(Self.abandoned) }
        while true {
            switch machine.next(random: .random(in: 0..<1)) {
            case .connect:
                // A failure is kept by the machine, which answers with a wait or a stop.
                _ = await attempt()
            case .wait(let delay):
                report(.waiting(delay))
                await pause(atMost: delay)
            case .watch:
                await pause(atMost: nil)
            case .stop(let error):
                guard let error else { return .success(()) }
                pipeline.failQueued(error)
                return .failure(error)
            }
        }
    }

    /// Connects once, or joins the attempt under way.
    ///
    /// - Throws: the failure of that attempt, also a transient one.
    func connect() async throws(RedisError) {
        if machine.phase == .draining, !machine.isSupervised, let lossReason { lose(lossReason) }
        let isFree = machine.phase == .idle || machine.phase == .disconnected && !machine.isSupervised
        switch machine.phase {
        case .ready: return
        case .closing, .closed: throw Self.closed
        case .idle, .connecting, .draining, .disconnected:
            guard isFree else { return try await nextAttempt(within: nil) }
        }
        machine.forgive()
        let outcome = await withTaskCancellationHandler {
            await attempt()
        } onCancel: {
            onLoop { $0.abandonAttempt(RedisError(.cancelled, "connecting was cancelled")) }
        }
        try outcome.get()
    }

    /// The server's id of this connection, once there is one.
    func connectedClientID(within limit: Duration) async throws(RedisError) -> Int64 {
        let end = NIODeadline.now() + TimeAmount(limit)
        while machine.phase != .ready {
            if machine.phase == .closed { throw Self.closed }
            let left = end - .now()
            guard left > .zero else { throw RedisError(.timeout, "the subscriber is not connected") }
            do {
                try await nextAttempt(within: left)
            } catch {
                guard error.isTransient, error.code != .timeout else { throw error }
            }
        }
        guard let clientID else {
            throw RedisError(.noPermission, "the server did not tell the connection's CLIENT ID")
        }
        return clientID
    }

    // MARK: Attempts

    /// One attempt to connect and prepare; whoever waits for it is told.
    private func attempt() async -> Result<Void, RedisError> {
        guard machine.beginConnecting() else {
            return .failure(Self.closed)
        }
        report(.connecting)
        lossReason = nil
        var outcome: Result<Void, RedisError>
        do {
            try await establish()
            outcome = .success(())
        } catch {
            outcome = .failure(error)
            endAttempt(error)
        }
        if machine.phase == .closing || machine.phase == .closed {
            outcome = .failure(lossReason ?? Self.closed)
        }
        let waiters = attemptWaiters.values
        attemptWaiters = [:]
        for waiter in waiters { waiter.resume(returning: outcome) }
        wake()
        return outcome
    }

    func becomeReady(_ id: Int64?) throws(RedisError) {
        try checkAttempt()
        try arrive()
        guard machine.didConnect(at: .now()) else { throw Self.closed }
        clientID = id
        noteMaster()
        lastReceived = .now()
        scheduleKeepAlive()
        report(.connected(clientID: id))
        scheduleFlush()
    }

    private func endAttempt(_ error: RedisError) {
        guard machine.phase == .connecting else { return }
        machine.didFailToConnect(error)
        distrustSentinel()
        if Self.mayBeBetterElsewhere(error) { _ = giveUpServer() }
        dropChannel(error)
        report(.lost(error))
        if !machine.isSupervised { pipeline.failQueued(error) }
    }

    private func nextAttempt(within limit: TimeAmount?) async throws(RedisError) {
        let id = takeID()
        let timer = limit.map { limit in
            eventLoop.scheduleTask(in: limit) {
                self.assumeIsolated { $0.answerAttemptWaiter(id, RedisError(.timeout, "no connection in time")) }
            }
        }
        let outcome: Result<Void, RedisError> = await withTaskCancellationHandler {
            if Task.isCancelled { return .failure(RedisError(.cancelled, "connecting was cancelled")) }
            return await withUnsafeContinuation { attemptWaiters[id] = $0 }
        } onCancel: {
            onLoop { $0.answerAttemptWaiter(id, RedisError(.cancelled, "connecting was cancelled")) }
        }
        timer?.cancel()
        try outcome.get()
    }

    private func answerAttemptWaiter(_ id: UInt64, _ error: RedisError) {
        attemptWaiters.removeValue(forKey: id)?.resume(returning: .failure(error))
    }

    // MARK: Waiting

    /// Waits until something happens to the connection, at most for this time.
    private func pause(atMost delay: Duration?) async {
        let timer = delay.map { delay in
            eventLoop.scheduleTask(in: TimeAmount(delay)) { self.assumeIsolated { $0.wake() } }
        }
        await withUnsafeContinuation { sleeper = $0 }
        timer?.cancel()
    }

    func wake() {
        sleeper?.resume()
        sleeper = nil
    }
}
