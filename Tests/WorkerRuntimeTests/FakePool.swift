import CeleriacTasks
import CeleryMessage
import NIOCore
import Synchronization
import WorkerPool

/// A pool whose runs begin and end when the test says so, and that remembers what was asked of it.
final class FakePool: TaskPool {
    /// What the worker did to the pool's processes, in order.
    enum Change: Equatable {
        case resize(Int)
        case reload(PoolSetup)
        case recycle
    }

    private struct State {
        var capacity: Int
        var runs: [PoolTask] = []
        var changes: [Change] = []
        var onEvents: (@Sendable ([PoolEvent]) -> Void)?
    }

    let name: String
    private let bench: WorkerBench
    private let state: Mutex<State>

    init(_ name: String, capacity: Int = 1, _ bench: WorkerBench) {
        self.name = name
        self.bench = bench
        state = Mutex(State(capacity: capacity))
    }

    // MARK: What tests see and say

    /// The runs in the pool's hands, in order.
    var runs: [PoolTask] { state.withLock { $0.runs } }
    var changes: [Change] { state.withLock { $0.changes } }
    /// The sizes that were asked for, in order.
    var sizes: [Int] { changes.compactMap { if case .resize(let size) = $0 { size } else { nil } } }

    /// Waits until the pool holds so many runs, and answers with them.
    func holding(_ count: Int) async -> [PoolTask] {
        await bench.broker.until { self.runs.count == count }
        return runs
    }

    func begin(_ id: String, processID: Int32) {
        guard let run = runs.first(where: { $0.request.id == id }) else { return }
        emit(.started(job: run.job, processID: processID))
    }

    func report(_ id: String, state name: String) {
        guard let run = runs.first(where: { $0.request.id == id }) else { return }
        emit(.state(job: run.job, state: name, meta: Array("{}".utf8)))
    }

    func finish(_ id: String, _ outcome: HandlerOutcome = .success(result: Array("null".utf8))) {
        let ended = state.withLock { state in
            state.runs.firstIndex { $0.request.id == id }.map { state.runs.remove(at: $0) }
        }
        guard let ended else { return }
        emit(.finished(job: ended.job, report: HandlerReport(outcome: outcome), runtime: .milliseconds(5)))
    }

    private func emit(_ event: PoolEvent) {
        let onEvents = state.withLock { $0.onEvents }
        bench.loop.execute {
            onEvents?([event])
            self.bench.broker.look()
        }
    }

    // MARK: TaskPool

    /// Connects the pool with the worker, which makes its pools when it starts.
    func reporting(to onEvents: @escaping @Sendable ([PoolEvent]) -> Void) -> FakePool {
        state.withLock { $0.onEvents = onEvents }
        return self
    }

    var capacity: Int { state.withLock { $0.capacity } }
    var free: Int { state.withLock { max(0, $0.capacity - $0.runs.count) } }
    var processes: [PoolProcessInfo] { [] }

    func start() async throws {}

    func submit(_ tasks: [PoolTask]) {
        state.withLock { $0.runs += tasks }
        bench.broker.look()
    }

    func cancel(job: UInt64, reason: CancellationReason) {
        state.withLock { $0.runs.removeAll { $0.job == job } }
    }

    func terminate(job: UInt64) {
        state.withLock { $0.runs.removeAll { $0.job == job } }
        emit(.lost(job: job, exit: .terminated))
    }

    func resize(to count: Int) {
        state.withLock { state in
            state.capacity = count
            state.changes.append(.resize(count))
        }
        emit(.capacityChanged)
    }

    func recycle() { note(.recycle) }

    func reload(_ setup: PoolSetup) { note(.reload(setup)) }

    private func note(_ change: Change) {
        state.withLock { $0.changes.append(change) }
        bench.broker.look()
    }

    func stop(killAfter: Duration?) async {}
}
