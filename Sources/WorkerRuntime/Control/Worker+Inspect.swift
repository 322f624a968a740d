import CeleryMessage
import Logging
import NIOCore
import Transport
import WorkerPool

/// What a worker says about itself (`celery/worker/control.py`, `celery/worker/worker.py`).
extension Worker {
    /// A parked message as `inspect scheduled` shows it.
    struct ScheduledRequest {
        let id: String
        let due: Instant
        let info: JSONValue

        var shown: JSONValue {
            // The priority is that of Celery's timer, which is always this.
            ["eta": .string(ISO8601.string(due)), "priority": 6, "request": info]
        }
    }

    /// Arguments longer than this are shown as the text their sender made of them.
    private static let longestArguments = 16 << 10
    /// The most parked messages in one reply.
    private static let mostScheduled = 1000

    /// Tasks in hand, first come first.
    func requests(where isWanted: (ActiveTask) -> Bool) -> [ActiveTask] {
        active.values.filter(isWanted).sorted { $0.job < $1.job }
    }

    /// A task in hand as Celery describes a request.
    func info(_ task: ActiveTask, isSafe: Bool) -> JSONValue {
        var startedAt = JSONValue.null
        if let began = task.startedAt {
            let age = Double((NIODeadline.now() - began).nanoseconds) / 1e9
            startedAt = .double(now().seconds - age)
        }
        let info = info(
            task.message,
            isSafe: isSafe,
            startedAt: startedAt,
            acknowledged: task.tag == nil,
            processID: task.processID.map { .int(Int64($0)) } ?? .null
        )
        guard let stalledSince = task.stalledSince, var members = info.object else { return info }
        members["stalled_since"] = .double(stalledSince.seconds)
        return .object(members)
    }

    private func info(
        _ message: TaskMessage,
        isSafe: Bool,
        startedAt: JSONValue,
        acknowledged: Bool,
        processID: JSONValue
    ) -> JSONValue {
        let headers = message.headers
        return [
            "id": .string(headers.id),
            "name": .string(headers.shadow ?? headers.task),
            "args": shown(message.payload.args, repr: headers.argsrepr, isSafe: isSafe) { value in
                SafeRepr.args(value.array ?? [])
            },
            "kwargs": shown(message.payload.kwargs, repr: headers.kwargsrepr, isSafe: isSafe) { value in
                SafeRepr.kwargs(value.object ?? JSONObject())
            },
            "type": .string(headers.task),
            "hostname": .string(configuration.nodeName),
            "time_start": startedAt,
            "acknowledged": .bool(acknowledged),
            "delivery_info": [
                "exchange": .string(message.properties.exchange),
                "routing_key": .string(message.properties.routingKey),
                "priority": .int(Int64(message.properties.priority)),
                "redelivered": .bool(headers.redelivered || message.properties.redelivered),
            ],
            "worker_pid": processID,
        ]
    }

    private func shown(
        _ bytes: [UInt8],
        repr: String?,
        isSafe: Bool,
        _ text: (JSONValue) -> String
    ) -> JSONValue {
        // They were checked when the message was read.
        guard bytes.count <= Self.longestArguments, let value = try? JSONReader.value(bytes) else {
            return .string(repr.map(secrets.masked(repr:)) ?? "…")
        }
        let shown = secrets.masked(value)
        return isSafe ? .string(repr.map(secrets.masked(repr:)) ?? text(shown)) : shown
    }

    /// The parked messages of this worker's queues: nobody's in particular, so each worker of a queue names them.
    func scheduled() async throws -> [ScheduledRequest] {
        guard let control else { return [] }
        let names = Set(queues.filter(\.consumes).map(\.policy.name))
        let parked = try await control.parked(queues: names, limit: Self.mostScheduled)
        return parked.compactMap { parked in
            // What cannot be read is refused when it is due.
            guard let message = try? TaskMessage.decode(parked.item, codecs: codecs, limits: configuration.limits)
            else {
                return nil
            }
            let info = info(message, isSafe: false, startedAt: .null, acknowledged: false, processID: .null)
            return ScheduledRequest(id: message.headers.id, due: parked.due, info: info)
        }
    }

