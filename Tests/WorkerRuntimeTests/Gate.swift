import CeleriacTasks
import CeleryMessage
import Synchronization

/// Runs that wait to be let go, and what was seen of them.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var running = 0
        var peak = 0
        var begun: [String] = []
    }

    private let state = Mutex(State())

    /// The ids of runs in the order in which they began.
    var begun: [String] { state.withLock { $0.begun } }
    /// The most runs at a time.
    var peak: Int { state.withLock { $0.peak } }

    func enter(_ id: String) {
        state.withLock { state in
            state.begun.append(id)
            state.running += 1
            state.peak = max(state.peak, state.running)
        }
    }

    func leave() { state.withLock { $0.running -= 1 } }

    func wait() async {
        await withCheckedContinuation { continuation in
            let passes = state.withLock { state in
                if state.isOpen { return true }
                state.waiting.append(continuation)
                return false
            }
            if passes { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

struct GateHandler: TaskHandler {
    let gate: Gate
    let broker: FlakyBroker
    /// Whether it waits to be let go, or only lets others run.
    let waits: Bool

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        gate.enter(context.request.id)
        broker.look()
        if waits { await gate.wait() } else { for _ in 0..<20 { await Task.yield() } }
        gate.leave()
        return .string(context.request.id)
    }
}
