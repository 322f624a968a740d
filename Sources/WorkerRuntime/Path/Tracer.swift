import CeleriacTasks
import CeleryMessage
import Transport
import WorkerPool

/// Turns a task's end into everything that follows from it: plain values in, one commit out.
///
/// Mirrors `celery/app/trace.py` and `celery/worker/request.py`; `Docs/TaskLifecycle.md` has the table.
struct Tracer: Sendable {
    let configuration: WorkerConfiguration
    let codecs: MessageCodecs
    let records: ResultWriter
    let history: HistoryRecorder
    let random: @Sendable (ClosedRange<Int>) -> Int

    init(
        configuration: WorkerConfiguration,
        codecs: MessageCodecs,
        random: @escaping @Sendable (ClosedRange<Int>) -> Int
    ) {
        self.configuration = configuration
        self.codecs = codecs
        self.random = random
        records = ResultWriter(policy: configuration.results, nodeName: configuration.nodeName, codecs: codecs)
        history = HistoryRecorder(configuration)
    }

    /// The longest countdown of a retry in seconds: ten years.
    private static let longestCountdown = 315_360_000.0

    // MARK: Ends

    /// What follows from an end.
    ///
    /// - Parameters:
    ///   - item: the list item as it came, for when it goes back.
    ///   - tag: what the message is held under; `nil` when it was acknowledged before the run.
    ///   - queue: the queue it came from.
    ///   - enqueued: what the handler wants published with its success.
    ///   - chordAdditions: what the handler adds to the header of its chord with its success.
    ///   - run: when and how long it ran, for the history.
    func ending(
        of received: ReceivedMessage,
        item: [UInt8],
        tag: DeliveryTag?,
        queue: String,
        policy: TaskPolicy,
        outcome: TaskOutcome,
        enqueued: [Signature],
        chordAdditions: [Signature] = [],
        run: TaskEnd.Run = TaskEnd.Run(),
        now: Instant
    ) -> TaskEnding {
        let sent = Sent(enqueued: enqueued, chordAdditions: chordAdditions)
        let task = Ended(
            received,
            item: item,
            tag: tag,
            queue: queue,
            policy: policy,
            results: configuration.results,
            run: run,
            now: now
        )
        var ending = ending(task, outcome, sent)
        history.record(&ending, of: received, item: item, queue: queue, policy: policy, run: run, now: now)
        return ending
    }

    private func ending(_ task: Ended, _ outcome: TaskOutcome, _ sent: Sent) -> TaskEnding {
        switch outcome {
        case .success(let result): return succeeded(task, result: result, sent)
        case .alreadySucceeded(let record): return alreadySucceeded(task, record)
        case .failure(let exception, let traceback): return failed(task, exception, traceback: traceback)
        case .retry(let retry, let traceback): return retried(task, retry, traceback: traceback)
        case .ignored:
            return TaskEnding(commit: task.commit([]), verdict: .ignored, finish: .init(state: .ignored))
        case .rejected(let reject): return rejected(task, reject)
        case .replaced(let signature): return replaced(task, by: signature, sent)
        case .revoked(let reason):
            return TaskEnding(
                commit: task.commit(revokedEffects(task, reason)),
                verdict: .revoked(reason),
                finish: .init(state: .revoked, exception: .revoked(reason))
            )
        case .timeLimitExceeded(let seconds): return timedOut(task, seconds: seconds)
        case .workerLost(let exit): return lost(task, exit)
        case .interrupted: return interrupted(task)
        }
    }

    /// What follows when a message ends before it ran.
    func ending(
        of received: ReceivedMessage,
        _ delivery: Delivery,
        policy: TaskPolicy,
        outcome: TaskOutcome
    ) -> Commit {
        ending(
            of: received,
            item: delivery.item,
            tag: delivery.tag,
            queue: delivery.queue,
            policy: policy,
            outcome: outcome,
            enqueued: [],
            now: .now()
        ).commit
    }

    /// What a handler sends with its end.
    private struct Sent {
        var enqueued: [Signature]
        var chordAdditions: [Signature]

        var isEmpty: Bool { enqueued.isEmpty && chordAdditions.isEmpty }
    }

