import CeleriacTasks
import Synchronization

/// Runs tasks in a pool process: in the order they came, as many at a time as there are slots.
///
/// A slot in use is one Swift task that takes runs from the queue until it is empty, so a run costs no task of its own.
/// A slot whose task was cancelled goes on in a fresh one, as cancellation cannot be taken back.
final class ChildSlots: Sendable {
    /// A run that waits.
    private struct Queued {
        var ordinal: UInt64
        var task: PoolTask
    }

    /// A slot in use; guarded by the lock of `state`.
    private struct Slot {
        var task: Task<Void, Never>?
        var job: UInt64?
        var cancellation = TaskCancellation()
        var isCancelled = false
    }

    private struct State {
        var queue = Queue<Queued>()
        var received: UInt64 = 0
        var slots: [Int: Slot] = [:]
        var nextSlot = 0
        /// How many slots were opened whose tasks have not come to take their first run.
        var opening = 0
        var isClosed = false
        var whenIdle: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let limit: Int
    private let host: HandlerHost
    private let outbox: ChildOutbox
    private let board: StartBoard?

    init(slots limit: Int, host: HandlerHost, outbox: ChildOutbox, board: StartBoard?) {
        self.limit = limit
        self.host = host
        self.outbox = outbox
        self.board = board
    }

    /// Whether runs wait for a slot.
    var isBusy: Bool { state.withLock { !$0.queue.isEmpty } }

    /// Queues runs, and starts those that find a free slot.
    func add(_ tasks: [PoolTask]) {
        state.withLock { state in
            for task in tasks {
                state.received += 1
                state.queue.append(Queued(ordinal: state.received, task: task))
            }
            for _ in 0..<min(limit - state.slots.count, state.queue.count) { openSlot(&state) }
        }
    }

    /// What became of a cancellation.
    enum Cancelled {
        /// The run was in the queue and is no more.
        case removed
        /// The run was told, or is not here any more.
        case told
    }

    /// Cancels a run, or takes it out of the queue.
    func cancel(job: UInt64, reason: CancellationReason) -> Cancelled {
        let (result, task) = state.withLock { state -> (Cancelled, Task<Void, Never>?) in
            if state.queue.remove(where: { $0.task.job == job }) { return (.removed, nil) }
            guard let place = state.slots.first(where: { $0.value.job == job })?.key else { return (.told, nil) }
            state.slots[place]?.cancellation.cancel(reason)
            state.slots[place]?.isCancelled = true
            return (.told, state.slots[place]?.task)
        }
        // Outside of the lock, as this calls the handler's own cancellation handlers. When the run has ended meanwhile,
        // the slot has moved on to a fresh task.
        task?.cancel()
        return result
    }

    /// Takes all runs for which there is no slot out of the queue.
    func recall() -> [UInt64] {
        state.withLock { state in state.queue.removeAll(keeping: state.opening).map(\.task.job) }
    }

    /// Calls `whenIdle` once the runs in progress have ended; the caller has recalled the others and adds nothing more.
    func close(whenIdle: @escaping @Sendable () -> Void) {
        let idle = state.withLock { state in
            state.isClosed = true
            if state.slots.isEmpty { return true }
            state.whenIdle = whenIdle
            return false
        }
        if idle { whenIdle() }
    }

    private func openSlot(_ state: inout State) {
        let place = state.nextSlot
        state.nextSlot += 1
        state.opening += 1
        // The task's first step takes the lock, so it finds its slot in place.
        state.slots[place] = Slot(task: Task { await self.serve(place) })
    }

    private func serve(_ place: Int) async {
        var next = takeFirst(place)
        var begun = MonotonicClock.now()
        while let (task, cancellation) = next {
            let report = await host.run(task, cancellation: cancellation)
            let ended = MonotonicClock.now()
            next = takeNext(place)
            let frame = OutcomeFrame(job: task.job, runtime: .nanoseconds(Int64(ended - begun)), report: report)
            outbox.outcome(frame, next == nil ? .now : .withOthers, now: ended)
            begun = ended
        }
        close(place)
    }

    private func takeFirst(_ place: Int) -> (PoolTask, TaskCancellation)? {
        state.withLock { state in
            state.opening -= 1
            return take(place, &state)
        }
    }

    private func takeNext(_ place: Int) -> (PoolTask, TaskCancellation)? {
        state.withLock { state in take(place, &state) }
    }

    /// The next run for a slot, or `nil` when the slot ends.
    private func take(_ place: Int, _ state: inout State) -> (PoolTask, TaskCancellation)? {
        let wasCancelled = state.slots[place]?.isCancelled ?? true
        guard !wasCancelled, let queued = state.queue.popFirst() else {
            state.slots[place]?.job = nil
            return nil
        }
        board?.start(queued.ordinal)
        let cancellation = TaskCancellation()
        state.slots[place]?.job = queued.task.job
        state.slots[place]?.cancellation = cancellation
        return (queued.task, cancellation)
    }

    /// Ends a slot after its last outcome was written; a run that came meanwhile opens another.
    private func close(_ place: Int) {
        let idle = state.withLock { state -> (@Sendable () -> Void)? in
            state.slots[place] = nil
            if !state.queue.isEmpty { openSlot(&state) }
            guard state.isClosed, state.slots.isEmpty else { return nil }
            defer { state.whenIdle = nil }
            return state.whenIdle
        }
        idle?()
    }
}
