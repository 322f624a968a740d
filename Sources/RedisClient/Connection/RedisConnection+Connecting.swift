import Logging
import NIOCore
import NIOPosix

/// One attempt: where to, and then within `connectTimeout` a channel, TLS, the greeting and the setup.
extension RedisConnection {
    /// Connects and prepares; at its end commands flow.
    ///
    /// Of several servers each is tried once, until one is reached.
    func establish() async throws(RedisError) {
        var left = configuration.endpoint.servers?.list.count ?? 1
        while true {
            do throws(RedisError) {
                return try await establishOnce()
            } catch {
                left -= 1
                // An attempt that was ended from here stays ended.
                let mayGoOn = machine.phase == .connecting && Self.mayBeBetterElsewhere(error)
                guard mayGoOn, left > 0, giveUpServer() else { throw error }
                logger.debug("a server cannot be reached", metadata: ["error": "\(error)"])
                dropChannel(error)
                lossReason = nil
            }
        }
    }

    private func establishOnce() async throws(RedisError) {
        located = nil
        let address = try await locate()
        try checkAttempt()
        located = address
        let limit = TimeAmount(configuration.connectTimeout)
        let timer = eventLoop.scheduleTask(in: limit) {
            self.assumeIsolated {
                $0.abandonAttempt(
                    RedisError(.connectTimeout, "no connection within \($0.configuration.connectTimeout)")
                )
            }
        }
        defer {
            timer.cancel()
            candidates = []
        }
        let tls: TLSSession? =
            if let tls = configuration.tls, case .tcp(let host, _) = address {
                try await TLSSession(tls, host: host)
            } else {
                nil
            }
        try checkAttempt()
        do {
            let bootstrap = bootstrap(tls: tls, limit: limit)
            let adopted = connectFuture(bootstrap, address).map { channel in self.assumeIsolated { $0.adopt(channel) } }
            try await adopted.get()
        } catch {
            throw lossReason ?? RedisError(connecting: error, to: address, target)
        }
        try checkAttempt()
        let id = try await introduce()
        for step in setup { try await prepare(step) }
        try becomeReady(id)
    }

    private func bootstrap(tls: TLSSession?, limit: TimeAmount) -> ClientBootstrap {
        let maximumBytes = configuration.maximumReplyBytes
        let maximumElements = configuration.maximumReplyElements
        return ClientBootstrap(group: eventLoop)
            .connectTimeout(limit)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    self.assumeIsolated { $0.candidates.append(channel) }
                    let handlers = channel.pipeline.syncOperations
                    if let tls { try handlers.addHandler(tls.makeHandler()) }
                    let reader = try RedisReplyReader(maximumBytes: maximumBytes, maximumElements: maximumElements)
                    try handlers.addHandler(RedisChannelHandler(connection: self, reader: reader))
                }
            }
    }

    private func connectFuture(
        _ bootstrap: ClientBootstrap,
        _ address: RedisConfiguration.Address
    ) -> EventLoopFuture<any Channel> {
        switch address {
        case .tcp(let host, let port):
            let bootstrap = bootstrap.channelOption(.socketOption(.so_keepalive), value: 1)
            // An address needs no name server and none of the threads that ask one.
            guard let address = try? SocketAddress(ipAddress: host, port: port) else {
                return bootstrap.connect(host: host, port: port)
            }
            return bootstrap.connect(to: address)
        case .unix(let path):
            return bootstrap.connect(unixDomainSocketPath: path)
        }
    }

    private func adopt(_ channel: any Channel) {
        // Runs in the very call that completes connecting, so that not even a first byte comes before it.
        self.channel = channel
        lastReceived = .now()
        if lossReason != nil || machine.phase != .connecting { channel.close(promise: nil) }
    }

    func checkAttempt() throws(RedisError) {
        if let lossReason { throw lossReason }
        guard machine.phase == .connecting else {
            throw Self.closed
        }
    }

    /// Ends the attempt under way, whatever it waits for.
    func abandonAttempt(_ error: RedisError) {
        guard machine.phase == .connecting, lossReason == nil else { return }
        lossReason = error
        abandonInquiry()
        for candidate in candidates { candidate.close(promise: nil) }
        lose(error)
    }

    // MARK: Preparing

    /// Authenticates, selects the database and finds out whether the server is able to serve; one round trip.
    private func introduce() async throws(RedisError) -> Int64? {
        let greeting = RedisGreeting(target, at: located)
        return try greeting.clientID(from: try await exchange(greeting.commands).get())
    }

    private func prepare(_ step: RedisSetup) async throws(RedisError) {
        let commands = try await step.commands()
        try checkAttempt()
        try step.check(try await exchange(commands).get())
    }

    /// Runs the setup again on the present connection.
    func prepareAgain() async throws(RedisError) {
        for step in setup {
            let commands = try await step.commands()
            try step.check(try await send(commands, timeout: nil).get())
        }
    }

    /// Sends commands ahead of everything queued, while the connection is being prepared.
    private func exchange(_ commands: [RedisCommand]) async -> Result<[RedisReply], RedisError> {
        var replies: [RedisReply] = []
        // Only subscriptions have more replies than commands; they go one at a time.
        guard commands.contains(where: { $0.replyCount != 1 }) else { return await exchangeAtOnce(commands) }
        for command in commands {
            switch await exchangeSingle(command) {
            case .success(let reply): replies.append(reply)
            case .failure(let error): return .failure(error)
            }
        }
        return .success(replies)
    }

    private func exchangeAtOnce(_ commands: [RedisCommand]) async -> Result<[RedisReply], RedisError> {
        if commands.isEmpty { return .success([]) }
        return await withUnsafeContinuation { continuation in
            writeNow(RedisRequest(id: takeID(), .many(commands), waiter: .many(continuation)))
        }
    }

    private func exchangeSingle(_ command: RedisCommand) async -> Result<RedisReply, RedisError> {
        await withUnsafeContinuation { continuation in
            writeNow(RedisRequest(id: takeID(), .one(command), waiter: .one(continuation)))
        }
    }

    /// Writes ahead of the queue; only while preparing, when nothing else is in flight.
    private func writeNow(_ request: RedisRequest) {
        guard let channel else {
            var refused = request
            refused.fail(lossReason ?? RedisError(.connectionClosed, "the connection was closed"))
            return
        }
        var bytes = channel.allocator.buffer(capacity: 256)
        pipeline.write(request, to: &bytes, at: .now())
        channel.writeAndFlush(bytes, promise: nil)
    }
}