    /// A task that was called off leaves its record, and its chord does not wait for it.
    private func revokedEffects(_ task: Ended, _ reason: ExceptionInfo.RevokeReason) -> [Effect] {
        store(task, .revoked, exception: .revoked(reason), traceback: nil, children: [])
            + part(of: task.message, .revoked, .revoked(reason))
    }

    private func succeeded(_ task: Ended, result: [UInt8], _ sent: Sent) -> TaskEnding {
        // The usual task is followed by nothing, and pays nothing for what could follow.
        guard !sent.isEmpty || !task.message.payload.embed.isEmpty else {
            return succeeded(task, result: result, children: [], effects: [])
        }
        var continuation = continuation(task)
        do {
            for signature in sent.enqueued { try continuation.send(signature) }
            for signature in sent.chordAdditions { try continuation.addToChord(signature) }
            try continuation.succeed(with: result)
        } catch {
            return failed(task, error.exceptionInfo, traceback: nil)
        }
        return succeeded(task, result: result, children: continuation.children, effects: continuation.effects)
    }

    /// The end of a success: its record behind whatever it sends.
    private func succeeded(
        _ task: Ended,
        result: [UInt8],
        children: [ResultTuple],
        effects sent: [Effect]
    ) -> TaskEnding {
        var effects = sent
        if !task.ignoresResult {
            do {
                effects.append(
                    try records.success(
                        result: result,
                        children: children,
                        of: task.message,
                        now: task.now
                    )
                )
            } catch {
                return failed(task, error.exceptionInfo, traceback: nil)
            }
        }
        if task.message.payload.embed.chord != nil { effects += part(of: task.message, .success, result: result) }
        if task.message.headers.redelivered { effects.append(.forgetDeliveries(taskID: task.message.headers.id)) }
        return TaskEnding(
            commit: task.commit(effects),
            verdict: .succeeded(result: result),
            finish: .init(state: .success, result: result)
        )
    }

    /// A redelivered task whose result stands: what was to follow it is sent where that has not happened.
    ///
    /// Celery's workers send it before they store the result; an empty list of children then means that it was not.
    private func alreadySucceeded(_ task: Ended, _ record: ResultRecord) -> TaskEnding {
        var continuation = continuation(task)
        if record.children?.isEmpty ?? true {
            do {
                try continuation.succeed(with: record.result)
            } catch {
                return failed(task, error.exceptionInfo, traceback: nil)
            }
        }
        let part = part(of: task.message, .success, result: record.result)
        let effects = continuation.effects + part + [.forgetDeliveries(taskID: task.message.headers.id)]
        return TaskEnding(commit: task.commit(effects), verdict: .succeeded(result: record.result))
    }

    private func failed(_ task: Ended, _ exception: ExceptionInfo, traceback: String?) -> TaskEnding {
        if ExceptionMatch.any(task.policy.autoretryFor, matches: exception),
            !ExceptionMatch.any(task.policy.dontAutoretryFor, matches: exception)
        {
            let cause = TaskFailure(module: exception.module, type: exception.type, arguments: exception.arguments)
            return retried(task, TaskRetry(cause: cause), traceback: traceback ?? "")
        }
        return finallyFailed(task, exception, traceback: traceback)
    }

    /// A failure for good: its record, the failure of the rest of its chain, and its errbacks.
    private func finallyFailed(
        _ task: Ended,
        _ exception: ExceptionInfo,
        traceback: String?,
        state: TaskState = .failure,
        verdict: TaskEnding.Verdict? = nil
    ) -> TaskEnding {
        var finish = TaskEnding.Finish(state: state, exception: exception, traceback: traceback)
        var effects = store(task, .failure, exception: exception, traceback: traceback, children: [])
        effects += part(of: task.message, .failure, exception)
        effects += laterFailures(
            task.message,
            exception,
            traceback: traceback,
            stores: !task.ignoresErrors,
            now: task.now
        )
        var continuation = continuation(task)
        do {
            try continuation.fail(exception, traceback: traceback)
        } catch {
            // An errback that cannot be sent must not keep the failure from being stored.
            finish.remark = "errback not sent: \(error)"
        }
        effects += continuation.effects
        if task.message.headers.redelivered { effects.append(.forgetDeliveries(taskID: task.message.headers.id)) }
        return TaskEnding(
            commit: task.commit(effects),
            verdict: verdict ?? .failed(exception, traceback: traceback),
            finish: finish
        )
    }

