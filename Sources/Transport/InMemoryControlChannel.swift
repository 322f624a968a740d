public import CeleryMessage
import Synchronization

/// What the ``InMemoryControlChannel``s of one deployment share: listeners, mailboxes, revoked names.
public final class InMemoryControlHub: Sendable {
    struct Listener {
        var control: String
        var elections: String?
        var onNotice: @Sendable (ControlNotice) -> Void
    }

    struct State {
        var listeners: [String: Listener] = [:]
        var watchers: [@Sendable (BroadcastMessage) -> Void] = []
        var mailboxes: [String: [[UInt8]]] = [:]
        var revoked: [String] = []
        var stamps: [RevokedStamp] = []
        var bindings: [QueueBinding] = []
    }

    let state = Mutex(State())

    /// Makes a hub nobody listens to.
    public init() {}

    /// Calls a closure with each message that is published from now on, as a monitor does.
    public func watch(_ onMessage: @escaping @Sendable (BroadcastMessage) -> Void) {
        state.withLock { $0.watchers.append(onMessage) }
    }

    /// The queues that were bound.
    public var bindings: [QueueBinding] { state.withLock { $0.bindings } }

    static func mailbox(_ exchange: String, _ routingKey: String) -> String { routingKey + "." + exchange }
}

/// A control channel without a server: one worker's view of an ``InMemoryControlHub``.
public final class InMemoryControlChannel: ControlChannel {
    private let hub: InMemoryControlHub
    private let store: InMemoryStore
    private let name = Identifier.uuid()
    private let deliver: @Sendable (@escaping @Sendable () -> Void) -> Void

    /// Joins a deployment.
    ///
    /// - Parameter deliver: runs a closure where notices are to be received, for example on an event loop.
    public init(
        _ hub: InMemoryControlHub,
        store: InMemoryStore,
        deliver: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void = { $0() }
    ) {
        self.hub = hub
        self.store = store
        self.deliver = deliver
    }

    /// There is no server to describe.
    public var brokerInfo: JSONObject { ["transport": "memory", "hostname": "localhost"] }

    /// Listens on the hub.
    public func listen(
        control: String,
        elections: String?,
        onNotice: @escaping @Sendable (ControlNotice) -> Void
    ) async throws {
        let deliver = deliver
        hub.state.withLock {
            $0.listeners[name] = .init(control: control, elections: elections) { notice in
                deliver { onNotice(notice) }
            }
        }
    }

    /// Hands the messages to all listeners at once.
    public func publish(_ messages: [BroadcastMessage]) async throws -> [Int] {
        messages.map { message in
            let (listeners, watchers) = hub.state.withLock { (Array($0.listeners.values), $0.watchers) }
            let item = message.encode()
            var count = watchers.count
            for listener in listeners {
                if listener.control == message.exchange {
                    count += 1
                    listener.onNotice(.request(item))
                } else if listener.elections == message.exchange, message.routingKey == "worker.elect" {
                    count += 1
                    listener.onNotice(.election(item))
                }
            }
            for watch in watchers { watch(message) }
            return count
        }
    }

    /// Puts the reply into its mailbox, if that is open.
    public func reply(_ message: BroadcastMessage) async throws {
        let name = InMemoryControlHub.mailbox(message.exchange, message.routingKey)
        hub.state.withLock { $0.mailboxes[name]?.append(message.encode()) }
        for watch in hub.state.withLock({ $0.watchers }) { watch(message) }
    }

    /// Opens a mailbox.
    public func openMailbox(exchange: String, routingKey: String) async throws {
        hub.state.withLock { $0.mailboxes[InMemoryControlHub.mailbox(exchange, routingKey)] = [] }
    }

    /// Empties and closes a mailbox.
    public func closeMailbox(exchange: String, routingKey: String) async throws -> [[UInt8]] {
        hub.state.withLock { $0.mailboxes.removeValue(forKey: InMemoryControlHub.mailbox(exchange, routingKey)) ?? [] }
    }

    /// Notes the ids and stores the records of tasks that have not begun.
    public func revoke(_ revocations: [Revocation]) async throws {
        hub.state.withLock { state in
            for revocation in revocations where !state.revoked.contains(revocation.taskID) {
                state.revoked.append(revocation.taskID)
            }
        }
        let waiting: Set<String> = ["PENDING", "RECEIVED", "RETRY", "REJECTED"]
        for result in revocations.compactMap(\.result) {
            store.state.withLock { state in
                // A record that is no JSON counts as one of a task that has begun.
                let status = state.results[result.taskID].map { (try? JSONReader.value($0))?["status"]?.string ?? "" }
                guard waiting.contains(status ?? "PENDING") else { return }
                state.results[result.taskID] = result.record
                state.storeCounts[result.taskID, default: 0] += 1
            }
        }
    }

    /// Notes stamps.
    public func revoke(stamps: [RevokedStamp]) async throws {
        hub.state.withLock { $0.stamps += stamps }
    }

    /// What was noted.
    public func revoked() async throws -> RevokedNames {
        hub.state.withLock { RevokedNames(taskIDs: $0.revoked, stamps: $0.stamps) }
    }

    /// The parked messages of these queues.
    public func parked(queues: Set<String>, limit: Int) async throws -> [ParkedMessage] {
        store.parked.filter { queues.contains($0.message.queue) }.prefix(limit)
            .map { ParkedMessage(item: $0.message.item, due: $0.due) }
    }

    /// Notes a binding.
    public func bind(_ binding: QueueBinding) async throws {
        hub.state.withLock { $0.bindings.append(binding) }
    }
}
