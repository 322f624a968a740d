import CeleryMessage
import Logging
import NIOCore
import Transport
import WorkerPool

/// Commands that change something (`celery/worker/control.py`).
extension Worker {
    // MARK: Revoking

    /// Notes ids, stores what can be stored at once, and ends what is in hand.
    func revoke(_ arguments: JSONObject) async throws -> JSONValue {
        let ids = strings(arguments["task_id"])
        let ends = truth(arguments["terminate"])
        let signal = ends ? try SystemFacts.signal(arguments["signal"]) : 0
        let moment = now()
        for id in ids { revoked.insert(id, now: moment) }
        let wanted = Set(ids)
        let running = requests { $0.startedAt != nil && wanted.contains($0.message.headers.id) }
        let known = requests { wanted.contains($0.message.headers.id) }.map(\.message.headers.id)
        try await remember(ids, except: Set(running.map(\.message.headers.id)))
        callOff(wanted)
        guard ends else {
            logger.info("Tasks flagged as revoked: \(ids.joined(separator: ", "))")
            return ControlReply.ok("tasks \(PythonSet.repr(ids)) flagged as revoked")
        }
        for task in running { terminate(task, signal: signal) }
        return ControlReply.ok("terminate: " + (known.isEmpty ? "tasks unknown" : known.joined(separator: ", ")))
    }

    /// Lets workers know that start later, and stores REVOKED for what nobody has begun.
    private func remember(_ ids: [String], except running: Set<String>) async throws {
        guard let control, !ids.isEmpty else { return }
        let stores = configuration.results.enabled
        let moment = now()
        let revocations = ids.map { id -> Revocation in
            guard stores, !running.contains(id) else { return Revocation(taskID: id, result: nil) }
            return Revocation(taskID: id, result: tracer.revoked(taskID: id, now: moment))
        }
        do {
            try await control.revoke(revocations)
        } catch {
            logger.warning("Failed to mark \(ids.count) task(s) as revoked: \(error)")
        }
    }

    /// Ends what is in hand and has not begun; what waits inside a pool comes back and ends then.
    func callOff(_ ids: Set<String>) {
        for task in requests(where: { $0.startedAt == nil && ids.contains($0.message.headers.id) }) {
            callOff(task)
        }
        dispatch()
    }

    private func callOff(_ task: ActiveTask) {
        task.isCalledOff = true
        switch task.stage {
        case .reserved:
            logger.info("\(revoked.logLine(discarding: task.message.headers, now: now()))")
            pools[task.pool].reserved.removeAll { $0 == task.job }
            end(task.job, .revoked(reason: .revoked), enqueued: [], runtime: nil)
        case .asked: break  // ends when it is known whether it may run
        case .dispatched: pools[task.pool].pool.terminate(job: task.job)
        }
    }

    private func terminate(_ task: ActiveTask, signal: Int32) {
        logger.info("Terminating \(task.message.headers.id) (\(signal))")
        task.terminationSignal = signal
        pools[task.pool].pool.terminate(job: task.job)
    }

    /// Notes stamps, and ends what runs under them where that is asked for.
    func revokeStamps(_ arguments: JSONObject) async throws -> JSONValue {
        let headers = try stamps(arguments["headers"])
        let ends = truth(arguments["terminate"])
        let signal = try SystemFacts.signal(arguments["signal"])
        var named: [RevokedStamp] = []
        for (header, value) in headers {
            for one in value.array ?? [value] { named.append(RevokedStamp(header: header, value: one)) }
        }
        for stamp in named { revoked.insert(stamp: stamp.header, value: stamp.value) }
        do {
            try await control?.revoke(stamps: named)
        } catch {
            logger.warning("Failed to remember revoked stamps: \(error)")
        }
        for task in requests(where: { $0.startedAt == nil && revoked.contains(stampsOf: $0.message.headers) }) {
            callOff(task)
        }
        let shown = JSONValue.object(headers).pythonRepr
        guard ends else { return ControlReply.ok("headers \(shown) flagged as revoked, but not terminated") }
        let ended = terminate(stampedBy: headers, signal: signal)
        guard !ended.isEmpty else { return ControlReply.ok("headers \(shown) were not terminated") }
        let sets = ended.map { name, values in
            "\(JSONValue.string(name).pythonRepr): {\(values.map(\.pythonRepr).joined(separator: ", "))}"
        }
        return ControlReply.ok("headers defaultdict(<class 'set'>, {\(sets.joined(separator: ", "))}) revoked")
    }

