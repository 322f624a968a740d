public import CeleryMessage
public import Logging
public import NIOCore
public import RedisClient
import Synchronization
public import Transport

/// The broker over Redis: Kombu's keys in Kombu's form, each step of a message's life one script.
///
/// One connection carries commands, one carries pub/sub and the server's announcements of changed lists, and a third
/// goes to the result backend when that is another server. All of it lives on one event loop; calls made on that loop's
/// executor cost no thread hop.
public final class RedisBroker: Broker {
    /// The first part of every tag this worker holds; new at each start, so that a restarted worker is somebody else.
    public let workerID: String
    /// The command connection, for what is not the broker's business (remote control, inspection).
    public let client: RedisClient

    let configuration: RedisTransportConfiguration
    let logger: Logger
    let subscriber: RedisSubscriber
    let resultClient: RedisClient?
    private let state: Mutex<State>

    private struct State {
        var watch: ListWatch
        var nextTag = 1
        var turn = 0
        var beats = 0
        var onNotice: (@Sendable (BrokerNotice) -> Void)?
        var connections: [Task<Void, Never>] = []
        var warnedAboutTracking = false
        var warnedAboutKeys = Set<String>()
        var unanswered: [UnansweredClaim] = []
        var hasConnected = false
        /// What a lost connection may have made the server forget.
        var forgotten: ForgottenEnds?
        var control: ControlSubscription?
        var closing = false
        /// Whether the worker was told last that queues are paused.
        var hasToldOfPause = false
    }

    /// Sixteen hexadecimal digits: short, because every tag begins with it and Redis compares tags.
    public static func freshWorkerID() -> String {
        String(Identifier.uuid().filter { $0 != "-" }.prefix(16))
    }

    /// Prepares connections without opening them.
    public init(
        configuration: RedisTransportConfiguration,
        workerID: String = RedisBroker.freshWorkerID(),
        eventLoop: any EventLoop,
        logger: Logger
    ) {
        self.configuration = configuration
        self.workerID = workerID
        self.logger = logger
        state = Mutex(State(watch: ListWatch(pausedKey: configuration.keys.paused)))
        let relay = Relay()
        let subscriber = RedisSubscriber(
            configuration: configuration.broker,
            eventLoop: eventLoop,
            logger: logger,
            onMessage: { relay.broker?.pushed($0) },
            onStateChange: { relay.broker?.subscriberChanged($0) }
        )
        self.subscriber = subscriber
        client = RedisClient(
            configuration: configuration.broker,
            eventLoop: eventLoop,
            logger: logger,
            setup: [
                .tracking(
                    redirectedTo: subscriber,
                    optIn: true,
                    onUnsupported: { _ in relay.broker?.trackingIsMissing() }
                )
            ],
            onStateChange: { relay.broker?.clientChanged($0) }
        )
        if let results = configuration.results, !results.isSameServer(as: configuration.broker) {
            resultClient = RedisClient(configuration: results, eventLoop: eventLoop, logger: logger)
        } else {
            resultClient = nil
        }
        relay.broker = self
    }

    // MARK: Connections

    /// Opens the connections, binds the queues as Kombu does and keeps all of it up until ``stop()``.
    public func start(queues: [String], onNotice: @escaping @Sendable (BrokerNotice) -> Void) async throws {
        state.withLock { $0.onNotice = onNotice }
        try await translating {
            () async throws(RedisError) in
            try await subscriber.connect()
            try await client.connect()
            if let resultClient { try await resultClient.connect() }
        }
        // These run until `stop`: the connections outlive the cancellation of the worker, which still has to put
        // messages back.
        let connections = [
            Task { [self] in await keep { () async throws(RedisError) in try await subscriber.run() } },
            Task { [self] in await keep { () async throws(RedisError) in try await client.run() } },
            Task { [self] in await keep { () async throws(RedisError) in try await resultClient?.run() } },
        ]
        state.withLock { $0.connections = connections }
        state.withLock { $0.watch.start() }
        try await declare(queues: queues)
        try await lookAtPaused()
    }

