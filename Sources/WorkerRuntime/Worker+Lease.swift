import CeleryMessage
import Logging
import NIOCore
import Transport

extension Worker {
    /// Renews leases, takes back what dead workers held, and keeps an eye on what is parked.
    func heartbeatLoop() async {
        while phase < .stopped {
            await wait(.nanoseconds(Int64(configuration.heartbeatInterval * 1e9)), or: wantsBeat)
            guard phase < .stopped, connected else { continue }
            do {
                let tags = heldTags
                let beat = try await broker.heartbeat(holding: tags)
                counters?.leasesRenewed += tags.count
                nextDue = beat.nextDue
                wantsDue.raise()
                wantsClaim.raise()
                for worker in beat.deadWorkers where phase == .running { await recover(worker) }
            } catch {
                logger.debug("Heartbeat failed: \(error)")
            }
        }
    }

    /// Everything this worker holds: tasks in hand, and ended ones whose commit is not confirmed.
    private var heldTags: [DeliveryTag] {
        active.values.compactMap(\.tag) + pending.compactMap(\.commit.tag)
    }

    /// Sweeps what other kinds of workers left behind and what the history keeps no longer, at the start and then now and
    /// again.
    func sweepLoop() async {
        while phase == .running {
            do {
                let count = connected ? try await broker.restoreAbandoned() : 0
                if count > 0 { logger.warning("Restored \(count) message(s) that nobody had renewed") }
                if connected { try await broker.trimHistory(queues: queues.map(\.policy.name)) }
            } catch {
                logger.debug("Sweeping failed: \(error)")
            }
            await wait(.nanoseconds(Int64(configuration.sweepInterval * 1e9)), or: wantsSweep)
        }
    }

    private func recover(_ worker: String) async {
        let tracer = tracer
        let limit = configuration.maxDeliveries
        let codecs = codecs
        let limits = configuration.limits
        do {
            let count = try await broker.recover(worker: worker, maxDeliveries: limit) { delivery in
                // One that cannot be read has no id to fail under.
                let message = try? TaskMessage.decode(delivery.item, codecs: codecs, limits: limits)
                return tracer.poisoned(delivery, message, deliveries: limit)
            }
            counters?.takenBack += count
            if count > 0 { logger.warning("Worker \(worker) is gone; took back \(count) message(s)") }
            wantsClaim.raise()
        } catch {
            logger.warning("Taking back the messages of \(worker) failed, will be tried again: \(error)")
        }
    }

    /// Releases parked messages when they are due.
    func dueLoop() async {
        while phase == .running {
            guard connected, let due = nextDue else {
                await wantsDue.wait()
                continue
            }
            let wait = due - now()
            guard wait <= .zero else {
                await self.wait(TimeAmount(wait), or: wantsDue)
                continue
            }
            do {
                nextDue = try await broker.releaseDue(limit: 500)
                wantsClaim.raise()
                // More than one step's worth is due, or the server's clock is behind: not in a tight loop.
                if let nextDue, nextDue <= now() { await pause(.milliseconds(10)) }
            } catch {
                logger.debug("Releasing parked messages failed: \(error)")
                await pause(.milliseconds(500))
            }
        }
    }

    /// Waits for the time to pass or for a signal, whichever comes first.
    func wait(_ time: TimeAmount, or signal: LoopSignal) async {
        let timer = timer(in: time, raising: signal)
        await signal.wait()
        timer.cancel()
    }

    private func timer(in time: TimeAmount, raising signal: LoopSignal) -> Scheduled<Void> {
        loop.assumeIsolated().scheduleTask(in: time) { signal.raise() }
    }
}
