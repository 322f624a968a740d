package import CeleryMessage
import Inspection
import RedisClient
import RedisTransport

/// Looks for what is wrong with a deployment, Celeriac's or Celery's own; changes nothing.
package struct RedisDoctor: Sendable {
    /// How bad a finding is.
    package enum Level: String, Sendable, Comparable {
        /// All is well.
        case ok
        /// Something to think about.
        case warning
        /// Tasks are lost or do not run.
        case error

        package static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .ok: 0
            case .warning: 1
            case .error: 2
            }
        }
    }

    /// What one look found.
    package struct Finding: Sendable {
        /// What was looked at, a stable name.
        package var check: String
        package var level: Level
        /// A sentence for people.
        package var text: String

        package var json: JSONValue {
            ["check": .string(check), "level": .string(level.rawValue), "text": .string(text)]
        }
    }

    /// How many keys are looked at for results that live for ever.
    private static let mostKeys = 20_000

    private let inspector: RedisInspector
    private let workers: RedisWorkerAdministration
    private let queues: RedisQueueAdministration
    /// The longest time limit of a configured task.
    private let longestTask: Duration?
    /// The exchange of workers' events, `celeryev`.
    private let eventExchange: String
    /// How long workers have to send a heartbeat.
    private let patience: Duration
    private let now: @Sendable () -> Instant

    /// A doctor for the deployment that `inspector` looks into.
    ///
    /// - Parameter patience: how long workers have to send a heartbeat, by which their clocks are compared; zero compares none.
    package init(
        inspector: RedisInspector,
        workers: RedisWorkerAdministration,
        queues: RedisQueueAdministration,
        longestTask: Duration? = nil,
        eventExchange: String = "celeryev",
        patience: Duration = .seconds(5),
        now: @escaping @Sendable () -> Instant = { .now() }
    ) {
        self.inspector = inspector
        self.workers = workers
        self.queues = queues
        self.longestTask = longestTask
        self.eventExchange = eventExchange
        self.patience = patience
        self.now = now
    }

    private var transport: RedisTransportConfiguration { inspector.configuration.transport }

    /// Looks at everything.
    package func examine() async throws -> [Finding] {
        var findings = try await server(inspector.broker, "broker")
        if let results = inspector.results, results !== inspector.broker {
            findings += try await server(results, "results")
        }
        findings += try await clock()
        findings += try await held()
        findings += try await lists()
        findings += try await results()
        findings += try await consumers()
        return findings
    }

    // MARK: Servers

    private func server(_ client: RedisClient, _ name: String) async throws -> [Finding] {
        let replies = try await inspector.send(
            [RedisCommand("INFO"), RedisCommand("CONFIG", "GET", "save"), RedisCommand("CONFIG", "GET", "timeout")],
            to: client
        )
        let info = Self.facts(replies[0].text ?? "")
        let number = info["redis_version"] ?? ""
        var findings = [version(number, name), memory(info, name)]
        // Where CONFIG is not allowed, INFO alone has to do.
        let saves = replies[1].array?.last?.text.map { !$0.isEmpty }
        findings.append(persistence(info, saves, name))
        if let seconds = replies[2].array?.last?.text.flatMap({ Int($0) }), seconds > 0 {
            findings.append(
                Finding(
                    check: "\(name).timeout",
                    level: .warning,
                    text: "The server closes connections that are silent for \(seconds) s; set timeout to 0."
                )
            )
        }
        return findings
    }

    private static func facts(_ info: String) -> [String: String] {
        Dictionary(
            info.split(whereSeparator: \.isNewline).compactMap { line in
                line.firstIndex(of: ":").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
            },
            uniquingKeysWith: { first, _ in first }
        )
    }

    private func version(_ version: String, _ name: String) -> Finding {
        let parts = version.split(separator: ".").compactMap { Int($0) }
        let suffices = parts.count >= 2 && (parts[0], parts[1]) >= (6, 2)
        return Finding(
            check: "\(name).version",
            level: suffices ? .ok : .error,
            text: suffices ? "Redis \(version)." : "Redis \(version) is too old: 6.2 is needed."
        )
    }

    private func memory(_ info: [String: String], _ name: String) -> Finding {
        let most = info["maxmemory"].flatMap { Int($0) } ?? 0
        let used = info["used_memory"].flatMap { Int($0) } ?? 0
        let policy = info["maxmemory_policy"] ?? "noeviction"
        if most > 0, policy != "noeviction" {
            return Finding(
                check: "\(name).eviction",
                level: policy.hasPrefix("volatile") ? .warning : .error,
                text:
                    "maxmemory-policy is \(policy): Redis deletes \(policy.hasPrefix("volatile") ? "results" : "queues") "
                    + "when memory is short; set it to noeviction."
            )
        }
        if most > 0, used > most / 10 * 9 {
            return Finding(
                check: "\(name).memory",
                level: .error,
                text: "\(used / (most / 100)) % of maxmemory are in use; beyond it nothing can be sent."
            )
        }
        return Finding(check: "\(name).eviction", level: .ok, text: "Nothing is evicted; \(used >> 20) MiB are in use.")
    }

    private func persistence(_ info: [String: String], _ saves: Bool?, _ name: String) -> Finding {
        let check = "\(name).persistence"
        if info["aof_enabled"] == "1" {
            let isFine = info["aof_last_write_status"] ?? "ok" == "ok"
            return Finding(
                check: check,
                level: isFine ? .ok : .error,
                text: isFine ? "Every change is appended to a file." : "The last write to the append-only file failed."
            )
        }
        if info["rdb_last_bgsave_status"] == "err" {
            return Finding(check: check, level: .error, text: "The last snapshot failed: Redis may refuse writes.")
        }
        return Finding(
            check: check,
            level: .warning,
            text: saves == false
                ? "Nothing is written to disk: a restart of Redis loses every waiting task."
                : "Snapshots only: a crash of Redis loses what was sent since the last one; appendonly yes keeps it."
        )
    }

    private func clock() async throws -> [Finding] {
        let before = now()
        let time = try await inspector.send([RedisCommand("TIME")], to: inspector.broker)[0].array ?? []
        let after = now()
        guard time.count == 2, let seconds = time[0].int, let micros = time[1].int else { return [] }
        let server = Double(seconds) + Double(micros) / 1e6
        let skew = max(0, max(before.seconds - server, server - after.seconds))
        return [
            Finding(
                check: "clock",
                level: skew > 2 ? .warning : .ok,
                text: skew > 2
                    ? "The clocks of Redis and of this host are \(Int(skew)) s apart: times of ETA and expiry shift."
                    : "The clocks of Redis and of this host agree."
            )
        ]
    }

    // MARK: Messages

    private func held() async throws -> [Finding] {
        let keys = transport.keys
        let time = Instant.now().seconds
        let replies = try await inspector.send(
            [
                RedisCommand("ZCOUNT", keys.unackedIndex, "-inf", String(time - transport.visibilityTimeout)),
                RedisCommand("ZCOUNT", keys.workers, "-inf", String(time - Double(transport.deadAfter))),
                RedisCommand("ZCARD", keys.dead), RedisCommand("SCARD", keys.paused),
            ],
            to: inspector.broker
        )
        var findings: [Finding] = []
        func note(_ check: String, _ level: Level, _ count: Int?, _ text: (Int) -> String) {
            if let count, count > 0 { findings.append(Finding(check: check, level: level, text: text(count))) }
        }
        note("held", .error, replies[0].int) {
            "\($0) messages have been held beyond the visibility timeout: no worker is there to take them back."
        }
        note("dead_workers", .warning, replies[1].int) {
            "\($0) workers ended without a word; what they hold is taken back by the next worker that runs."
        }
        note("dead_letters", .warning, replies[2].int) {
            "\($0) messages of tasks that failed for good are kept as dead letters."
        }
        note("paused", .warning, replies[3].int) { "\($0) queues are paused." }
        if let longestTask, longestTask / .seconds(1) > transport.visibilityTimeout {
            findings.append(
                Finding(
                    check: "visibility_timeout",
                    level: .warning,
                    text: "Tasks may run longer than the visibility timeout of \(Int(transport.visibilityTimeout)) s: "
                        + "Celery's workers would run them twice."
                )
            )
        }
        return findings
    }

    private func lists() async throws -> [Finding] {
        let lists = inspector.configuration.queues.prefix(1000).flatMap { queues.lists(of: $0) }
        let types = try await inspector.send(lists.map { RedisCommand("TYPE", $0) }, to: inspector.broker)
        return zip(lists, types).compactMap { list, type in
            guard let type = type.text, type != "list", type != "none" else { return nil }
            return Finding(check: "queue_type", level: .error, text: "The key \(list) of a queue holds a \(type).")
        }
    }

    /// Looks at a bounded part of the keys: results, and mailboxes of those who asked workers, that have no time to live stay
    /// for ever.
    private func results() async throws -> [Finding] {
        var findings: [Finding] = []
        var broker = KeyCounts()
        if let client = inspector.results {
            let counts = try await count(client)
            if client === inspector.broker { broker = counts }
            findings.append(
                Finding(
                    check: "results",
                    level: counts.resultsForEver > 0 ? .warning : .ok,
                    text: counts.resultsForEver > 0
                        ? "\(counts.resultsForEver) of \(counts.results) results that were looked at live for ever; set result_expires."
                        : "Every result that was looked at expires."
                )
            )
        } else {
            findings.append(Finding(check: "results", level: .ok, text: "No results are stored."))
        }
        if inspector.results !== inspector.broker { broker = try await count(inspector.broker) }
        if broker.mailboxesForEver > 0 {
            findings.append(
                Finding(
                    check: "mailboxes",
                    level: .warning,
                    text: "Mailboxes of those who asked workers live for ever: \(broker.mailboxesForEver) lists named "
                        + "<uuid>\(mailboxes.ending); whoever asked has gone. They may be deleted, but not the set "
                        + "\(mailboxes.binding): replies need it."
                )
            )
        }
        return findings
    }

    private struct KeyCounts {
        var results = 0
        var resultsForEver = 0
        var mailboxesForEver = 0
    }

    private var mailboxes: ReplyMailboxes { ReplyMailboxes(exchange: workers.exchange, keys: transport.keys) }

    private func count(_ client: RedisClient) async throws -> KeyCounts {
        let keys = transport.keys
        let records = [keys.result(taskID: ""), keys.group(groupID: "")]
        let mailboxes = mailboxes
        var counts = KeyCounts()
        var cursor = "0"
        var looked = 0
        repeat {
            let scan = RedisCommand("SCAN", cursor, "COUNT", "500")
            guard let parts = try await inspector.send([scan], to: client)[0].array, parts.count == 2,
                let next = parts[0].text
            else { break }
            let found = (parts[1].array?.compactMap(\.text) ?? []).filter { key in
                mailboxes.contains(key) || records.contains(where: key.hasPrefix)
            }
            if !found.isEmpty {
                let left = try await inspector.send(found.map { RedisCommand("PTTL", $0) }, to: client)
                for (key, left) in zip(found, left) {
                    let isForEver = left.int == -1
                    if mailboxes.contains(key) {
                        counts.mailboxesForEver += isForEver ? 1 : 0
                    } else {
                        counts.results += 1
                        counts.resultsForEver += isForEver ? 1 : 0
                    }
                }
            }
            cursor = next
            looked += 500
        } while cursor != "0" && looked < Self.mostKeys
        return counts
    }

    // MARK: Workers

    private func clocks(of names: [String]) async throws -> [Finding] {
        guard patience > .zero else { return [] }
        let readings = try await workers.clocks(of: names, eventExchange: eventExchange, patience: patience)
        return Self.findings(
            on: readings,
            of: names,
            patience: patience,
            visibilityTimeout: transport.visibilityTimeout
        )
    }

    private func consumers() async throws -> [Finding] {
        let names = try await workers.nodeNames()
        guard !names.isEmpty else {
            return [Finding(check: "workers", level: .error, text: "No worker answers.")]
        }
        var findings = [
            Finding(
                check: "workers",
                level: .ok,
                text: "\(names.count) \(names.count == 1 ? "worker answers" : "workers answer")."
            )
        ]
        for (name, count) in Dictionary(grouping: names, by: \.self).mapValues(\.count) where count > 1 {
            findings.append(
                Finding(
                    check: "node_names",
                    level: .error,
                    text: "\(count) workers are called \(name): control and events mix them up; start each with a name."
                )
            )
        }
        findings += try await clocks(of: names)
        let consumers = try await workers.snapshot().consumers
        for queue in try await queues.queues() where consumers[queue.name] ?? 0 == 0 {
            findings.append(
                Finding(
                    check: "consumers",
                    level: queue.waiting > 0 ? .error : .warning,
                    text: "No worker consumes the queue \(queue.name); \(queue.waiting) tasks wait in it."
                )
            )
        }
        return findings
    }
}