    /// Binds queues to exchanges of their own names, as Kombu declares a direct queue.
    func declare(queues: [String]) async throws {
        let keys = configuration.keys
        var commands: [RedisCommand] = []
        for queue in queues {
            let member = keys.bindingMember(routingKey: queue, queue: queue)
            commands.append(RedisCommand("SADD", keys.binding(exchange: queue), member))
            commands.append(RedisCommand("SADD", keys.permanentBinding(exchange: queue), member))
        }
        guard !commands.isEmpty else { return }
        let batch = commands
        let replies = try await translating { () async throws(RedisError) in try await client.send(batch) }
        for reply in replies { if let error = reply.error { throw TransportError(error) } }
    }

    /// The server is older than client tracking, or forbids it: poll.
    private func trackingIsMissing() {
        let warn = state.withLock { state in
            state.watch.isMissing = true
            defer { state.warnedAboutTracking = true }
            return !state.warnedAboutTracking
        }
        if warn { logger.warning("The Redis server has no client tracking; polling the queues instead") }
    }

    private func clientChanged(_ change: RedisConnectionState) {
        switch change {
        case .connected:
            state.withLock { state in
                state.watch.start()
                if state.hasConnected { state.forgotten = ForgottenEnds(below: state.nextTag) }
                state.hasConnected = true
            }
            notify(.restored)
            notify(.wake)
            lookAtPausedSoon()
        case .lost(let error):
            state.withLock { $0.watch.stop() }
            notify(.lost(error.message))
        default: break
        }
    }

    /// The announcements come over the subscriber's connection: a new one has a new id to redirect to.
    private func subscriberChanged(_ change: RedisConnectionState) {
        switch change {
        case .connected:
            // Not in the subscriber's own call stack: preparing waits for its new id.
            Task { [weak self] in await self?.trackAgain() }
            state.withLock { $0.control }?.onNotice(.listeningAgain)
        case .lost: state.withLock { $0.watch.stop() }
        default: break
        }
    }

    private func trackAgain() async {
        do {
            try await client.prepareAgain()
            state.withLock { $0.watch.start() }
        } catch {
            // The command connection is down too; it prepares itself when it is back.
            logger.debug("Client tracking could not be renewed: \(error)")
        }
        notify(.wake)
        lookAtPausedSoon()
    }

    private func pushed(_ push: RedisPush) {
        guard case .invalidated(let keys) = push else {
            state.withLock { $0.control }?.receive(push)
            return
        }
        let pauses = state.withLock { state in
            guard let keys else {
                state.watch.forget()
                return true
            }
            state.watch.changed(keys)
            return keys.contains(state.watch.pausedKey)
        }
        if pauses { lookAtPausedSoon() }
        notify(.wake)
    }

    /// Hands what comes over the control channels to its receiver.
    func setControl(_ subscription: ControlSubscription) { state.withLock { $0.control = subscription } }

    /// This process pushed to lists itself, `nil` when it does not know which: the server may not announce it.
    func pushed(_ lists: [String]?) {
        state.withLock { state in
            if let lists { state.watch.changed(lists) } else { state.watch.forget() }
        }
        notify(.wake)
    }

    private func notify(_ notice: BrokerNotice) {
        guard let onNotice = state.withLock({ $0.closing ? nil : $0.onNotice }) else { return }
        // Its receiver lives on the event loop; some notices come from tasks that do not.
        if client.eventLoop.inEventLoop { onNotice(notice) } else { client.eventLoop.execute { onNotice(notice) } }
    }

    /// Keeps a connection up; one that the server refuses for good is tried again slowly, for passwords change.
    private func keep(_ run: () async throws(RedisError) -> Void) async {
        while !state.withLock({ $0.closing }), !Task.isCancelled {
            do {
                return try await run()
            } catch {
                logger.error("Redis refuses the connection: \(error.message)")
                try? await Task.sleep(for: .seconds(5))  // cancelled only by `stop`
            }
        }
    }

