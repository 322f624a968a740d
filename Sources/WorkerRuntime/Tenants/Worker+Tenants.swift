import CeleryMessage
import Logging
import NIOCore
import Transport

/// Tasks of tenants start as far as their plans have room, over all workers; what is too much is parked and comes back when
/// there is room.
extension Worker {
    /// Whose task it is, where that bounds anything.
    func boundTenant(of received: ReceivedMessage) -> String? {
        guard configuration.tenants != nil, tenantLedger != nil else { return nil }
        return configuration.tenantNames.tenant(of: received)
    }

    /// Keeps a task in hand until it is known whether its tenant has room.
    func ask(_ task: ActiveTask, _ tenant: String) {
        guard let tag = task.tag else { return }
        task.slot = .held(tag, tenant: tenant)
        task.stage = .asked
        queues[task.queue].inHand += 1
        pools[task.pool].asked += 1
        tenantGate.arriving.append(task)
    }

    /// Asks for all that came in this moment, in one step.
    func askTenants() {
        guard !tenantGate.arriving.isEmpty, let plans = configuration.tenants else { return }
        let tasks = tenantGate.arriving
        tenantGate.arriving = []
        // Ends with the broker's answer, and with a cold stop.
        Task { await self.ask(tasks, plans) }
    }

    private func ask(_ tasks: [ActiveTask], _ plans: TenantPlans) async {
        guard let tenantLedger else { return }
        let entries = tasks.map { entry($0) }
        while phase < .cold {
            do {
                let admission = try await tenantLedger.admit(entries, plans: plans)
                settle(tasks, admission.verdicts)
                noteLook(admission.nextLook)
                return
            } catch {
                // What did happen is answered in the same way the next time.
                if (error as? TransportError)?.code == .connection {
                    await pause(.milliseconds(250))
                } else {
                    logger.error("Asking about the plans of tenants failed, trying again: \(error)")
                    await pause(.seconds(1))
                }
            }
        }
    }

    private func entry(_ task: ActiveTask) -> TenantEntry {
        TenantEntry(
            tag: task.tag ?? DeliveryTag(""),
            tenant: task.slot?.tenant ?? "",
            taskID: task.message.headers.id,
            queue: queues[task.queue].policy.name,
            priority: task.message.properties.priority,
            isEarly: !task.policy.acksLate,
            isRedelivered: task.message.headers.redelivered || task.message.properties.redelivered
        )
    }

    private func settle(_ tasks: [ActiveTask], _ verdicts: [TenantVerdict]) {
        let clock = NIODeadline.now()
        for (task, verdict) in zip(tasks, verdicts) where active[task.job] === task && task.stage == .asked {
            switch verdict {
            case .admitted: start(task, at: clock)
            case .parked(let bound):
                forget(task)
                counters?.parked["tenant", default: 0] += 1
                let tenant = task.slot?.tenant ?? ""
                logger.info(
                    "Task \(task.message.headers.label) parked: \(bound.reason(tenant))",
                    metadata: ["task_id": "\(task.message.headers.id)"]
                )
            case .lost:
                forget(task)
                logger.warning("The message of \(task.message.headers.label) was taken back by another worker")
            }
        }
        dispatch()
        wantsClaim.raise()
        if phase > .running { progressed.raise() }
    }

    /// Goes on with a task that may run, unless something came in between.
    private func start(_ task: ActiveTask, at clock: NIODeadline) {
        if task.isCalledOff {
            logger.info("\(revoked.logLine(discarding: task.message.headers, now: now()))")
            end(task.job, .revoked(reason: .revoked), enqueued: [], runtime: nil)
        } else if phase > .running || pausedQueues.contains(queues[task.queue].policy.name) {
            end(task.job, .interrupted, enqueued: [], runtime: nil)
        } else {
            queues[task.queue].inHand -= 1
            pools[task.pool].asked -= 1
            task.stage = .reserved
            enter(task, at: clock)
        }
    }

    /// A task that is in this worker's hands no longer: its message is.
    private func forget(_ task: ActiveTask) {
        active[task.job] = nil
        queues[task.queue].inHand -= 1
        pools[task.pool].asked -= 1
    }

    // MARK: Room

    /// A message that ends without having been asked for: what was kept for it is free.
    func freeKept(for received: ReceivedMessage) {
        guard let tenant = boundTenant(of: received) else { return }
        free(.kept(taskID: received.message.headers.id, tenant: tenant))
    }

    /// A slot counts no longer, and somebody may wait for it.
    func free(_ slot: TenantSlot) {
        tenantGate.freed.append(slot)
        wantsTenants.raise()
    }

    /// Releases what waits for its tenant: when a task of it has ended, when a minute is over, and now and then, should
    /// nobody have been left to do either.
    func tenantLoop() async {
        while phase == .running {
            guard let plans = configuration.tenants, let tenantLedger, connected else {
                await wantsTenants.wait()
                continue
            }
            if tenantGate.freed.isEmpty { await wait(untilLook, or: wantsTenants) }
            guard phase == .running else { return }
            let (slots, tenants) = tenantGate.takeFreed()
            do {
                tenantGate.nextLook = try await tenantLedger.release(slots, of: tenants, plans: plans)
            } catch {
                logger.debug("Releasing tasks of tenants failed: \(error)")
                tenantGate.freed = slots + tenantGate.freed
                await pause(.milliseconds(500))
            }
        }
    }

    /// Until some tenant's time comes, a heartbeat at most: others park tasks too.
    private var untilLook: TimeAmount {
        let longest = configuration.heartbeatInterval
        guard let look = tenantGate.nextLook else { return .nanoseconds(Int64(longest * 1e9)) }
        return .nanoseconds(Int64(min(longest, max(0.02, (look - now()) / .seconds(1))) * 1e9))
    }

    private func noteLook(_ look: Instant?) {
        guard let look, tenantGate.nextLook.map({ look < $0 }) ?? true else { return }
        tenantGate.nextLook = look
        wantsTenants.raise()
    }
}
