public import CeleryMessage
public import Logging
public import RedisClient
import Synchronization
import Transport

/// Tells of results when they are stored, as Celery's clients hear of them: by the channel of each result's key.
///
/// One connection serves any number of waiters. Between a look at what is stored and a message on the channel nothing can
/// slip through: the look comes after the server has confirmed the subscription, and again after each reconnect.
public final class ResultListener: Sendable {
    private let client: RedisClient
    private let keys: RedisKeys
    private let codecs: MessageCodecs
    private let serializer: String
    private let interval: Duration?
    private let subscriber: RedisSubscriber
    private let state = Mutex(State())
    private let changes: AsyncStream<Void>.Continuation

    private struct State {
        /// Those who wait, by channel and by number.
        var waiters: [String: [Int: AsyncStream<Look>.Continuation]] = [:]
        var nextWaiter = 0
        /// The channels that the server has confirmed.
        var confirmed: Set<String> = []
        /// Whether the user may not subscribe: then results are looked for.
        var isRefused = false
        var tasks: [Task<Void, Never>] = []
        var isClosed = false
    }

    /// Why to look at a result.
    private enum Look: Sendable {
        /// This was published.
        case published([UInt8])
        /// Something may have been stored.
        case stored
    }

    /// A listener that has not connected; it does when somebody waits.
    ///
    /// - Parameters:
    ///   - client: to the database of the results.
    ///   - codecs: what records may be written in.
    ///   - serializer: what they are written in, `result_serializer`.
    ///   - interval: how often a waiter also looks at what is stored, for records that somebody stores without a word; `nil`
    ///     never does.
    public init(
        client: RedisClient,
        keys: RedisKeys,
        codecs: MessageCodecs,
        serializer: String = "json",
        interval: Duration? = nil,
        logger: Logger
    ) {
        self.client = client
        self.keys = keys
        self.codecs = codecs
        self.serializer = serializer
        self.interval = interval
        let (stream, changes) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let relay = Relay()
        subscriber = RedisSubscriber(
            configuration: client.configuration,
            eventLoop: client.eventLoop,
            logger: logger,
            onMessage: { relay.listener?.published($0) },
            onStateChange: { if case .connected = $0 { relay.listener?.lookEverywhere() } }
        )
        self.changes = changes
        relay.listener = self
        let follow = Task { [weak self] in
            for await _ in stream {
                guard let self else { return }
                await self.reconcile()
            }
        }
        self.state.withLock { $0.tasks = [follow] }
    }

    // MARK: Waiting

    /// The newest record of a task.
    ///
    /// - Returns: the stored record; `nil` when nothing is stored.
    /// - Throws: what the client throws, and `MessageError` for a record that cannot be read.
    public func record(taskID: String) async throws -> ResultRecord? {
        guard let bytes = try await client.send(RedisCommand("GET", keys.result(taskID: taskID))).bytes else {
            return nil
        }
        return try read(bytes)
    }

    /// The newest records of tasks, in their order; as ``record(taskID:)``.
    public func records(taskIDs: [String]) async throws -> [ResultRecord?] {
        guard !taskIDs.isEmpty else { return [] }
        let command = RedisCommand("MGET", arguments: taskIDs.map { keys.result(taskID: $0) })
        return try await client.send(command).array?.map { try $0.bytes.map(read) } ?? []
    }

    /// Waits until a task has ended.
    ///
    /// - Parameter limit: how long at the most; `nil` waits for good.
    /// - Returns: the newest record: the last one, or what is stored when the time is over; `nil` when nothing is.
    /// - Throws: `CancellationError` when the waiting task is cancelled; otherwise as ``record(taskID:)``.
    public func record(taskID: String, within limit: Duration?) async throws -> ResultRecord? {
        do {
            let record = try await record(taskID: taskID)
            if record?.status.isReady ?? false { return record }
            if let limit, limit <= .zero { return record }
            return try await newest(taskID, within: limit)
        } catch {
            // The client has words of its own for a command that was given up.
            try Task.checkCancellation()
            throw error
        }
    }