    /// The failure of what was to follow a task, also where a chord waits for it.
    private func laterFailures(
        _ message: TaskMessage,
        _ exception: ExceptionInfo,
        traceback: String?,
        stores: Bool,
        now: Instant
    ) -> [Effect] {
        guard !message.payload.embed.chain.isEmpty else { return [] }
        var effects: [Effect] = []
        for later in message.payload.embed.laterTasks {
            if stores { effects.append(records.failure(of: later, exception, traceback: traceback, now: now)) }
            effects += part(of: later, exception, after: message.headers, priority: message.properties.priority)
        }
        return effects
    }

    private func retried(_ task: Ended, _ retry: TaskRetry, traceback: String) -> TaskEnding {
        let headers = task.message.headers
        let cause = retry.cause.map(ExceptionInfo.init)
        let maximum = retry.maxRetries ?? task.policy.maxRetries
        if let maximum, headers.retries >= maximum {
            if let cause { return finallyFailed(task, cause, traceback: traceback) }
            let exhausted = ExceptionInfo.maxRetriesExceeded(headers)
            let failure = TaskFailure(
                module: exhausted.module,
                type: exhausted.type,
                arguments: exhausted.arguments
            )
            return finallyFailed(task, exhausted, traceback: HandlerRun.traceback(failure, task: headers.task))
        }
        let asked = retry.countdown ?? RetryDelay.delay(task.policy, retries: headers.retries, random: random)
        // A handler may compute anything, infinity and not-a-number too.
        let countdown = min(max(asked.isNaN ? 0 : asked, 0), Self.longestCountdown)
        let due = task.now + .seconds(countdown)
        var again = task.message.retried(
            eta: countdown > 0 ? due : nil,
            now: task.now,
            overrides: retry.overrides
        )
        if task.policy.keepsHistory {
            again = HistoryWriter.noting(
                task.run,
                endedAt: task.now,
                cause,
                by: configuration.nodeName,
                in: again
            )
        }
        let item: [UInt8]
        do {
            item = try again.encode(codecs: codecs)
        } catch {
            return finallyFailed(task, error.exceptionInfo, traceback: nil)
        }
        var effects: [Effect] = []
        if !task.ignoresErrors {
            effects.append(
                records.exception(
                    .retry,
                    cause ?? .retry("Retry in \(TaskLog.seconds(.seconds(countdown)))s"),
                    traceback: traceback,
                    children: [.task(headers.id)],
                    taskID: headers.id,
                    of: task.message,
                    now: task.now
                )
            )
        }
        let message = Publication(
            queue: retry.overrides.route?.routingKey ?? task.queue,
            priority: again.properties.priority,
            item: item
        )
        effects.append(countdown > 0 ? .park(message, taskID: headers.id, until: due) : .publish(message))
        return TaskEnding(
            commit: task.commit(effects),
            verdict: .retried(cause: cause, countdown: countdown),
            due: countdown > 0 ? due : nil
        )
    }

    /// The task that takes over the id, the place in a canvas and everything that follows; nothing is stored.
    private func replaced(_ task: Ended, by signature: Signature, _ sent: Sent) -> TaskEnding {
        var continuation = continuation(task)
        do {
            for signature in sent.enqueued { try continuation.send(signature) }
            for signature in sent.chordAdditions { try continuation.addToChord(signature) }
            try continuation.replace(by: signature)
        } catch {
            return failed(task, error.exceptionInfo, traceback: nil)
        }
        return TaskEnding(commit: task.commit(continuation.effects), verdict: .ignored)
    }

    private func rejected(_ task: Ended, _ reject: TaskReject) -> TaskEnding {
        let verdict = TaskEnding.Verdict.rejected(reason: reject.reason, requeue: reject.requeue)
        // An early-acknowledged message is put back all the same: Celery loses it there.
        if reject.requeue { return TaskEnding(commit: requeue(task, atHead: false), verdict: verdict) }
        let exception = ExceptionInfo.reject(.string(reject.reason), requeue: false)
        return finallyFailed(task, exception, traceback: nil, state: .rejected, verdict: verdict)
    }

