import CeleryMessage
import Logging
import NIOCore
import Transport

/// Tasks that wait for their rate limits: they hold their leases and nobody's slot.
extension Worker {
    /// Takes the limits of the configuration; tasks that are freed by that begin.
    func applyRateLimits() {
        let moment = seconds(.now())
        for (name, policy) in configuration.tasks {
            let rate = configuration.disablesRateLimits ? nil : policy.rateLimit
            for job in held.limit(name, to: rate, at: moment) { unhold(job) }
        }
        scheduleHeld()
    }

    /// Keeps a task back when its limit says so; answers whether it did.
    func hold(_ task: ActiveTask, at clock: NIODeadline) -> Bool {
        guard held.holds(task.job, of: task.message.headers.task, at: seconds(clock)) else { return false }
        task.isHeld = true
        queues[task.queue].held += 1
        scheduleHeld()
        return true
    }

    /// Gives waiting tasks their turn as far as their limits and their queues' concurrency allow.
    func releaseHeld() {
        guard held.count > 0 else { return }
        let clock = NIODeadline.now()
        var room = queues.map { queue in
            queue.policy.concurrency.map { max(0, $0 - queue.inHand - queue.claiming) } ?? .max
        }
        let released = held.release(at: seconds(clock)) { job in
            guard let task = active[job] else { return true }
            guard room[task.queue] > 0 else { return false }
            room[task.queue] -= 1
            return true
        }
        for job in released { unhold(job) }
        if !released.isEmpty { dispatch() }
        scheduleHeld()
    }

    /// Puts a task whose turn has come among those that wait for a slot; one that is too late by now ends.
    private func unhold(_ job: UInt64) {
        guard let task = active[job] else { return }
        task.isHeld = false
        queues[task.queue].held -= 1
        queues[task.queue].inHand += 1
        if let text = task.message.headers.expires, let expires = ISO8601.date(text), now() > expires {
            revoked.insert(task.message.headers.id, now: now())
            end(job, .revoked(reason: .expired), enqueued: [], runtime: nil)
            return
        }
        pools[task.pool].reserved.append(job)
        // Its queue may have been left alone because too many of its tasks waited.
        wantsClaim.raise()
    }

    /// One timer for all limits.
    private func scheduleHeld() {
        heldTimer?.cancel()
        heldTimer = nil
        guard let next = held.nextToken, phase == .running else { return }
        let left = next - seconds(.now())
        // A token that is there already waits for its queue's concurrency; the pools' next report comes sooner than this.
        let wait = left > 0 ? max(0.001, left) : 0.1
        heldTimer = loop.assumeIsolated()
            .scheduleTask(in: .nanoseconds(Int64(min(wait, 3600) * 1e9))) { [weak self] in
                self?.assumeIsolated { $0.releaseHeld() }
            }
    }

    private func seconds(_ deadline: NIODeadline) -> Double { Double(deadline.uptimeNanoseconds) / 1e9 }
}
