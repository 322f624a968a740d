import Inspection
import Logging
import NIOCore
import RedisClient
import RedisTransport
import Synchronization

/// Follows the channels of result records for any number of clients over one connection.
///
/// A worker publishes each record on the channel that has the record's key as its name. One loop subscribes and
/// unsubscribes, all wishes of a moment in one command.
final class RedisResultFeed: ResultFeed {
    private struct State {
        /// By channel, then by follower.
        var followers: [String: [Int: ResultChanges.Signal]] = [:]
        /// Those who wait until their subscription is confirmed.
        var waiting: [CheckedContinuation<Void, any Error>] = []
        /// Channels the server has confirmed; after a reconnect the subscriber takes care of them itself.
        var confirmed: Set<String> = []
        var lastFollower = 0
        var isClosed = false
    }

    private let state: Mutex<State>
    private let keys: RedisKeys
    private let subscriber: RedisSubscriber
    private let wishes: AsyncStream<Void>
    private let wish: AsyncStream<Void>.Continuation
    private let logger: Logger
    private let relay: Relay

    init(configuration: RedisConfiguration, keys: RedisKeys, eventLoop: any EventLoop, logger: Logger) {
        let relay = Relay()
        state = Mutex(State())
        self.keys = keys
        self.logger = logger
        self.relay = relay
        (wishes, wish) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        subscriber = RedisSubscriber(
            configuration: configuration,
            eventLoop: eventLoop,
            logger: logger,
            onMessage: { push in
                if case .message(let channel, _) = push { relay.feed?.changed(channel) }
            },
            onStateChange: { change in
                // What was published while there was no connection is lost: everybody has to look.
                if case .connected = change { relay.feed?.signalAll() }
            }
        )
        relay.feed = self
    }

    // MARK: Following

    func changes(of taskID: String) async throws -> ResultChanges {
        let channel = keys.result(taskID: taskID)
        let number = state.withLock { state in
            state.lastFollower += 1
            return state.lastFollower
        }
        let (changes, signal) = ResultChanges.make { [weak self] in self?.leave(number, channel) }
        let isConfirmed = try state.withLock { state in
            guard !state.isClosed else { throw InspectionError(.unavailable, "the gateway is stopping") }
            state.followers[channel, default: [:]][number] = signal
            return state.confirmed.contains(channel)
        }
        guard !isConfirmed else { return changes }
        do {
            try await withCheckedThrowingContinuation { continuation in
                let isClosed = state.withLock { state in
                    if !state.isClosed { state.waiting.append(continuation) }
                    return state.isClosed
                }
                if isClosed { continuation.resume(throwing: InspectionError(.unavailable, "the gateway is stopping")) }
                wish.yield()
            }
        } catch {
            changes.finish()
            throw error
        }
        return changes
    }

    private func leave(_ number: Int, _ channel: String) {
        let isLast = state.withLock { state in
            state.followers[channel]?.removeValue(forKey: number)
            guard state.followers[channel]?.isEmpty == true else { return false }
            state.followers[channel] = nil
            return true
        }
        if isLast { wish.yield() }
    }

    private func changed(_ channel: String) {
        let signals = state.withLock { Array(($0.followers[channel] ?? [:]).values) }
        for signal in signals { signal.change() }
    }

    /// Makes everybody look.
    func signalAll() {
        let signals = state.withLock { state in state.followers.values.flatMap(\.values) }
        for signal in signals { signal.change() }
    }

    // MARK: The connection

    /// Keeps the connection and the subscriptions until ``close()`` or until its task is cancelled.
    ///
    /// - Parameter lookEvery: how often followers look without being told: a task's place in its queue changes unpublished.
    func run(lookEvery: Duration) async {
        let subscriber = subscriber
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [logger] in await subscriber.keepConnected(logger) }
            group.addTask { await self.applyWishes() }
            group.addTask {
                while (try? await Task.sleep(for: lookEvery)) != nil { self.signalAll() }  // until cancelled
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func applyWishes() async {
        for await _ in wishes { await apply() }
    }

    private func apply() async {
        let (new, old, waiting) = state.withLock { state in
            let wanted = Set(state.followers.keys)
            let waiting = state.waiting
            state.waiting = []
            return (wanted.subtracting(state.confirmed), state.confirmed.subtracting(wanted), waiting)
        }
        do {
            try await subscriber.subscribe(new.sorted(), timeout: .seconds(3))
            state.withLock { $0.confirmed.formUnion(new) }
            for continuation in waiting { continuation.resume() }
        } catch {
            // Without this the subscriber would go on wanting channels that nobody follows.
            _ = try? await subscriber.unsubscribe(new.sorted())
            let failure = InspectionError(.unavailable, "no subscription: \(error.message)")
            for continuation in waiting { continuation.resume(throwing: failure) }
        }
        guard !old.isEmpty else { return }
        state.withLock { $0.confirmed.subtract(old) }
        // Should the connection be gone, the next one does not have them any more.
        _ = try? await subscriber.unsubscribe(old.sorted())
    }

    /// Ends every sequence and disconnects.
    func close() async {
        let (signals, waiting) = state.withLock { state in
            state.isClosed = true
            let waiting = state.waiting
            state.waiting = []
            return (state.followers.values.flatMap(\.values), waiting)
        }
        for signal in signals { signal.finish() }
        for continuation in waiting { continuation.resume(throwing: InspectionError(.unavailable, "closed")) }
        wish.finish()
        await subscriber.close()
    }

    /// Lets the subscriber's callbacks, made before the feed exists, find it.
    private final class Relay: Sendable {
        private struct Weak { weak var feed: RedisResultFeed? }
        private let reference = Mutex(Weak())

        var feed: RedisResultFeed? {
            get { reference.withLock { $0.feed } }
            set { reference.withLock { $0.feed = newValue } }
        }
    }
}