    private func timedOut(_ task: Ended, seconds: Double) -> TaskEnding {
        let verdict = TaskEnding.Verdict.timedOut(seconds: seconds)
        guard task.tag == nil || task.policy.acksOnTimeout else {
            return TaskEnding(commit: requeue(task, atHead: false), verdict: verdict)
        }
        return finallyFailed(task, .timeLimitExceeded(seconds), traceback: nil, verdict: verdict)
    }

    private func lost(_ task: Ended, _ exit: ProcessExit) -> TaskEnding {
        let why = "Worker exited prematurely: \(exit)."
        if case .terminated = exit {
            return TaskEnding(
                commit: task.commit(revokedEffects(task, .terminated)),
                verdict: .revoked(.terminated),
                finish: .init(state: .revoked, exception: .revoked(.terminated))
            )
        }
        var isExhausted = false
        if task.policy.retryOnWorkerLost {
            isExhausted = task.policy.maxRetries.map { task.message.headers.retries >= $0 } ?? false
            if !isExhausted {
                let failure = ExceptionInfo.workerLost(why)
                let cause = TaskFailure(module: failure.module, type: failure.type, arguments: failure.arguments)
                // The task's own delay: a process that dies is none of the exceptions that backoff is for.
                let retry = TaskRetry(countdown: task.policy.defaultRetryDelay, cause: cause)
                return retried(task, retry, traceback: "")
            }
        }
        guard task.tag == nil || !task.policy.rejectOnWorkerLost || isExhausted else {
            return TaskEnding(commit: requeue(task, atHead: false), verdict: .lost(why))
        }
        return finallyFailed(task, .workerLost(why), traceback: nil, verdict: .lost(why))
    }

    /// A cold stop: the message goes back to the head of its queue, also one that was acknowledged early, so that
    /// nothing is lost by stopping.
    private func interrupted(_ task: Ended) -> TaskEnding {
        TaskEnding(commit: requeue(task, atHead: true), verdict: .interrupted)
    }

    /// The message as it came, marked as delivered before.
    private func requeue(_ task: Ended, atHead: Bool) -> Commit {
        let message = Publication(
            queue: task.queue,
            priority: task.message.properties.priority,
            item: Redelivery.mark(task.item) ?? task.item
        )
        return task.commit([atHead ? .putBack(message) : .publish(message)])
    }

    private func continuation(_ task: Ended) -> Continuation {
        Continuation(task.message, configuration: configuration, codecs: codecs, now: task.now)
    }

    /// Stores an exception's record, unless the task ignores it.
    private func store(
        _ task: Ended,
        _ state: TaskState,
        exception: ExceptionInfo,
        traceback: String?,
        children: [ResultTuple]?
    ) -> [Effect] {
        guard state == .revoked ? !task.ignoresResult : !task.ignoresErrors else { return [] }
        return [
            records.exception(
                state,
                exception,
                traceback: traceback,
                children: children,
                taskID: task.message.headers.id,
                of: task.message,
                now: task.now
            )
        ]
    }

    // MARK: On the way

    /// A message whose time has not come: kept in Redis as it is.
    func park(_ message: TaskMessage, _ delivery: Delivery, until due: Instant) -> Commit {
        let publication = Publication(
            queue: delivery.queue,
            priority: message.properties.priority,
            item: delivery.item
        )
        return Commit(
            tag: delivery.tag,
            acknowledges: true,
            effects: [.park(publication, taskID: message.headers.id, until: due)]
        )
    }

    /// A message that arrived too late to be run here.
    func putBack(_ message: TaskMessage, tag: DeliveryTag, queue: String, item: [UInt8]) -> Commit {
        let publication = Publication(
            queue: queue,
            priority: message.properties.priority,
            item: Redelivery.mark(item) ?? item
        )
        return Commit(tag: tag, acknowledges: true, effects: [.putBack(publication)])
    }