    private func newest(_ taskID: String, within limit: Duration?) async throws -> ResultRecord? {
        try await withThrowingTaskGroup(of: ResultRecord?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await self.ended(taskID) }
            if let limit {
                group.addTask {
                    try await Task.sleep(for: limit)
                    return try await self.record(taskID: taskID)
                }
            }
            if let interval {
                let channel = keys.result(taskID: taskID)
                group.addTask {
                    while true {
                        try await Task.sleep(for: interval)
                        self.look(at: [channel]) { _ in }
                    }
                }
            }
            return try await group.next() ?? nil
        }
    }

    private func ended(_ taskID: String) async throws -> ResultRecord? {
        let channel = keys.result(taskID: taskID)
        let (looks, number) = register(channel)
        defer { leave(channel, number) }
        for await look in looks {
            let record: ResultRecord?
            if case .published(let bytes) = look, let published = try? read(bytes) {
                record = published
            } else {
                // What is no record says at least that something has changed.
                record = try await self.record(taskID: taskID)
            }
            if let record, record.status.isReady { return record }
        }
        try Task.checkCancellation()
        throw TransportError.closed
    }

    private func read(_ bytes: [UInt8]) throws -> ResultRecord {
        try ResultRecord(decoding: bytes, codecs: codecs, serializer: serializer)
    }

    private func register(_ channel: String) -> (AsyncStream<Look>, Int) {
        let (looks, waiter) = AsyncStream.makeStream(of: Look.self)
        let (number, isKnown, isClosed) = state.withLock { state in
            state.nextWaiter += 1
            state.waiters[channel, default: [:]][state.nextWaiter] = waiter
            return (state.nextWaiter, state.confirmed.contains(channel), state.isClosed)
        }
        if isClosed { waiter.finish() } else if isKnown { waiter.yield(.stored) } else { changes.yield() }
        return (looks, number)
    }

    private func leave(_ channel: String, _ number: Int) {
        let isLast = state.withLock { state in
            state.waiters[channel]?[number] = nil
            guard state.waiters[channel]?.isEmpty ?? false else { return false }
            state.waiters[channel] = nil
            return true
        }
        if isLast { changes.yield() }
    }

    // MARK: Subscribing

    /// Subscribes to what is waited for and ends what is not, one change after the other: out of order they would undo
    /// each other.
    private func reconcile() async {
        let (new, old, isRefused) = state.withLock { state in
            let wanted = Set(state.waiters.keys)
            return (
                Array(wanted.subtracting(state.confirmed)), Array(state.confirmed.subtracting(wanted)), state.isRefused
            )
        }
        guard !isRefused else { return }
        if !old.isEmpty {
            state.withLock { $0.confirmed.subtract(old) }
            // Without a connection there is no subscription either; the wish is gone in any case.
            try? await subscriber.unsubscribe(old)
        }
        guard !new.isEmpty else { return }
        do {
            try await connect()
            try await subscriber.subscribe(new)
            look(at: new) { $0.confirmed.formUnion(new) }
        } catch {
            await fallBack(after: error)
        }
    }

    private func connect() async throws(RedisError) {
        guard state.withLock({ $0.tasks.count == 1 && !$0.isClosed }) else { return }
        try await subscriber.connect()
        let run = Task { [weak self, subscriber] in
            do {
                try await subscriber.run()
            } catch {
                await self?.lookAgainAndAgain()
            }
        }
        state.withLock { $0.tasks.append(run) }
    }

    /// A server that forbids to subscribe is asked instead; one that is away is tried again.
    private func fallBack(after error: RedisError) async {
        if error.code.serverPrefix != nil, !error.isTransient { return await lookAgainAndAgain() }
        lookEverywhere()
        try? await Task.sleep(for: .milliseconds(500))  // cancelled only by `close`
        changes.yield()
    }

    /// What is left where nothing can be heard.
    private func lookAgainAndAgain() async {
        state.withLock { $0.isRefused = true }
        while !Task.isCancelled {
            lookEverywhere()
            try? await Task.sleep(for: .milliseconds(100))  // cancelled only by `close`
        }
    }

    private func published(_ push: RedisPush) {
        guard case .message(let channel, let payload) = push else { return }
        let waiters = state.withLock { Array($0.waiters[channel, default: [:]].values) }
        for waiter in waiters { waiter.yield(.published(payload)) }
    }

    private func lookEverywhere() { look(at: nil) { _ in } }

    /// Has the waiters of some channels, or of all, look at what is stored.
    private func look(at channels: [String]?, _ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            let lists = channels.map { $0.compactMap { state.waiters[$0] } } ?? Array(state.waiters.values)
            return lists.flatMap(\.values)
        }
        for waiter in waiters { waiter.yield(.stored) }
    }

    /// Disconnects; whoever waits gets an error.
    public func close() async {
        let (tasks, waiters) = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [:] }
            return (state.tasks, state.waiters.values.flatMap(\.values))
        }
        changes.finish()
        for waiter in waiters { waiter.finish() }
        await subscriber.close()
        for task in tasks { task.cancel() }
    }
}

extension TransportError {
    fileprivate static let closed = TransportError(.connection, "the client was closed")
}

/// Lets the subscriber's callbacks, made before the listener exists, find it.
private final class Relay: Sendable {
    private struct Weak {
        weak var listener: ResultListener?
    }

    private let reference = Mutex(Weak())

    var listener: ResultListener? {
        get { reference.withLock { $0.listener } }
        set { reference.withLock { $0 = Weak(listener: newValue) } }
    }
}
