import CeleriacTasks
import CeleryMessage
import Logging
import NIOCore
import Transport
import WorkerPool

/// How a worker stops.
public enum StopKind: Sendable {
    /// Takes no more work; running tasks finish, everything else goes back at once.
    case warm
    /// Running tasks are cancelled and go back too, after the configured soft time.
    case cold
}

extension Worker {
    /// Stops in stages; returns at once, and ``run(makePools:onReady:)`` ends when all is settled.
    ///
    /// A cold stop may follow a warm one, and a second cold stop ends the soft time of the first; anything else is
    /// ignored.
    public func stop(_ kind: StopKind) {
        switch (phase, kind) {
        case (.running, _):
            phase = .warm
            putBackReserved()
            wakeEverybody()
            // Outlives whoever asked: the stages go on until the worker has ended.
            Task { await self.windDown() }
            if kind == .cold { chill() }
        case (.warm, .cold): chill()
        default: break
        }
    }

    private func chill() {
        let patience = configuration.softShutdownTimeout
        let hasWork = !active.isEmpty || configuration.softShutdownOnIdle
        guard patience > 0, hasWork, !isInSoftTime else { return cancelRunning() }
        isInSoftTime = true
        logger.warning("Initiating Soft Shutdown, terminating in \(TaskLog.seconds(.seconds(patience))) seconds")
        _ = loop.scheduleTask(in: .nanoseconds(Int64(patience * 1e9))) { [weak self] in
            guard let self else { return }
            self.assumeIsolated { $0.cancelRunning() }
        }
    }

    /// Messages that never started go back to the head of their queues, the one claimed first in front.
    private func putBackReserved() {
        let waiting = active.values.filter { $0.stage == .reserved }.sorted { $0.job > $1.job }
        for task in waiting { end(task.job, .interrupted, enqueued: [], runtime: nil) }
        for place in pools.indices { pools[place].reserved.removeAll() }
        held.removeAll()
        heldTimer?.cancel()
        if !waiting.isEmpty { logger.info("Restoring \(waiting.count) unacknowledged message(s)") }
    }

    /// Puts the running tasks' messages back without waiting for the handlers, then ends their processes: whatever the
    /// handlers still do, their results find no message to belong to.
    private func cancelRunning() {
        guard phase < .cold else { return }
        phase = .cold
        stoppedCold = true
        let running = active.values.sorted { $0.job > $1.job }
        for task in running {
            pools[task.pool].pool.cancel(job: task.job, reason: .shutdown)
            end(task.job, .interrupted, enqueued: [], runtime: nil)
        }
        giveUpWithoutBroker()
        if !running.isEmpty { logger.warning("Restoring \(running.count) unacknowledged message(s)") }
        wakeEverybody()
    }

    /// A cold stop does not wait for a broker that is away: what could not be put back stays held under this worker's
    /// tags, and peers take it back.
    private func giveUpWithoutBroker() {
        _ = loop.scheduleTask(in: .seconds(5)) { [weak self] in
            guard let self else { return }
            self.assumeIsolated { worker in
                guard !worker.connected, !worker.isSettled else { return }
                let left = worker.pending.count
                worker.logger.error("The broker is away; leaving \(left) message(s) for other workers to take back")
                worker.pending.removeAll()
                worker.pendingStates.removeAll()
                worker.chords.claims.removeAll()
                worker.progressed.raise()
            }
        }
    }

    private func windDown() async {
        while !(active.isEmpty && claimsInFlight == 0 && isSettled) || isHeldOpen { await progressed.wait() }
        phase = .stopped
        stallTimer?.timer.cancel()
        wakeEverybody()
    }

    /// Whether the soft time is taken to its end with nothing running.
    private var isHeldOpen: Bool { isInSoftTime && configuration.softShutdownOnIdle && phase < .cold }

    private func wakeEverybody() {
        for signal in [
            wantsClaim, wantsCommit, wantsDue, wantsBeat, wantsSweep, wantsScale, wantsChords, wantsChordSweep,
            wantsPulse, wantsMingle, wantsTenants,
            progressed,
        ] {
            signal.raise()
        }
    }

    /// A message that arrived after the stop began.
    func putBack(_ message: TaskMessage, _ delivery: Delivery) {
        enqueue(tracer.putBack(message, tag: delivery.tag, queue: delivery.queue, item: delivery.item))
    }
}
