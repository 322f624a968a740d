import BeatRuntime
import Synchronization

/// Time that goes on when a test says so, and only when every beat waits for it.
final class VirtualTime: BeatClock {
    private struct State {
        var uptime = Duration.zero
        var sleepers: [Int: (until: Duration, continuation: CheckedContinuation<Void, Never>)] = [:]
        var next = 0
        /// Beats that are held up by the test.
        var held = 0
        /// Beats that run.
        var running = 0
        var onQuiet: CheckedContinuation<Void, Never>?

        var isQuiet: Bool { sleepers.count + held >= running }
    }

    private let state = Mutex(State())

    var uptime: Duration { state.withLock { $0.uptime } }

    func sleep(until uptime: Duration) async {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if uptime <= state.uptime || Task.isCancelled { return true }
                    state.sleepers[id] = (uptime, continuation)
                    return false
                }
                if isOver { continuation.resume() }
                tellIfQuiet()
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume()
        }
    }

    /// Counts a beat that starts or ends.
    func count(_ more: Int) { change { $0.running += more } }

    /// Counts a beat that is held up, or goes on.
    func hold(_ more: Int) { change { $0.held += more } }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
        tellIfQuiet()
    }

    private func tellIfQuiet() {
        let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.isQuiet else { return nil }
            defer { state.onQuiet = nil }
            return state.onQuiet
        }
        waiting?.resume()
    }

    /// Waits until every beat waits.
    func quiet() async {
        await withCheckedContinuation { continuation in
            let isQuiet = state.withLock { state in
                if state.isQuiet { return true }
                state.onQuiet = continuation
                return false
            }
            if isQuiet { continuation.resume() }
        }
    }

    /// Lets time pass, from one awakening to the next.
    func advance(by duration: Duration) async {
        let end = uptime + duration
        while true {
            await quiet()
            let due = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                let next = state.sleepers.values.map(\.until).min().map { min($0, end) } ?? end
                state.uptime = max(state.uptime, next)
                let now = state.uptime
                let due = state.sleepers.filter { $0.value.until <= now }
                for id in due.keys { state.sleepers[id] = nil }
                return due.values.map(\.continuation)
            }
            if due.isEmpty { return }
            for continuation in due { continuation.resume() }
        }
    }
}
