import CeleryMessage
import Logging
import NIOCore
import Transport

/// What a worker tells whoever listens; `Docs/Events.md` has the whole of it.
extension Worker {
    /// Whether task events of this moment are worth being built.
    var isTelling: Bool {
        guard events.sendsTaskEvents, control != nil else { return false }
        return events.audience.nextTry == nil || events.audience.isWorthwhile(at: uptime)
    }

    /// Seconds of a clock that never goes back.
    var uptime: Double { Double(NIODeadline.now().uptimeNanoseconds) / 1e9 }

    // MARK: Task events

    /// Tells of a task at once; nothing is built when nobody is to be told.
    func tell(_ type: StaticString, of policy: TaskPolicy, _ fields: @autoclosure () -> EventFields) {
        guard let draft = draft(type, of: policy, fields()) else { return }
        gather(draft)
    }

    /// An event to be told once its commit has happened; `nil` when nobody is to be told.
    func draft(_ type: StaticString, of policy: TaskPolicy, _ fields: @autoclosure () -> EventFields) -> EventDraft? {
        guard isTelling, policy.sendsEvents else { return nil }
        return EventDraft(type, fields(), at: now().seconds)
    }

    /// The event of a task's end.
    func draft(
        _ ending: TaskEnding,
        of task: ActiveTask,
        after outcome: TaskOutcome,
        runtime: Duration?
    ) -> EventDraft? {
        guard isTelling, task.policy.sendsEvents else { return nil }
        let headers = task.message.headers
        let moment = now().seconds
        switch ending.verdict {
        case .succeeded(let result):
            let fields = EventFields.succeeded(
                headers,
                result: result,
                hiding: secrets,
                runtime: runtime,
                longest: task.policy.resultReprMaxSize
            )
            return EventDraft("task-succeeded", fields, at: moment)
        case .failed(let exception, let traceback):
            return EventDraft("task-failed", .failed(headers.id, exception, traceback: traceback), at: moment)
        case .retried(let cause, _):
            return EventDraft("task-retried", .retried(headers, cause, traceback: outcome.traceback), at: moment)
        case .timedOut(let seconds):
            let exception = ExceptionInfo.timeLimitExceeded(seconds)
            return EventDraft("task-failed", .failed(headers.id, exception, traceback: nil), at: moment)
        case .lost(let why):
            let exception = ExceptionInfo.workerLost(why)
            return EventDraft("task-failed", .failed(headers.id, exception, traceback: nil), at: moment)
        case .rejected(_, let requeue):
            return EventDraft("task-rejected", .rejected(headers, requeue: requeue), at: moment)
        case .revoked(let reason):
            let signal = reason == .terminated ? task.terminationSignal ?? 15 : nil
            let fields = EventFields.revoked(headers, signal: signal, isExpired: reason == .expired)
            return EventDraft("task-revoked", fields, at: moment)
        case .interrupted:
            // What never started simply goes back.
            return task.startedAt == nil ? nil : EventDraft("task-cancelled", .cancelled(headers), at: moment)
        case .ignored: return nil
        }
    }

    /// Adds an event to those of this turn of the loop.
    func gather(_ draft: EventDraft) {
        guard events.add(draft) else { return }
        loop.execute { [weak self] in
            self?.assumeIsolated { $0.flushEvents() }
        }
    }

    /// Sends what has been gathered, in one write.
    private func flushEvents() {
        let batches = events.takeBatches()
        guard let control, connected, !batches.isEmpty, eventsOnTheirWay < EventDispatcher.mostWaiting else { return }
        eventsOnTheirWay += batches.count
        // Nobody waits for it: events are news.
        Task { await self.publish(batches, on: control) }
    }

    private func publish(_ batches: [BroadcastMessage], on control: any ControlChannel) async {
        defer { eventsOnTheirWay -= batches.count }
        do {
            let counts = try await control.publish(batches)
            events.audience.received(by: counts.max() ?? 0, at: uptime)
        } catch {
            logger.debug("Sending events failed: \(error)")
        }
    }

    /// Tells of the messages that a task's end sends, where `task_send_sent_event` asks for it.
    func tellSent(_ commit: Commit) {
        guard configuration.events.sendsSentEvents, let control, events.audience.isWorthwhile(at: uptime) else {
            return
        }
        var messages: [BroadcastMessage] = []
        for effect in commit.effects {
            let publication: Publication
            switch effect {
            case .publish(let message), .park(let message, _, _): publication = message
            default: continue
            }
            // Our own message; one that cannot be read is not told of.
            guard let message = try? TaskMessage.decode(publication.item, codecs: codecs, limits: configuration.limits)
            else { continue }
            messages.append(events.sent(EventDraft("task-sent", .sent(message, hiding: secrets), at: now().seconds)))
        }
        guard !messages.isEmpty, eventsOnTheirWay < EventDispatcher.mostWaiting else { return }
        eventsOnTheirWay += messages.count
        let announced = messages
        Task { await self.publish(announced, on: control) }
    }

    // MARK: Worker events

    /// Says that the worker is there, and goes on saying so until it has stopped.
    func pulseLoop() async {
        guard control != nil, let interval = configuration.events.heartbeatInterval else { return }
        await announce("worker-online")
        while phase < .stopped {
            await wait(.nanoseconds(Int64(max(0.1, interval) * 1e9)), or: wantsPulse)
            guard phase < .stopped else { return }
            if connected { await announce("worker-heartbeat") }
        }
    }

    /// Sends an event about the worker as a whole.
    func announce(_ type: StaticString) async {
        guard let interval = configuration.events.heartbeatInterval else { return }
        await announce(
            type,
            .worker(
                frequency: interval,
                active: active.values.count { $0.startedAt != nil },
                processed: processed,
                load: SystemFacts.loadAverages
            )
        )
    }

    func announce(_ type: StaticString, _ fields: EventFields) async {
        guard let control, connected else { return }
        let message = events.message(EventDraft(type, fields, at: now().seconds))
        do {
            _ = try await control.publish([message])
        } catch {
            logger.debug("Sending \(type) failed: \(error)")
        }
    }

    /// How many tasks have been begun since the start.
    var processed: Int {
        totals.values.reduce(0, +) + active.values.count { $0.startedAt != nil }
    }
}

extension TaskOutcome {
    /// The traceback of what made a run fail or be retried.
    fileprivate var traceback: String? {
        switch self {
        case .failure(_, let traceback): traceback
        case .retry(_, let traceback): traceback
        default: nil
        }
    }
}
