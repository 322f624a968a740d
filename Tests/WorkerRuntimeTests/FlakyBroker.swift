import CeleryMessage
import NIOCore
import Synchronization
import Transport

/// A broker whose connection fails when it is told to, and that tests can wait on.
final class FlakyBroker: Broker {
    /// What happens to a call.
    enum Fault: Sendable {
        /// Nothing of it happens.
        case before
        /// It happens, but nobody is told.
        case after
    }

    private struct State {
        var commitFaults: [Fault?] = []
        var claimFaults = 0
        var onNotice: (@Sendable (BrokerNotice) -> Void)?
        var looks = 0
        var waiters: [(condition: @Sendable () -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
        var claimGate: CheckedContinuation<Void, Never>?
        var holdsNextClaim = false
        var refusal: TransportError?
        var starts = 0
        var beats: [[DeliveryTag]] = []
        var isStopped = false
    }

    let workerID: String
    private let broker: InMemoryBroker
    private let loop: any EventLoop
    private let state = Mutex(State())

    init(_ store: InMemoryStore, workerID: String = "w", loop: any EventLoop) {
        self.workerID = workerID
        self.loop = loop
        broker = InMemoryBroker(store, workerID: workerID) { body in loop.execute { body() } }
    }

    // MARK: What tests say

    /// The fates of the next commits, in order; `nil` lets one through.
    func fail(commits faults: [Fault?], claims: Int = 0) {
        state.withLock { state in
            state.commitFaults = faults
            state.claimFaults = claims
        }
    }

    /// The next claim that takes something gives it to nobody before ``letClaimGo()``.
    func holdNextClaim() { state.withLock { $0.holdsNextClaim = true } }

    var isHoldingClaim: Bool { state.withLock { $0.claimGate != nil } }

    func letClaimGo() {
        let gate = state.withLock { state in
            defer { state.claimGate = nil }
            return state.claimGate
        }
        gate?.resume()
    }

    /// What the connection is answered with.
    func refuse(_ error: TransportError) { state.withLock { $0.refusal = error } }

    /// How often a connection was asked for.
    var starts: Int { state.withLock { $0.starts } }

    /// The tags that each heartbeat renewed.
    var beats: [[DeliveryTag]] { state.withLock { $0.beats } }

    var isStopped: Bool { state.withLock { $0.isStopped } }

    func notify(_ notice: BrokerNotice) {
        let onNotice = state.withLock { $0.onNotice }
        loop.execute { onNotice?(notice) }
    }

    /// Waits until a condition holds; it is looked at whenever something may have changed.
    func until(_ condition: @escaping @Sendable () -> Bool) async {
        await withCheckedContinuation { continuation in
            state.withLock { $0.waiters.append((condition, continuation)) }
            look()
        }
    }

    /// Looks at what is waited for, again when somebody else wanted to look meanwhile and found nothing to look at.
    func look() {
        state.withLock { $0.looks += 1 }
        while true {
            let (waiting, looks) = state.withLock { state in
                defer { state.waiters = [] }
                return (state.waiters, state.looks)
            }
            let left = waiting.filter { waiter in
                guard waiter.condition() else { return true }
                waiter.continuation.resume()
                return false
            }
            let isDone = state.withLock { state in
                state.waiters += left
                return left.isEmpty || state.looks == looks
            }
            if isDone { return }
        }
    }

    // MARK: Broker

    private static let cut = TransportError(.connection, "cut by the test")

    func start(queues: [String], onNotice: @escaping @Sendable (BrokerNotice) -> Void) async throws {
        let refusal = state.withLock { state in
            state.starts += 1
            return state.refusal
        }
        if let refusal { throw refusal }
        state.withLock { $0.onNotice = onNotice }
        try await broker.start(queues: queues, onNotice: onNotice)
    }

    func claim(_ request: ClaimRequest) async throws -> ClaimResult {
        let fails = state.withLock { state in
            guard state.claimFaults > 0 else { return false }
            state.claimFaults -= 1
            return true
        }
        if fails { throw Self.cut }
        // As over a network, other claims may be sent before this one is answered.
        for _ in 0..<3 { await Task.yield() }
        let result = try await broker.claim(request)
        for _ in 0..<3 { await Task.yield() }
        let holds = state.withLock { state in
            defer { if !result.deliveries.isEmpty { state.holdsNextClaim = false } }
            return state.holdsNextClaim && !result.deliveries.isEmpty
        }
        if holds {
            await withCheckedContinuation { continuation in
                state.withLock { $0.claimGate = continuation }
                look()
            }
        }
        return result
    }

    func commit(_ commits: [Commit]) async throws -> [CommitStatus] {
        let fault = state.withLock { $0.commitFaults.isEmpty ? nil : $0.commitFaults.removeFirst() }
        if case .before? = fault { throw Self.cut }
        let statuses = try await broker.commit(commits)
        look()
        if case .after? = fault { throw Self.cut }
        return statuses
    }

    func heartbeat(holding tags: [DeliveryTag]) async throws -> Heartbeat {
        let beat = try await broker.heartbeat(holding: tags)
        state.withLock { $0.beats.append(tags) }
        look()
        return beat
    }

    func releaseDue(limit: Int) async throws -> Instant? { try await broker.releaseDue(limit: limit) }

    func trimHistory(queues: [String]) async throws -> Int { try await broker.trimHistory(queues: queues) }

    func recover(
        worker: String,
        maxDeliveries: Int,
        poisoned: @Sendable (Delivery) -> Commit
    ) async throws -> Int {
        try await broker.recover(worker: worker, maxDeliveries: maxDeliveries, poisoned: poisoned)
    }

    func restoreAbandoned() async throws -> Int { try await broker.restoreAbandoned() }

    func chordParts(of claim: ChordClaim) async throws -> ChordParts? { try await broker.chordParts(of: claim) }

    func records(taskIDs: [String]) async throws -> [String: [UInt8]] { try await broker.records(taskIDs: taskIDs) }

    func overdueChords(age: Duration) async throws -> [ChordClaim] { try await broker.overdueChords(age: age) }

    func stop() async {
        state.withLock { $0.isStopped = true }
        await broker.stop()
        look()
    }
}