    /// A message that cannot be run: kept with the reason, failed when its id is known.
    ///
    /// - Parameter message: the message where it could be read: what follows it fails with it.
    func refusal(
        _ delivery: Delivery,
        reason: String,
        taskID: String?,
        taskName: String? = nil,
        exception: ExceptionInfo,
        message: TaskMessage? = nil
    ) -> Commit {
        let now = Instant.now()
        let end = history.end(
            .init(state: .failure, exception: exception),
            of: message.map { ReceivedMessage($0) },
            id: taskID,
            name: taskName,
            queue: delivery.queue,
            now: now
        )
        let kept = Publication(
            queue: delivery.queue,
            priority: message?.properties.priority ?? 0,
            item: delivery.item
        )
        var effects: [Effect] = [.keepDead(DeadMessage(end: end, reason: reason, message: kept))]
        if let taskID, configuration.results.enabled {
            effects.append(
                records.exception(
                    .failure,
                    exception,
                    traceback: nil,
                    children: [],
                    taskID: taskID,
                    of: nil,
                    now: now
                )
            )
        }
        if let message, configuration.results.enabled {
            effects += part(of: message, .failure, exception)
            effects += laterFailures(message, exception, traceback: nil, stores: true, now: now)
        }
        return Commit(
            tag: delivery.tag,
            acknowledges: true,
            effects: effects,
            history: .finished(end)
        )
    }

    /// A message that was in the hands of worker after worker that died: it is taken for the cause.
    func poisoned(_ delivery: Delivery, _ message: TaskMessage?, deliveries: Int) -> Commit {
        let reason = "in the hands of \(deliveries) workers that died"
        return refusal(
            delivery,
            reason: reason,
            taskID: message?.headers.id,
            exception: .workerLost("The task was \(reason) and is not tried again."),
            message: message
        )
    }

    /// The record of a task that was revoked before anybody began it.
    func revoked(taskID: String, now: Instant) -> StoredResult? {
        let effect = records.exception(
            .revoked,
            .revoked(.revoked),
            traceback: nil,
            children: nil,
            taskID: taskID,
            of: nil,
            now: now
        )
        guard case .store(let result) = effect else { return nil }
        return result
    }

    /// The STARTED record of a run.
    func started(_ received: ReceivedMessage, tag: DeliveryTag?, policy: TaskPolicy, processID: Int32) -> Commit {
        let task = Ended(
            received,
            item: [],
            tag: tag,
            queue: "",
            policy: policy,
            results: configuration.results,
            now: .now()
        )
        guard !task.ignoresResult else { return Commit(tag: tag, acknowledges: false, effects: []) }
        let meta: JSONValue = ["pid": .int(Int64(processID)), "hostname": .string(configuration.nodeName)]
        let effect = records.state(.started, meta: JSONWriter.bytes(meta), of: received.message)
        return Commit(tag: tag, acknowledges: false, effects: [effect])
    }

    /// A state reported by a handler; `nil` when results are ignored.
    func state(
        _ state: String,
        meta: [UInt8],
        of received: ReceivedMessage,
        tag: DeliveryTag?,
        policy: TaskPolicy
    ) -> Commit? {
        let task = Ended(
            received,
            item: [],
            tag: tag,
            queue: "",
            policy: policy,
            results: configuration.results,
            now: .now()
        )
        guard !task.ignoresResult else { return nil }
        return Commit(
            tag: tag,
            acknowledges: false,
            effects: [records.state(TaskState(rawValue: state), meta: meta, of: received.message)]
        )
    }

    /// A task at its end, with what decides about its record.
    private struct Ended {
        let received: ReceivedMessage
        let item: [UInt8]
        let tag: DeliveryTag?
        let queue: String
        let policy: TaskPolicy
        let run: TaskEnd.Run
        let now: Instant
        /// Whether no record of its success or its states is stored.
        let ignoresResult: Bool
        /// Whether no record of its failures and retries is stored.
        let ignoresErrors: Bool

        init(
            _ received: ReceivedMessage,
            item: [UInt8],
            tag: DeliveryTag?,
            queue: String,
            policy: TaskPolicy,
            results: ResultPolicy,
            run: TaskEnd.Run = TaskEnd.Run(),
            now: Instant
        ) {
            self.received = received
            self.item = item
            self.tag = tag
            self.queue = queue
            self.policy = policy
            self.run = run
            self.now = now
            let unwanted = received.message.headers.ignoreResult ?? policy.ignoreResult
            ignoresResult = !results.enabled || unwanted
            ignoresErrors = !results.enabled || unwanted && !policy.storeErrorsEvenIfIgnored
        }

        var message: TaskMessage { _read { yield received.message } }

        func commit(_ effects: [Effect]) -> Commit {
            Commit(tag: tag, acknowledges: tag != nil, effects: effects)
        }
    }
}