    /// Where tasks are, for those of these ids that this worker knows.
    func query(_ ids: [String]) async throws -> JSONObject {
        var found = JSONObject()
        for task in active.values where ids.contains(task.message.headers.id) {
            let place: JSONValue = task.startedAt == nil ? "reserved" : "active"
            found[task.message.headers.id] = [place, info(task, isSafe: false)]
        }
        guard ids.contains(where: { found[$0] == nil }) else { return found }
        for task in try await scheduled() where ids.contains(task.id) && found[task.id] == nil {
            found[task.id] = ["scheduled", task.info]
        }
        return found
    }

    // MARK: Registered tasks

    /// The tasks by name, each with those attributes that have a value.
    func registered(_ arguments: JSONObject) -> [String] {
        let asked = strings(arguments["taskinfoitems"]).filter { !$0.hasPrefix("_") }
        let attributes = asked.isEmpty ? ["exchange", "routing_key", "rate_limit"] : asked
        var names = Set(configuration.tasks.keys)
        if truth(arguments["builtins"]) {
            names.formUnion(BuiltinTask.allCases.map(\.rawValue))
        } else {
            names = names.filter { !$0.hasPrefix("celery.") }
        }
        return names.sorted().map { name in
            guard let policy = configuration.tasks[name] else { return name }
            let shown = attributes.compactMap { item in
                (item == "name" ? name : policy.attribute(item)).map { "\(item)=\($0)" }
            }
            return shown.isEmpty ? name : "\(name) [\(shown.joined(separator: " "))]"
        }
    }

    /// A queue as Celery shows it; one that is paused says so, and only then has a member that Celery does not know.
    func shown(_ policy: QueuePolicy) -> JSONObject {
        var queue = policy.shown
        if pausedQueues.contains(policy.name) { queue["paused"] = true }
        return queue
    }

    // MARK: Statistics

    /// What `inspect stats` shows.
    var stats: JSONObject {
        var total = JSONObject()
        var counts = totals
        for task in active.values where task.startedAt != nil { counts[task.message.headers.task, default: 0] += 1 }
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) { total[name] = .int(Int64(count)) }
        var stats: JSONObject = [
            "total": .object(total),
            "pid": .int(Int64(SystemFacts.processID)),
            "clock": .string(String(events.clock.value)),
            "uptime": .int((now() - startedAt).components.seconds),
            "pool": .object(poolStatistics),
        ]
        if let range = configuration.autoscale {
            let state = pools[place(ofPool: configuration.defaultPool)]
            stats["autoscaler"] = [
                "max": .int(Int64(range.maximum)), "min": .int(Int64(range.minimum)),
                "current": .int(Int64(state.pool.capacity)),
                "qty": .int(Int64(state.reserved.count + state.dispatched)),
            ]
        }
        stats["broker"] = .object(control?.brokerInfo ?? JSONObject())
        stats["prefetch_count"] = .int(Int64(prefetchCount))
        stats["rusage"] = .object(SystemFacts.resourceUsage)
        return stats
    }

    /// The most messages that may be in hand now.
    private var prefetchCount: Int {
        pools.reduce(0) { sum, state in
            let capacity = state.pool.capacity
            let most = capacity + state.pace.lookahead
            guard let multiplier = configuration.prefetchMultiplier, multiplier > 0 else { return sum + most }
            return sum + min(most, capacity * multiplier)
        }
    }

    /// All pools together in the form of Celery's one pool.
    private var poolStatistics: JSONObject {
        let processes = pools.flatMap(\.pool.processes)
        let done = processes.map(\.tasksDone)
        let sum = done.reduce(0, +)
        let running = processes.reduce(0) { $0 + $1.running.count }
        let shares = sum == 0 ? [] : done.map { Self.fraction($0, of: sum) }
        let limit: JSONValue = configuration.control.maxTasksPerChild.map { .int(Int64($0)) } ?? "N/A"
        return [
            // The path of the pool's class, with Celery; operators' tools tell workers apart by it.
            "implementation": "celeriac.pools:WorkerPool",
            "max-concurrency": .int(Int64(pools.reduce(0) { $0 + $1.pool.capacity })),
            "processes": .array(processes.map { .int(Int64($0.processID)) }),
            "max-tasks-per-child": limit,
            "put-guarded-by-semaphore": false,
            "timeouts": [Self.seconds(configuration.softTimeLimit), Self.seconds(configuration.timeLimit)],
            "writes": [
                "total": .int(Int64(sum)),
                "avg": .string(sum == 0 ? "0.00" : Self.fraction(1, of: max(1, processes.count))),
                "all": .string(shares.joined(separator: ", ")),
                "raw": .string(sum == 0 ? "" : done.map(String.init).joined(separator: ", ")),
                "strategy": "fair",
                "inqueues": ["total": .int(Int64(processes.count)), "active": .int(Int64(running))],
            ],
        ]
    }

    /// A share with two decimals.
    private static func fraction(_ part: Int, of whole: Int) -> String {
        let hundredths = (part * 100 + whole / 2) / whole
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }

    /// Seconds as Python shows them, zero for none.
    private static func seconds(_ limit: Double?) -> JSONValue {
        guard let limit else { return 0 }
        return Int64(exactly: limit).map(JSONValue.int) ?? .double(limit)
    }

    // MARK: Memory

    func sampleMemory() -> String {
        let sample = SystemFacts.residentMemory
        memorySamples.append(sample)
        if memorySamples.count > 100 { memorySamples.removeFirst() }
        return sample
    }

    func dumpMemory() -> String {
        var text = ""
        if !memorySamples.isEmpty {
            text = "- rss (sample):\n" + memorySamples.map { "-    > \($0),\n" }.joined()
            memorySamples.removeAll()
        }
        return text + "- rss (end): \(SystemFacts.residentMemory).\n"
    }
}