    /// An object, or a list of `name=value`.
    private func stamps(_ value: JSONValue?) throws(ControlFailure) -> JSONObject {
        if let headers = value?.object { return headers }
        guard let words = value?.array else {
            let shown = value?.pythonRepr ?? "None"
            throw ControlFailure(.typeError("headers are an object or a list of name=value, not \(shown)"))
        }
        var headers = JSONObject()
        for word in words {
            guard let parts = word.string?.split(separator: "=", omittingEmptySubsequences: false), parts.count > 1
            else { throw ControlFailure(ExceptionInfo(type: "IndexError", arguments: ["list index out of range"])) }
            headers[String(parts[0])] = .string(String(parts[1]))
        }
        return headers
    }

    private func terminate(stampedBy headers: JSONObject, signal: Int32) -> [(String, [JSONValue])] {
        var ended: [(String, [JSONValue])] = []
        for (name, wanted) in headers {
            var values: [JSONValue] = []
            for task in requests(where: { $0.startedAt != nil }) {
                guard let stamp = task.message.headers.stamps[name] else { continue }
                let matching = RevokedTasks.matching(stamp, wanted.array ?? [wanted])
                guard !matching.isEmpty else { continue }
                for value in matching where !values.contains(value) { values.append(value) }
                terminate(task, signal: signal)
            }
            if !values.isEmpty { ended.append((name, values)) }
        }
        return ended
    }

    // MARK: Limits

    func limitRate(_ arguments: JSONObject) throws(ControlFailure) -> JSONValue {
        let name = arguments["task_name"]?.string ?? ""
        let rate: RateLimit
        do {
            rate = try RateLimit(arguments["rate_limit"] ?? .null)
        } catch  where error.exception.type == "ValueError" {
            return ControlReply.error("Invalid rate limit string: \(error.exception.pythonRepr)")
        }
        guard configuration.tasks[name] != nil else {
            logger.error("Rate limit attempt for unknown task \(name)")
            return ControlReply.error("unknown task")
        }
        configuration.tasks[name]?.rateLimit = rate.text.isEmpty ? nil : rate
        admission = Admission(tasks: configuration.tasks)
        applyRateLimits()
        dispatch()
        guard truth(arguments["rate_limit"]) else {
            logger.info("Rate limits disabled for tasks of type \(name)")
            return ControlReply.ok("rate limit disabled successfully")
        }
        logger.info("New rate limit for tasks of type \(name): \(rate.text).")
        return ControlReply.ok("new rate limit set successfully")
    }

    func limitTime(_ arguments: JSONObject) -> JSONValue {
        let name = arguments["task_name"]?.string ?? ""
        guard configuration.tasks[name] != nil else {
            logger.error("Change time limit attempt for unknown task \(name)")
            return ControlReply.error("unknown task")
        }
        configuration.tasks[name]?.softTimeLimit = arguments["soft"]?.number
        configuration.tasks[name]?.timeLimit = arguments["hard"]?.number
        admission = Admission(tasks: configuration.tasks)
        let soft = arguments["soft"]?.pythonRepr ?? "None"
        let hard = arguments["hard"]?.pythonRepr ?? "None"
        logger.info("New time limits for tasks of type \(name): soft=\(soft) hard=\(hard)")
        return ControlReply.ok("time limits set successfully")
    }

    // MARK: Queues

