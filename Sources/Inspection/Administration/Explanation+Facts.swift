public import CeleryMessage

extension Explanation {
    /// What the facts say about a task at a moment.
    public init(_ facts: TaskFacts, now: Instant = .now()) {
        let status = facts.status
        self.init(
            taskID: status.id,
            state: status.state,
            task: facts.task ?? status.record?.extended?.name,
            queue: status.queue,
            isFinished: status.state.isReady
        )
        reasons = isFinished ? [Self.ended(status)] : Self.reasons(facts, now)
    }

    private static func ended(_ status: TaskStatus) -> Reason {
        var facts = JSONObject()
        if let date = status.record?.dateDone { facts["at"] = .string(ISO8601.string(date)) }
        if let worker = status.worker { facts["worker"] = .string(worker) }
        switch status.state {
        case .success: return Reason("succeeded", "It has run and succeeded.", facts)
        case .revoked:
            let why = status.record?.exception?.arguments.first?.string
            if why == "expired" { return Reason("expired", "It was not started before it expired.", facts) }
            if why == "terminated" { return Reason("terminated", "It was ended while it ran.", facts) }
            return Reason("revoked", "It was revoked before it began.", facts)
        default:
            if let exception = status.record?.exception { facts["exception"] = .string(exception.type) }
            return Reason("failed", "It has run and failed.", facts)
        }
    }

    // MARK: What has not ended

    private static func reasons(_ facts: TaskFacts, _ now: Instant) -> [Reason] {
        var reasons: [Reason] = []
        if facts.isRevoked { reasons.append(Reason("revoked", "It was revoked: no worker will start it.")) }
        if let expires = facts.expires, expires <= now {
            reasons.append(
                Reason(
                    "expired",
                    "It has expired: the worker that takes it will not start it.",
                    ["expires": .string(ISO8601.string(expires))]
                )
            )
        }
        switch facts.status.search?.whereabouts?.place {
        case .waiting(let position)?: reasons += waiting(position, facts)
        case .parked(let until)?: reasons.append(parked(until, facts, now))
        case .held?: reasons += held(facts)
        case nil: reasons += nowhere(facts)
        }
        return reasons
    }

    private static func waiting(_ position: Int, _ facts: TaskFacts) -> [Reason] {
        var reasons: [Reason] = []
        let queue = facts.status.queue ?? ""
        if facts.isQueuePaused {
            reasons.append(Reason("queue_paused", "Its queue is paused.", ["queue": .string(queue)]))
        }
        if facts.consumers == 0 {
            reasons.append(Reason("no_consumer", "No worker consumes its queue.", ["queue": .string(queue)]))
        } else if facts.knowing == 0, let task = facts.task {
            reasons.append(
                Reason("unknown_task", "No worker of its queue knows a task of its name.", ["task": .string(task)])
            )
        } else if let running = facts.running, let room = facts.room, room > 0, running >= room {
            reasons.append(
                Reason(
                    "workers_busy",
                    "The workers of its queue run \(running) tasks, as many as they can.",
                    ["running": .int(Int64(running)), "room": .int(Int64(room))]
                )
            )
        }
        let ahead = position - 1
        let text = ahead == 0 ? "It is the next in its queue." : "\(ahead) tasks are in front of it in its queue."
        reasons.append(Reason("waiting", text, ["position": .int(Int64(position)), "queue": .string(queue)]))
        return reasons
    }

    private static func parked(_ until: Instant, _ facts: TaskFacts, _ now: Instant) -> Reason {
        if let bound = facts.bound { return limited(bound) }
        let seconds = max(0, (until - now) / .seconds(1))
        let details: JSONObject = [
            "until": .string(ISO8601.string(until)), "seconds": .double((seconds * 10).rounded() / 10),
        ]
        if (facts.status.attempt ?? 1) > 1 {
            return Reason("retry", "It failed and is parked until its next attempt.", details)
        }
        // What does not wait for a time of its own waits for a worker's limit.
        if facts.eta.map({ $0 <= now }) ?? true {
            return Reason("rate_limited", "It is held back by the rate limit of its task.", details)
        }
        return Reason("scheduled", "It is parked until its time comes.", details)
    }

    /// It waits for its tenant's other tasks.
    private static func limited(_ bound: TaskFacts.Bound) -> Reason {
        let usage = bound.usage
        let limit = (bound.isConcurrency ? usage.plan.concurrency : usage.plan.perMinute) ?? 0
        let text =
            bound.isConcurrency
            ? "Its tenant runs \(usage.running) tasks; its plan \(usage.plan.name) allows \(limit) at once."
            : "Its tenant's plan \(usage.plan.name) allows \(limit) tasks a minute to start."
        return Reason(
            "tenant_limited",
            text,
            [
                "tenant": .string(usage.tenant), "plan": .string(usage.plan.name),
                "bound": .string(bound.isConcurrency ? "concurrency" : "per_minute"), "limit": .int(Int64(limit)),
                "running": .int(Int64(usage.running)), "waiting": .int(Int64(usage.waiting)),
            ]
        )
    }

    private static func held(_ facts: TaskFacts) -> [Reason] {
        guard let holder = facts.holder else { return [Reason("held", "A worker holds it.")] }
        var details: JSONObject = ["worker": .string(holder.worker)]
        if let until = holder.until { details["until"] = .string(ISO8601.string(until)) }
        if holder.isAlive == false {
            return [
                Reason(
                    "dead_worker",
                    "A worker that gives no sign of life holds it; another one takes it back.",
                    details
                )
            ]
        }
        if let since = holder.stalledSince {
            details["since"] = .string(ISO8601.string(since))
            return [Reason("stalled", "It runs, and has reported no progress for long.", details)]
        }
        if holder.runs == true { return [Reason("running", "It runs.", details)] }
        if holder.runs == false {
            return [Reason("reserved", "A worker holds it and has not begun.", details)]
        }
        return [Reason("held", "A worker holds it.", details)]
    }

    private static func nowhere(_ facts: TaskFacts) -> [Reason] {
        if let chord = facts.chord {
            var details: JSONObject = [
                "group": .string(chord.group), "open": .array(chord.open.map(JSONValue.string)),
            ]
            if let ended = chord.ended { details["ended"] = .int(Int64(ended)) }
            if let parts = chord.parts { details["parts"] = .int(Int64(parts)) }
            return [Reason("chord_waits", "It is sent when every part of its chord has ended.", details)]
        }
        if facts.status.state == .started || facts.status.state == .progress {
            return [Reason("running", "It runs, as it said itself; its message was acknowledged early.")]
        }
        if facts.status.search == .nowhere, facts.status.record == nil {
            return [Reason("unknown", "No queue, no worker and no record knows a task of this id.")]
        }
        if facts.status.search == .nowhere {
            return [Reason("lost", "It has not ended, and its message is in no queue and with no worker.")]
        }
        return [Reason("not_seen", "It was not seen, but too much waits to look at everything.")]
    }
}