    /// Signs the worker off, so that nobody looks for what it held, and closes the connections.
    public func stop() async {
        state.withLock { $0.closing = true }
        // Without this the worker counts as dead in a while and is looked through for nothing: no reason to wait long.
        // With a claim unanswered, being looked through is what is wanted.
        if unansweredClaims().isEmpty {
            let farewell = RedisCommand("ZREM", configuration.keys.workers, workerID)
            _ = try? await client.send(farewell, timeout: .seconds(2))
        }
        await client.close()
        await subscriber.close()
        await resultClient?.close()
        for connection in state.withLock({ $0.connections }) { connection.cancel() }
    }

    // MARK: Claim

    /// Takes messages by one script; lists known to be empty are not asked for, and with none left nothing is sent.
    public func claim(_ request: ClaimRequest) async throws -> ClaimResult {
        guard request.limit > 0, let plan = plan(request) else {
            return ClaimResult(deliveries: [], mayHoldMore: false)
        }
        let reply: RedisReply
        do {
            reply = try await send(plan)
        } catch let error as TransportError where error.code == .connection || error.code == .protocolViolation {
            // Whatever came instead of an answer, the server may have run the script.
            remember(UnansweredClaim(firstTag: plan.firstTag, count: request.limit, sentAt: .now()))
            throw error
        }
        guard let parts = reply.array, parts.count == 4, let taken = parts[0].array, let empty = parts[1].array else {
            throw TransportError(.protocolViolation, "the claim script answered something unexpected")
        }
        warn(aboutKeys: parts[2].array?.compactMap { $0.int.map { plan.lists[$0 - 1] } } ?? [])
        var deliveries: [Delivery] = []
        deliveries.reserveCapacity(taken.count / 2)
        var number = plan.firstTag
        for place in stride(from: 0, to: taken.count - 1, by: 2) {
            guard let queue = taken[place].int, case .string(let item) = taken[place + 1] else { continue }
            let tag = DeliveryTag("\(workerID):\(number)")
            number += 1
            deliveries.append(Delivery(tag: tag, queue: request.queues[queue - 1].name, item: item))
        }
        let seenEmpty = empty.compactMap { $0.int.map { plan.lists[$0 - 1] } }
        let paused = parts[3].array?.compactMap { $0.int.map { request.queues[$0 - 1].name } } ?? []
        let (more, isOutdated) = state.withLock { state in
            state.watch.sawEmpty(seenEmpty, sentAt: plan.sentAt)
            state.watch.sawPaused(paused, sentAt: plan.sentAt)
            let more = zip(plan.lists, plan.places).contains { list, place in
                state.watch.mayHold(list) && !state.watch.paused.contains(request.queues[place - 1].name)
            }
            return (more, state.watch.hasChanged(state.watch.pausedKey, since: plan.sentAt))
        }
        // What was claimed just before a pause is heard of after it.
        if isOutdated, !deliveries.isEmpty { lookAtPausedSoon() }
        return ClaimResult(deliveries: deliveries, mayHoldMore: more)
    }

    // MARK: Paused queues

    /// Reads which queues are paused, so that the next change is announced, and tells the worker.
    private func lookAtPaused() async throws {
        let commands: [RedisCommand] = [.clientCaching, RedisCommand("SMEMBERS", configuration.keys.paused)]
        let tracks = state.withLock { $0.watch.tracks }
        let replies = try await translating { () async throws(RedisError) in
            try await client.send(tracks ? commands : Array(commands.dropFirst()))
        }
        // A key of another type pauses nothing.
        guard let reply = replies.last, reply.error == nil else { return }
        tellPaused(reply)
    }

    private func tellPaused(_ names: RedisReply) {
        let paused = Set(names.array?.compactMap(\.text) ?? [])
        state.withLock { $0.hasToldOfPause = !paused.isEmpty }
        notify(.paused(paused))
    }

