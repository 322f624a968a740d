import Dispatch
import Synchronization

/// Where an inline pool's handlers run: a few threads that share one queue.
///
/// The global executor wakes a thread for each piece of work it is given, which costs more than a short handler does.
/// Here a thread that is awake takes what comes next by itself, so a batch of runs costs one wake-up a thread.
final class HandlerThreads: TaskExecutor {
    private struct State {
        var waiting = Queue<UnownedJob>()
        var awake = 0
    }

    private let limit: Int
    private let threads = DispatchQueue(label: "celeriac.handlers", attributes: .concurrent)
    private let state = Mutex(State())

    /// Uses up to `limit` threads at a time: like the global executor, as many as there are cores.
    init(limit: Int) { self.limit = limit }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let wakes = state.withLock { state in
            state.waiting.append(job)
            guard state.awake < limit else { return false }
            state.awake += 1
            return true
        }
        if wakes { threads.async { self.work() } }
    }

    /// Runs what waits until nothing does.
    private func work() {
        while let job = next() { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    private func next() -> UnownedJob? {
        state.withLock { state in
            if let job = state.waiting.popFirst() { return job }
            state.awake -= 1
            return nil
        }
    }
}