    func addConsumer(_ arguments: JSONObject) async throws -> JSONValue {
        guard let name = arguments["queue"]?.string, !name.isEmpty else {
            throw ControlFailure(.typeError("a queue's name is a text"))
        }
        let reply = ControlReply.ok("add consumer \(name)")
        if let place = queues.firstIndex(where: { $0.policy.name == name }) {
            queues[place].consumes = true
            wantsClaim.raise()
            return reply
        }
        guard queues.count < Self.mostQueues else {
            throw ControlFailure(.valueError("a worker takes from \(Self.mostQueues) queues at most"))
        }
        var policy = configuration.knownQueues[name] ?? QueuePolicy(name: name, pool: configuration.defaultPool)
        policy.exchange = arguments["exchange"]?.string ?? policy.exchange
        policy.exchangeType = arguments["exchange_type"]?.string ?? policy.exchangeType
        policy.routingKey = arguments["routing_key"]?.string ?? policy.routingKey
        try await control?.bind(
            QueueBinding(queue: name, exchange: policy.exchange, routingKey: policy.routingKey)
        )
        // Somebody else may have added it meanwhile.
        if let place = queues.firstIndex(where: { $0.policy.name == name }) {
            queues[place].consumes = true
        } else {
            queues.append(QueueState(policy: policy, pool: place(ofPool: policy.pool)))
        }
        logger.info("Started consuming from \(name)")
        wantsClaim.raise()
        return reply
    }

    /// The most queues, however many are added by remote control.
    private static let mostQueues = 1000

    func cancelConsumer(_ arguments: JSONObject) -> JSONValue {
        let name = arguments["queue"]?.string ?? ""
        if let place = queues.firstIndex(where: { $0.policy.name == name }) {
            queues[place].consumes = false
            logger.info("Canceled queue \(name)")
        }
        return ControlReply.ok("no longer consuming from \(name)")
    }

    // MARK: Pools

    /// Grows or shrinks a pool: the default one, unless the argument `pool` names another.
    func resizePool(by sign: Int, _ command: ControlCommand, _ arguments: JSONObject) throws -> JSONValue {
        if configuration.autoscale != nil {
            let text = "\(command.rawValue) is not supported with autoscale. Adjust autoscale range instead."
            return ControlReply.error(text)
        }
        let count: Int64
        switch arguments["n"] {
        case nil: count = 1
        case .int(let number)? where (-Self.largestPool...Self.largestPool).contains(number): count = number
        default: throw ControlFailure(.typeError("n is a number of processes"))
        }
        let place = place(ofPool: arguments["pool"]?.string ?? configuration.defaultPool)
        let pool = pools[place].pool
        let before = pools[place].size ?? (pool is InlinePool ? pool.capacity : pool.processes.count)
        let size = min(Int(Self.largestPool), before + sign * Int(count))
        guard size > 0 else { throw ControlFailure(.valueError("Can't shrink pool. All processes busy!")) }
        pools[place].size = size
        pool.resize(to: size)
        wantsClaim.raise()
        return ControlReply.ok("pool will \(sign > 0 ? "grow" : "shrink")")
    }

    private static let largestPool: Int64 = 10_000

    func restartPools() throws(ControlFailure) -> JSONValue {
        guard configuration.control.allowsPoolRestarts else {
            throw ControlFailure(.valueError("Pool restarts not enabled"))
        }
        for state in pools { state.pool.recycle() }
        return ControlReply.ok("reload started")
    }

    func changeAutoscale(_ arguments: JSONObject) throws(ControlFailure) -> JSONValue {
        guard var range = configuration.autoscale else { throw ControlFailure(.valueError("Autoscale not enabled")) }
        func bound(_ name: String, _ present: Int) throws(ControlFailure) -> Int {
            switch arguments[name] {
            case nil, .null?: return present
            case .int(let number)? where (0...Self.largestPool).contains(number): return Int(number)
            default: throw ControlFailure(.typeError("\(name) is a number of processes"))
            }
        }
        range.maximum = max(1, try bound("max", range.maximum))
        range.minimum = min(range.maximum, try bound("min", range.minimum))
        configuration.autoscale = range
        wantsScale.raise()
        return ControlReply.ok("autoscale now max=\(range.maximum) min=\(range.minimum)")
    }
}

/// Python's way to show a set of texts.
enum PythonSet {
    static func repr(_ texts: [String]) -> String {
        guard !texts.isEmpty else { return "set()" }
        return "{" + texts.map { JSONValue.string($0).pythonRepr }.joined(separator: ", ") + "}"
    }
}