    /// Reads them from where nobody can wait; should it fail, the connection is away, and is followed by another look.
    private func lookAtPausedSoon() {
        Task { [weak self] in try? await self?.lookAtPaused() }
    }

    private func warn(aboutKeys keys: [String]) {
        for key in keys {
            guard state.withLock({ $0.warnedAboutKeys.insert(key).inserted }) else { continue }
            logger.error("The key of a queue holds something that is no list, nothing is taken from it: \(key)")
        }
    }

    private func remember(_ claim: UnansweredClaim) {
        state.withLock { state in
            state.unanswered.append(claim)
            if state.unanswered.count > 100 { state.unanswered.removeFirst() }
        }
    }

    /// The claims whose answer was lost, those of long ago left out: whatever they took nobody knows of.
    func unansweredClaims() -> [UnansweredClaim] {
        state.withLock { state in
            state.unanswered.removeAll { NIODeadline.now() - $0.sentAt > .minutes(10) }
            return state.unanswered
        }
    }

    /// Forgets a claim of which everything has been put back.
    func settle(_ claim: UnansweredClaim) {
        state.withLock { state in state.unanswered.removeAll { $0.firstTag == claim.firstTag } }
    }

    /// The search for forgotten ends that is under way.
    func forgottenEnds() -> ForgottenEnds? { state.withLock { $0.forgotten } }

    /// Notes how far the search came, unless another connection has begun it anew.
    func note(_ ends: ForgottenEnds?, after former: ForgottenEnds) {
        state.withLock { if $0.forgotten == former { $0.forgotten = ends } }
    }

    /// Sends a claim; the lists it sees empty are remembered by the server, and nothing else that is ever read.
    private func send(_ plan: ClaimPlan) async throws -> RedisReply {
        guard plan.isTracked else { return try await run(Scripts.claim, keys: plan.keys, arguments: plan.arguments) }
        let keys = RedisArguments(plan.keys)
        let bySum = Scripts.claim.command(keys: keys, arguments: plan.arguments)
        return try await translating { () async throws(RedisError) in
            let replies = try await client.send([.clientCaching, bySum])
            guard replies[1].error?.code == .noScript else { return try replies[1].get() }
            let bySource = Scripts.claim.sourceCommand(keys: RedisArguments(plan.keys), arguments: plan.arguments)
            return try await client.send([.clientCaching, bySource])[1].get()
        }
    }

    private struct ClaimPlan {
        var lists: [String]
        /// The place of each list's queue, from 1.
        var places: [Int]
        var keys: [String]
        var arguments: RedisArguments
        var firstTag: Int
        var sentAt: Int
        var isTracked: Bool
    }

    /// The lists worth asking for, in strict order; `nil` when every one is known to be empty.
    private func plan(_ request: ClaimRequest) -> ClaimPlan? {
        let keys = configuration.keys
        let order = serving(request.queues)
        return state.withLock { state -> ClaimPlan? in
            var lists: [String] = []
            var places: [Int] = []
            for step in keys.prioritySteps {
                for place in order where request.queues[place].room > 0 {
                    guard !state.watch.paused.contains(request.queues[place].name) else { continue }
                    let list = keys.list(queue: request.queues[place].name, step: step)
                    guard state.watch.mayHold(list) else { continue }
                    lists.append(list)
                    places.append(place + 1)
                }
            }
            guard !lists.isEmpty else { return nil }
            var arguments = RedisArguments()
            arguments.append(workerID)
            arguments.append(request.limit)
            let firstTag = state.nextTag
            state.nextTag += request.limit
            arguments.append(firstTag)
            arguments.append(configuration.leaseAhead)
            arguments.append(request.rooms.count)
            for room in request.rooms { arguments.append(room) }
            arguments.append(request.queues.count)
            for queue in request.queues {
                arguments.append(queue.room)
                arguments.append(queue.pool + 1)
                arguments.append(JSONWriter.string(.string(queue.name)))
            }
            for place in places { arguments.append(place) }
            return ClaimPlan(
                lists: lists,
                places: places,
                keys: [keys.unacked, keys.unackedIndex, keys.workers, keys.paused] + lists,
                arguments: arguments,
                firstTag: firstTag,
                sentAt: state.watch.sent(),
                isTracked: state.watch.tracks
            )
        }
    }

