import CeleryMessage
import Logging
import NIOCore
import Transport

extension Worker {
    /// Decodes and admits claimed messages in their order, then hands them to the pools.
    func accept(_ deliveries: [Delivery]) {
        guard !deliveries.isEmpty else { return }
        let moment = now()
        let clock = NIODeadline.now()
        // What came too late goes back in reverse, so that the first one is in front again.
        for delivery in phase == .running ? deliveries : deliveries.reversed() {
            accept(delivery, now: moment, clock: clock)
        }
        askTenants()
        dispatch()
    }

    private func accept(_ delivery: Delivery, now moment: Instant, clock: NIODeadline) {
        let received: ReceivedMessage
        do {
            received = ReceivedMessage(
                try TaskMessage.decode(delivery.item, codecs: codecs, limits: configuration.limits)
            )
        } catch {
            return refuse(delivery, error)
        }
        guard phase == .running else { return putBack(received.message, delivery) }
        admit(received, delivery, now: moment, clock: clock)
    }

    private func admit(_ received: ReceivedMessage, _ delivery: Delivery, now moment: Instant, clock: NIODeadline) {
        let action = admission.action(for: received.message.headers, now: moment) {
            revoked.contains($0, now: moment) || revoked.contains(stampsOf: received.message.headers)
        }
        if case .run(let policy) = action { return reserve(received, delivery, policy: policy, clock: clock) }
        freeKept(for: received)
        let headers = received.message.headers
        switch action {
        case .run: break
        case .park(let due):
            log(received: headers)
            count(received: headers, queue: delivery.queue)
            counters?.parked["eta", default: 0] += 1
            tell("task-received", of: policy(headers), .received(headers, hiding: secrets))
            enqueue(tracer.park(received.message, delivery, until: due), due: due)
        case .expired:
            log(received: headers)
            count(revokedBeforeStart: headers, queue: delivery.queue)
            logger.info("Discarding expired task: \(headers.label)")
            revoked.insert(headers.id, now: moment)
            let fields = EventFields.revoked(headers, signal: nil, isExpired: true)
            enqueue(
                tracer.ending(of: received, delivery, policy: policy(headers), outcome: .revoked(reason: .expired)),
                event: draft("task-revoked", of: policy(headers), fields)
            )
        case .revoked:
            log(received: headers)
            count(revokedBeforeStart: headers, queue: delivery.queue)
            logger.info("\(revoked.logLine(discarding: headers, now: moment))")
            let fields = EventFields.revoked(headers, signal: nil, isExpired: false)
            enqueue(
                tracer.ending(of: received, delivery, policy: policy(headers), outcome: .revoked(reason: .revoked)),
                event: draft("task-revoked", of: policy(headers), fields)
            )
        case .unregistered:
            count(refused: headers, queue: delivery.queue, "NotRegistered")
            logger.error(
                "Received unregistered task of type '\(headers.task)': kept as a dead letter, failed with NotRegistered"
            )
            enqueue(
                tracer.refusal(
                    delivery,
                    reason: "unregistered task \(headers.task)",
                    taskID: headers.id,
                    exception: .notRegistered(headers.task),
                    message: received.message
                ),
                event: draft(
                    "task-failed",
                    of: TaskPolicy(),
                    .failed(headers.id, .notRegistered(headers.task), traceback: nil)
                )
            )
        case .refuse(let reason, let exception):
            count(refused: headers, queue: delivery.queue, exception.type)
            logger.error("Received invalid task \(headers.label): \(reason)")
            enqueue(
                tracer.refusal(
                    delivery,
                    reason: reason,
                    taskID: headers.id,
                    exception: exception,
                    message: received.message
                )
            )
        }
    }

    private func policy(_ headers: TaskHeaders) -> TaskPolicy { configuration.tasks[headers.task] ?? TaskPolicy() }

    /// A message that cannot be read: kept with the reason, failed when its id is known, and done with.
    private func refuse(_ delivery: Delivery, _ error: MessageError) {
        let name = error.taskName.map { " for task \($0)[\(error.taskID ?? "?")]" } ?? ""
        logger.error("Received a message\(name) that cannot be run, kept as a dead letter: \(error.message)")
        enqueue(
            tracer.refusal(
                delivery,
                reason: "\(error.code.rawValue): \(error.message)",
                taskID: error.taskID,
                taskName: error.taskName,
                exception: error.exceptionInfo
            )
        )
    }

    private func reserve(_ received: ReceivedMessage, _ delivery: Delivery, policy: TaskPolicy, clock: NIODeadline) {
        log(received: received.message.headers)
        count(received: received.message.headers, queue: delivery.queue)
        tell("task-received", of: policy, .received(received.message.headers, hiding: secrets))
        let policy = asked(policy, by: received.message.headers)
        let place = queues.firstIndex { $0.policy.name == delivery.queue } ?? 0
        let pool = policy.pool.map { self.place(ofPool: $0) } ?? queues[place].pool
        let task = ActiveTask(
            job: nextJob,
            received: received,
            item: delivery.item,
            queue: place,
            pool: pool,
            policy: policy,
            limits: TimeLimits(
                message: received.message.headers,
                task: policy,
                queue: queues[place].policy,
                worker: configuration
            ),
            tag: delivery.tag,
            claimedAt: clock
        )
        nextJob += 1
        active[task.job] = task
        if mayBeDone(task) { return runUnlessDone(task, at: clock) }
        reserve(task, at: clock)
    }

    /// The task's policy, with what its message asks for in its place.
    private func asked(_ policy: TaskPolicy, by headers: TaskHeaders) -> TaskPolicy {
        guard !headers.extra.isEmpty, let value = headers.extra[RequestedRetry.header] else { return policy }
        do {
            return policy.asked(for: try RequestedRetry(value))
        } catch {
            let member = error.member.isEmpty ? "" : "\(error.member): "
            logger.warning(
                "Task \(headers.label): the header \(RequestedRetry.header) counts for nothing: \(member)\(error.message)",
                metadata: ["task_id": "\(headers.id)"]
            )
            return policy
        }
    }

    /// Lets a task wait for its pool, or for its tenant's plan or its rate limit first.
    func reserve(_ task: ActiveTask, at clock: NIODeadline) {
        if let tenant = boundTenant(of: task.received) { return ask(task, tenant) }
        enter(task, at: clock)
    }

    /// Lets a task wait for its pool, or for its rate limit first.
    func enter(_ task: ActiveTask, at clock: NIODeadline) {
        if !held.isIdle, hold(task, at: clock) { return }
        queues[task.queue].inHand += 1
        pools[task.pool].reserved.append(task.job)
    }

    private func log(received headers: TaskHeaders) {
        guard logger.logLevel <= .info else { return }
        logger.info("Task \(headers.label) received", metadata: ["task_id": "\(headers.id)"])
    }

    func noteDue(_ due: Instant) {
        if nextDue.map({ due < $0 }) ?? true {
            nextDue = due
            wantsDue.raise()
        }
    }
}