extension QueuePolicy {
    /// The queue as `inspect active_queues` shows it.
    var shown: JSONObject {
        [
            "name": .string(name),
            "exchange": [
                "name": .string(exchange ?? name), "type": .string(exchangeType), "arguments": .null, "durable": true,
                "passive": false, "auto_delete": false, "delivery_mode": .null, "no_declare": false,
            ],
            "routing_key": .string(routingKey ?? name),
            "queue_arguments": .null, "binding_arguments": .null, "consumer_arguments": .null, "durable": true,
            "exclusive": false, "auto_delete": false, "no_ack": false, "alias": .null, "bindings": [],
            "no_declare": .null, "expires": .null, "message_ttl": .null, "max_length": .null,
            "max_length_bytes": .null, "max_priority": .null,
        ]
    }
}

extension TaskPolicy {
    /// An attribute as Python's `str` shows it, by Celery's name; `nil` where it has no value.
    func attribute(_ name: String) -> String? {
        switch name {
        case "rate_limit": rateLimit.map(\.text)
        case "max_retries": maxRetries.map(String.init)
        case "time_limit": timeLimit.map(Self.number)
        case "soft_time_limit": softTimeLimit.map(Self.number)
        case "default_retry_delay": Self.number(defaultRetryDelay)
        case "acks_late": Self.truth(acksLate)
        case "acks_on_failure_or_timeout": Self.truth(acksOnFailure && acksOnTimeout)
        case "reject_on_worker_lost": Self.truth(rejectOnWorkerLost)
        case "retry_on_worker_lost": Self.truth(retryOnWorkerLost)
        case "ignore_result": Self.truth(ignoreResult)
        case "store_errors_even_if_ignored": Self.truth(storeErrorsEvenIfIgnored)
        case "track_started": Self.truth(trackStarted)
        case "send_events": Self.truth(sendsEvents)
        default: nil
        }
    }

    private static func truth(_ value: Bool) -> String { value ? "True" : "False" }

    private static func number(_ value: Double) -> String {
        Int64(exactly: value).map(String.init) ?? String(value)
    }
}