    /// The places of the queues in the order they are looked at this time.
    private func serving(_ queues: [ClaimRequest.Queue]) -> [Int] {
        guard queues.count > 1 else { return Array(queues.indices) }
        switch configuration.queueOrder {
        case .priority: return Array(queues.indices)
        case .sorted: return queues.indices.sorted { queues[$0].name < queues[$1].name }
        case .roundRobin:
            let turn = state.withLock { state in
                state.turn &+= 1
                return state.turn
            }
            return Dictionary(grouping: queues.indices) { queues[$0].rank }.sorted { $0.key < $1.key }
                .flatMap { _, places in
                    let first = turn % places.count
                    return Array(places[first...]) + Array(places[..<first])
                }
        }
    }

    // MARK: Leases and parked messages

    /// Renews leases and the sign of life in one round trip.
    public func heartbeat(holding tags: [DeliveryTag]) async throws -> Heartbeat {
        let keys = configuration.keys
        var arguments = RedisArguments()
        arguments.append(workerID)
        arguments.append(configuration.deadAfter)
        arguments.append(configuration.leaseAhead)
        for tag in tags { arguments.append(tag.text) }
        // A worker that holds nothing has nothing to put back; its claims leave paused queues alone by themselves.
        let looksAtPaused = state.withLock { !tags.isEmpty || $0.hasToldOfPause || !$0.watch.tracks }
        let reply = try await run(
            Scripts.heartbeat,
            keys: [keys.unackedIndex, keys.workers, keys.parked] + (looksAtPaused ? [keys.paused] : []),
            arguments: arguments
        )
        guard let parts = reply.array, parts.count == 3 else {
            throw TransportError(.protocolViolation, "the heartbeat script answered something unexpected")
        }
        // A safety net, not the way messages are found: should an announcement ever be lost, it costs a minute.
        state.withLock { state in
            state.beats += 1
            if state.beats % max(1, configuration.beatsBetweenLooks) == 0 { state.watch.forget() }
        }
        try await putBackUnanswered()
        try await putBackForgotten(holding: tags)
        // Where the server announces nothing, this is how the worker learns of it.
        if looksAtPaused { tellPaused(parts[2]) }
        let dead = parts[1].array?.compactMap(\.text).filter { $0 != workerID } ?? []
        return Heartbeat(nextDue: parts[0].double.map(Instant.init(seconds:)), deadWorkers: dead)
    }

    /// Puts due parked messages at the head of their lists.
    public func releaseDue(limit: Int) async throws -> Instant? {
        let keys = configuration.keys
        let reply = try await run(
            Scripts.releaseDue,
            keys: [keys.parked, keys.parkedMessages],
            arguments: RedisArguments(limit)
        )
        pushed(nil)
        return reply.double.map(Instant.init(seconds:))
    }

    // MARK: Running scripts

    func run(_ script: RedisScript, keys: [String], arguments: RedisArguments) async throws -> RedisReply {
        try await translating {
            () async throws(RedisError) in
            try await client.run(script, keys: keys, arguments: arguments).get()
        }
    }

    /// Turns the client's errors into the transport's.
    func translating<Value>(_ body: () async throws(RedisError) -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            throw TransportError(error)
        }
    }
}

/// Lets the connections' callbacks, made before the broker exists, find it.
private final class Relay: Sendable {
    private let reference = Mutex<Weak?>(nil)

    private struct Weak {
        weak var broker: RedisBroker?
    }

    var broker: RedisBroker? {
        get { reference.withLock { $0?.broker } }
        set { reference.withLock { $0 = Weak(broker: newValue) } }
    }
}
