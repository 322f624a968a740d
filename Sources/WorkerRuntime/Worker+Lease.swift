import CeleryMessage
import Logging
import NIOCore
import Transport

extension Worker {
    /// Renews leases, takes back what dead workers held, and keeps an eye on what is parked.
    func heartbeatLoop() async {
        while phase < .stopped {
            await pauseUnlessStopped(.nanoseconds(Int64(configuration.heartbeatInterval * 1e9)))
            guard phase < .stopped, connected else { continue }
            do {
                let beat = try await broker.heartbeat(holding: heldTags)
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

    private func recover(_ worker: String) async {
        let tracer = tracer
        let limit = configuration.maxDeliveries
        let codecs = codecs
        let limits = configuration.limits
        do {
            let count = try await broker.recover(worker: worker, maxDeliveries: limit) { delivery in
                let message = try? TaskMessage.decode(delivery.item, codecs: codecs, limits: limits)  // a bad one has no id
                return tracer.poisoned(delivery, headers: message?.headers, deliveries: limit)
            }
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
                await pauseOrDue(wait)
                continue
            }
            do {
                nextDue = try await broker.releaseDue(limit: 500)
                wantsClaim.raise()
            } catch {
                logger.debug("Releasing parked messages failed: \(error)")
                await pause(.milliseconds(500))
            }
        }
    }

    /// Waits for the time to pass or for an earlier due time, whichever comes first.
    private func pauseOrDue(_ wait: Duration) async {
        let timer = loop.scheduleTask(in: TimeAmount(wait)) { [weak self] in
            guard let self else { return }
            self.assumeIsolated { $0.wantsDue.raise() }
        }
        await wantsDue.wait()
        timer.cancel()
    }

    private func pauseUnlessStopped(_ time: TimeAmount) async {
        let timer = loop.scheduleTask(in: time) { [weak self] in
            guard let self else { return }
            self.assumeIsolated { $0.wantsBeat.raise() }
        }
        await wantsBeat.wait()
        timer.cancel()
    }
}
