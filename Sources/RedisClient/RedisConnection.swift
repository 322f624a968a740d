import Logging
import NIOCore
import NIOPosix

/// One connection that is made, prepared, watched and replaced, with the requests that go through it.
///
/// An actor on the executor of its event loop: the channel's handler enters it without a hop, and so does every caller
/// that runs on the same loop. What to do next is decided by ``RedisConnectionStateMachine``; this type does it.
actor RedisConnection {
    /// What the connection is for.
    enum Role: Sendable {
        /// Commands and their replies.
        case commands
        /// Pub/sub: pushed arrays go to the closure, on the loop; the rest answers commands.
        case subscriptions(@Sendable (RedisPush) -> Void)
    }

    nonisolated let eventLoop: any EventLoop
    nonisolated let configuration: RedisConfiguration
    private nonisolated let executor: any SerialExecutor
    private let role: Role
    private let onStateChange: @Sendable (RedisConnectionState) -> Void
    private let logger: Logger
    private var setup: [RedisSetup]

    private var machine: RedisConnectionStateMachine
    private var channel: (any Channel)?
    /// Channels of the attempt under way, so that it can be ended early.
    private var candidates: [any Channel] = []
    /// Why the connection is being ended, when it is ended from this side.
    private var lossReason: RedisError?
    private(set) var clientID: Int64?

    /// Not yet written.
    private var queued = CircularBuffer<RedisRequest>(initialCapacity: 16)
    /// Written; the server answers in this order.
    private var inFlight = CircularBuffer<RedisRequest>(initialCapacity: 16)
    /// The replies so far to the first of them, when it has several.
    private var partial: [RedisReply] = []
    private var outgoing = ByteBuffer()
    private var lastID: UInt64 = 0
    private var isFlushScheduled = false

    private var lastReceived = NIODeadline.distantPast
    private var sweepTimer: (at: NIODeadline, task: Scheduled<Void>)?
    private var keepAliveTimer: Scheduled<Void>?

    private var attemptWaiters: [UInt64: UnsafeContinuation<Result<Void, RedisError>, Never>] = [:]
    private var sleeper: UnsafeContinuation<Void, Never>?
    private var drainWaiters: [UnsafeContinuation<Void, Never>] = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(
        configuration: RedisConfiguration,
        eventLoop: any EventLoop,
        role: Role,
        logger: Logger,
        setup: [RedisSetup],
        onStateChange: @escaping @Sendable (RedisConnectionState) -> Void
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.executor = eventLoop.executor
        self.role = role
        self.setup = setup
        self.onStateChange = onStateChange
        self.machine = RedisConnectionStateMachine(backoff: configuration.backoff)
        var logger = logger
        logger[metadataKey: "redis"] = "\(configuration.redactedURL)"
        self.logger = logger
    }

    // MARK: Keeping the connection up

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
                failQueued(error)
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

    private func becomeReady(_ id: Int64?) throws(RedisError) {
        try checkAttempt()
        guard machine.didConnect(at: .now()) else { throw Self.closed }
        clientID = id
        lastReceived = .now()
        scheduleKeepAlive()
        report(.connected(clientID: id))
        scheduleFlush()
    }

    private func endAttempt(_ error: RedisError) {
        guard machine.phase == .connecting else { return }
        machine.didFailToConnect(error)
        dropChannel(error)
        report(.lost(error))
        if !machine.isSupervised { failQueued(error) }
    }

    // MARK: Connecting

    private func establish() async throws(RedisError) {
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
            if let tls = configuration.tls, case .tcp(let host, _) = configuration.address {
                try await TLSSession(tls, host: host)
            } else {
                nil
            }
        try checkAttempt()
        do {
            let bootstrap = bootstrap(tls: tls, limit: limit)
            let adopted = connectFuture(bootstrap).map { channel in self.assumeIsolated { $0.adopt(channel) } }
            try await adopted.get()
        } catch {
            throw lossReason ?? RedisError(connecting: error, to: configuration)
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
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(tls.makeHandler()) }
                    let reader = try RedisReplyReader(maximumBytes: maximumBytes, maximumElements: maximumElements)
                    try pipeline.addHandler(RedisChannelHandler(connection: self, reader: reader))
                }
            }
    }

    private func connectFuture(_ bootstrap: ClientBootstrap) -> EventLoopFuture<any Channel> {
        switch configuration.address {
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

    private func checkAttempt() throws(RedisError) {
        if let lossReason { throw lossReason }
        guard machine.phase == .connecting else {
            throw Self.closed
        }
    }

    /// Authenticates, selects the database and finds out whether the server is able to serve; one round trip.
    private func introduce() async throws(RedisError) -> Int64? {
        let greeting = RedisGreeting(configuration)
        return try greeting.clientID(from: try await exchange(greeting.commands).get())
    }

    private func prepare(_ step: RedisSetup) async throws(RedisError) {
        let commands = try await step.commands()
        try checkAttempt()
        try step.check(try await exchange(commands).get())
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

    // MARK: Requests

    /// Sends one command; its reply may be an error reply.
    func send(_ command: RedisCommand, timeout: Duration?) async -> Result<RedisReply, RedisError> {
        if Task.isCancelled { return .failure(Self.cancelled) }
        let id = takeID()
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { submit(id, .one(command), .one($0), timeout) }
        } onCancel: {
            onLoop { $0.cancel(id) }
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
            onLoop { $0.cancel(id) }
        }
    }

    /// Runs the setup again on the present connection.
    func prepareAgain() async throws(RedisError) {
        for step in setup {
            let commands = try await step.commands()
            try step.check(try await send(commands, timeout: nil).get())
        }
    }

    /// Whether a connection was ever asked for.
    var hasStarted: Bool { machine.phase != .idle }

    private func takeID() -> UInt64 {
        lastID += 1
        return lastID
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
        queued.append(request)
        if let deadline { scheduleSweep(at: deadline) }
    }

    private func cancel(_ id: UInt64) {
        if let position = queued.position(of: id) {
            queued[position].fail(Self.cancelled)
            queued.remove(at: position)
        } else if let position = inFlight.position(of: id) {
            inFlight[position].fail(Self.cancelled)
        }
    }

    // MARK: Writing

    /// Writes once all tasks of this turn of the loop had their chance to submit.
    private func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.execute { self.assumeIsolated { $0.flush() } }
    }

    /// Writes everything queued as one piece, unless the peer does not keep up: then it stays here, where it can still be
    /// cancelled, until the channel is writable again.
    func flush() {
        isFlushScheduled = false
        guard let channel, channel.isWritable, !queued.isEmpty, isFlowing else { return }
        let now = NIODeadline.now()
        if outgoing.capacity > Self.pieceBytes { outgoing = ByteBuffer() } else { outgoing.clear() }
        while var request = queued.popFirst() {
            request.write(to: &outgoing, at: now)
            if request.deadline == nil, let limit = request.stallLimit { scheduleSweep(at: now + limit) }
            inFlight.append(request)
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

    /// Writes ahead of the queue; only while preparing, when nothing else is in flight.
    private func writeNow(_ request: RedisRequest) {
        var request = request
        guard let channel else {
            request.fail(lossReason ?? RedisError(.connectionClosed, "the connection was closed"))
            return
        }
        var bytes = channel.allocator.buffer(capacity: 256)
        request.write(to: &bytes, at: .now())
        inFlight.append(request)
        channel.writeAndFlush(bytes, promise: nil)
    }

    // MARK: Receiving

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
        guard let head = inFlight.first else { return refuseUnasked(reply) }
        if case .error(let text) = reply { noteError(RedisError(reply: text)) }
        if head.replyCount == 1 {
            inFlight.removeFirst()
            return head.finish(with: reply)
        }
        partial.append(reply)
        guard partial.count == head.replyCount || head.endsWithError && reply.isError else { return }
        inFlight.removeFirst()
        head.finish(with: partial)
        partial = []
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

    private func finishDraining() {
        guard inFlight.isEmpty, queued.isEmpty || machine.phase == .draining else { return }
        if machine.phase == .draining, let lossReason { lose(lossReason) }
        if machine.phase == .closing { finishClosing() }
    }

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
        if !machine.isSupervised { failQueued(RedisError(.connectionClosed, reason.message, underlying: reason)) }
        wake()
    }

    private func dropChannel(_ error: RedisError) {
        let channel = self.channel
        self.channel = nil
        clientID = nil
        keepAliveTimer?.cancel()
        keepAliveTimer = nil
        channel?.close(promise: nil)
        outgoing = ByteBuffer()
        partial = []
        var lost = CircularBuffer<RedisRequest>(initialCapacity: 16)
        swap(&lost, &inFlight)
        while var request = lost.popFirst() { request.fail(error) }
    }

    /// Ends the connection from this side, without waiting for a dead peer's part of closing TLS.
    private func lose(_ error: RedisError) {
        guard let channel else { return }
        lossReason = lossReason ?? error
        channelClosed(channel, nil)
    }

    /// Ends the attempt under way, whatever it waits for.
    private func abandonAttempt(_ error: RedisError) {
        guard machine.phase == .connecting, lossReason == nil else { return }
        lossReason = error
        for candidate in candidates { candidate.close(promise: nil) }
        lose(error)
    }

    private func failQueued(_ error: RedisError) {
        var failed = CircularBuffer<RedisRequest>(initialCapacity: 16)
        swap(&failed, &queued)
        while var request = failed.popFirst() { request.fail(error) }
    }

    // MARK: Time

    private func scheduleSweep(at deadline: NIODeadline) {
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
        for offset in 0..<inFlight.count where inFlight[offset: offset].isOverdue(at: now) {
            inFlight[offset: offset].fail(RedisError(.timeout, "no reply in time"))
        }
        if queued.contains(where: { $0.isOverdue(at: now) }) {
            for offset in 0..<queued.count where queued[offset: offset].isOverdue(at: now) {
                queued[offset: offset].fail(RedisError(.timeout, "no connection to Redis in time"))
            }
            queued.removeAll { !$0.isAwaited }
        }
        if let stalled = stallDeadline, stalled <= now {
            lose(RedisError(.timeout, "the connection is dead: the server stopped answering"))
        }
        if let next = nextDeadline { scheduleSweep(at: next) }
    }

    private var nextDeadline: NIODeadline? {
        let waiting = queued.lazy.compactMap(\.deadline).min()
        let written = inFlight.lazy.filter(\.isAwaited).compactMap(\.deadline).min()
        let stalled = lossReason == nil ? stallDeadline : nil
        return [waiting, written, stalled].compactMap(\.self).min()
    }

    /// When the silence of the server will have lasted too long for the request that is next to be answered.
    private var stallDeadline: NIODeadline? {
        guard let head = inFlight.first, let limit = head.stallLimit else { return nil }
        return max(lastReceived, head.writtenAt) + limit
    }

    private func scheduleKeepAlive() {
        guard let interval = configuration.keepAliveInterval else { return }
        let next = max(lastReceived + TimeAmount(interval), .now())
        keepAliveTimer = eventLoop.scheduleTask(deadline: next) { self.assumeIsolated { $0.keepAlive() } }
    }

    /// Asks for a sign of life when nothing came for a while and nothing is due that would show a dead peer anyway.
    private func keepAlive() {
        guard machine.phase == .ready, let interval = configuration.keepAliveInterval else { return }
        let isSilent = NIODeadline.now() - lastReceived >= TimeAmount(interval)
        guard isSilent else { return scheduleKeepAlive() }
        if inFlight.isEmpty {
            let limit = TimeAmount(configuration.keepAliveTimeout)
            queued.append(RedisRequest(id: takeID(), .one(RedisCommand("PING")), waiter: .nobody, stallLimit: limit))
            scheduleFlush()
        }
        let again = NIODeadline.now() + TimeAmount(interval)
        keepAliveTimer = eventLoop.scheduleTask(deadline: again) { self.assumeIsolated { $0.keepAlive() } }
    }

    /// Waits until something happens to the connection, at most for this time.
    private func pause(atMost delay: Duration?) async {
        let timer = delay.map { delay in
            eventLoop.scheduleTask(in: TimeAmount(delay)) { self.assumeIsolated { $0.wake() } }
        }
        await withUnsafeContinuation { sleeper = $0 }
        timer?.cancel()
    }

    private func wake() {
        sleeper?.resume()
        sleeper = nil
    }

    // MARK: Closing

    /// Refuses new commands, waits for the replies that are due (no longer than `connectTimeout`), then disconnects.
    func close() async {
        if machine.phase == .closed { return }
        beginClosing()
        if machine.phase == .closed { return }
        await withUnsafeContinuation { drainWaiters.append($0) }
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

    private func finishClosing() {
        abort(Self.closed)
    }

    /// Ends everything at once; whoever waits is told.
    private func abort(_ error: RedisError) {
        guard machine.phase != .closed else { return }
        lossReason = lossReason ?? error
        machine.didClose()
        for candidate in candidates { candidate.close(promise: nil) }
        dropChannel(error)
        failQueued(error)
        sweepTimer?.task.cancel()
        sweepTimer = nil
        report(.closed)
        let waiters = (drainWaiters, attemptWaiters.values)
        drainWaiters = []
        attemptWaiters = [:]
        for waiter in waiters.0 { waiter.resume() }
        for waiter in waiters.1 { waiter.resume(returning: .failure(error)) }
        wake()
    }

    // MARK: Plumbing

    private static let cancelled = RedisError(.cancelled, "the waiting task was cancelled")
    private static let closed = RedisError(.connectionClosed, "the client was closed", isTransient: false)
    private static let abandoned = RedisError(.connectionClosed, "the client's task was cancelled", isTransient: false)

    private func report(_ state: RedisConnectionState) {
        logger.debug("connection", metadata: ["state": "\(state)"])
        onStateChange(state)
    }

    private nonisolated func onLoop(_ body: @escaping @Sendable (isolated RedisConnection) -> Void) {
        eventLoop.execute { self.assumeIsolated { body($0) } }
    }
}
