/// Every key and channel this project touches on Redis; `Docs/RedisKeys.md` describes them.
public struct RedisKeys: Sendable, Hashable {
    /// `global_keyprefix` of the broker: stands before every key.
    public var prefix: String
    /// The backend's own prefix: stands before result keys and their channels.
    public var resultPrefix: String
    /// Between a queue's name and a priority step: the bytes 06 16 unless configured.
    public var separator: String
    /// The smallest priority of each list, most urgent first.
    public var prioritySteps: [Int]
    /// The hash of held messages.
    public var unackedName: String
    /// The sorted set of lease times.
    public var unackedIndexName: String
    /// The lock of whoever sweeps abandoned messages.
    public var unackedMutexName: String
    /// Stands before the channels of fanout exchanges; `{db}` is the database's number.
    public var fanoutPrefix = "/{db}."
    /// Whether such a channel carries the routing key.
    public var fanoutPatterns = true

    /// Kombu's names with nothing renamed.
    public init(
        prefix: String = "",
        resultPrefix: String = "",
        separator: String = "\u{6}\u{16}",
        prioritySteps: [Int] = [0, 3, 6, 9],
        unackedName: String = "unacked",
        unackedIndexName: String = "unacked_index",
        unackedMutexName: String = "unacked_mutex"
    ) {
        self.prefix = prefix
        self.resultPrefix = resultPrefix
        self.separator = separator
        self.prioritySteps = prioritySteps.isEmpty ? [0] : prioritySteps.sorted()
        self.unackedName = unackedName
        self.unackedIndexName = unackedIndexName
        self.unackedMutexName = unackedMutexName
    }

    // MARK: Kombu's and Celery's

    /// Hash: tag → `[envelope, exchange, routing key]`.
    public var unacked: String { prefix + unackedName }
    /// Sorted set: tag → unix seconds of the claim or the last renewal.
    public var unackedIndex: String { prefix + unackedIndexName }

    /// String: the token of whoever sweeps abandoned messages; expires.
    public var unackedMutex: String { prefix + unackedMutexName }

    /// The list of a queue's messages of one priority step; the smallest step has the queue's bare name.
    public func list(queue: String, step: Int) -> String {
        step == prioritySteps[0] ? prefix + queue : prefix + queue + separator + String(step)
    }

    /// The largest step not above a priority; priorities outside 0…9 count as the nearest end.
    public func step(priority: Int) -> Int {
        let clamped = min(max(priority, 0), 9)
        return prioritySteps.last { $0 <= clamped } ?? prioritySteps[0]
    }

    /// Set of the queues bound to an exchange.
    public func binding(exchange: String) -> String { prefix + "_kombu.binding." + exchange }
    /// Set of the queues bound for good (kombu 5.7).
    public func permanentBinding(exchange: String) -> String { prefix + "_kombu.binding_permanent." + exchange }
    /// Sorted set: exchange → when its bindings may be swept, milliseconds (kombu 5.7).
    public var bindingDeadlines: String { prefix + "_kombu.binding_deadlines" }
    /// A binding set's member; names inside it carry no prefix.
    public func bindingMember(routingKey: String, queue: String) -> String {
        routingKey + separator + separator + queue
    }

    /// String and channel of a task's result record.
    public func result(taskID: String) -> String { resultPrefix + "celery-task-meta-" + taskID }

    /// String: a saved group; with `.s`, `.t`, `.j`, `.d`, `.c` behind it the counters of a chord.
    public func group(groupID: String) -> String { resultPrefix + "celery-taskset-meta-" + groupID }

    /// The channel on which a fanout exchange's messages are published: remote control and events.
    public func channel(exchange: String, routingKey: String, database: Int) -> String {
        let fanout = prefix + fanoutPrefix.replacing("{db}", with: String(database)) + exchange
        return routingKey.isEmpty || !fanoutPatterns ? fanout : fanout + "/" + routingKey
    }

    // MARK: Celeriac's own

    /// Sorted set: worker id → unix seconds of its last sign of life.
    ///
    /// Members leave when they stop or are recovered.
    public var workers: String { prefix + "celeriac:workers" }
    /// Hash: `completed:<queue>`, `failed:<queue>` and so on → how many tasks have ended so; there for good, bounded by the
    /// queues.
    public var history: String { prefix + "celeriac:history" }
    /// Hash: queue, task and bucket → how many runs took so long; there for good, bounded by queues and configured tasks.
    public var historyDurations: String { prefix + "celeriac:history:durations" }
    /// Stream of finished tasks of a queue, one entry for many; bounded in number and time, expires.
    public func history(queue: String, completed: Bool) -> String {
        prefix + (completed ? "celeriac:history:completed:" : "celeriac:history:failed:") + queue
    }
    /// Sorted set: finished tasks that an operator had forgotten, by place in their streams → when; bounded in number and
    /// time.
    public var historyForgotten: String { prefix + "celeriac:history:forgotten" }
    /// Set of the queues from which no task is started until they are resumed; there for good, bounded by the queues.
    public var paused: String { prefix + "celeriac:paused" }
    /// Sorted set: parked message → unix seconds when it is due.
    public var parked: String { prefix + "celeriac:parked" }
    /// Hash: parked message → its list, newline, the item.
    public var parkedMessages: String { prefix + "celeriac:parked:messages" }
    /// Sorted set: id of a dead letter → microseconds when it was kept; bounded in number, bytes and time.
    public var dead: String { prefix + "celeriac:dead" }
    /// Hash: id of a dead letter → how often it failed, newline, its facts as JSON.
    public var deadFacts: String { prefix + "celeriac:dead:facts" }
    /// Hash: id of a dead letter → its list, newline, its message.
    public var deadMessages: String { prefix + "celeriac:dead:messages" }
    /// Hash: the moment of the last dead letter, the bytes of all, how many there ever were.
    public var deadTotals: String { prefix + "celeriac:dead:totals" }
    /// Sorted set beside the results: group id of a complete chord → unix seconds since when it waits to be finished;
    /// expires.
    public var chords: String { resultPrefix + "celeriac:chords" }
    /// Hash beside the results: group id of a complete chord → token of its claim, newline, what is needed to finish it;
    /// expires.
    public var chordClaims: String { resultPrefix + "celeriac:chords:claims" }
    /// String: a chord's end has been published; only where results are on another server, expires.
    public func chordSent(token: String) -> String { prefix + "celeriac:chords:sent:" + token }
    /// Hash: task id → how often it was taken back from a dead worker; expires.
    public var deliveries: String { prefix + "celeriac:deliveries" }
    /// Hash: entry of a schedule → what its beats know of it; under the empty name, which life of the hash this is.
    ///
    /// Bounded by the entries of the file; expires when no beat has been there for long.
    public func beat(schedule: String) -> String { prefix + "celeriac:beat:" + schedule }
    /// String: the beat that sends at once while others watch; expires.
    public func beatLease(schedule: String) -> String { beat(schedule: schedule) + ":lease" }
    /// Sorted set: beat → unix seconds of its last sign of life; expires.
    public func beats(schedule: String) -> String { beat(schedule: schedule) + ":beats" }
    /// Hash: what a schedule's beats have sent, missed, skipped and failed at; expires.
    public func beatCounts(schedule: String) -> String { beat(schedule: schedule) + ":counts" }
    /// Sorted set: id of a task that must not start → when it was revoked; bounded in number and time.
    public var revoked: String { prefix + "celeriac:revoked" }
    /// Sorted set: `[header, value]` of stamps whose tasks must not start → when; bounded in number and time.
    public var revokedStamps: String { prefix + "celeriac:revoked:stamps" }
    /// Hash: hook → what it was told of dead letters, as JSON; expires.
    public var alerts: String { prefix + "celeriac:alerts" }
    /// String: the gateway whose turn it is to tell; expires.
    public var alertsTurn: String { prefix + "celeriac:alerts:turn" }
    /// List: changes that operators made, newest first, as JSON; bounded in number and time.
    public var audit: String { prefix + "celeriac:audit" }
    /// Hash: tenant → name of the plan that was set for it at run time; there for good, bounded by who was given one.
    public var tenants: String { prefix + "celeriac:tenants" }
    /// What the keys of one tenant begin with.
    public var tenantPrefix: String { tenants + ":" }
    /// Sorted set: tenant → unix seconds when a task of it was taken last; bounded in number, expires.
    public var tenantsSeen: String { prefix + "celeriac:tenants-seen" }
    /// Sorted set: tenant of which tasks wait for room in its plan → unix seconds when to look; expires.
    public var tenantsWaiting: String { prefix + "celeriac:tenants-waiting" }
    /// String: the number of the task that was parked last because of its tenant's plan; there for good.
    public var tenantSequence: String { prefix + "celeriac:tenants-sequence" }
    /// Sorted set: tag of a task of a tenant that may run → what the slot lives by; bounded by the plan, expires.
    public func tenantRunning(_ tenant: String) -> String { prefix + "celeriac:tenants:running:" + tenant }
    /// Sorted set: tag of a task of a tenant → unix seconds when it was let start; the last minute's, expires.
    public func tenantStarted(_ tenant: String) -> String { prefix + "celeriac:tenants:started:" + tenant }
    /// Sorted set: parked message of a tenant → its place among them; expires, and the messages stay parked.
    public func tenantQueue(_ tenant: String) -> String { prefix + "celeriac:tenants:queue:" + tenant }
    /// Sorted set: task that the gateway sent for a tenant → unix seconds when; the last minute's, expires.
    public func tenantSent(_ tenant: String) -> String { prefix + "celeriac:tenants:sent:" + tenant }
    /// Hash: paused queue → JSON list of the Celery workers that were told to take nothing from it; bounded by the queues.
    public var pausedConsumers: String { prefix + "celeriac:paused:consumers" }
    /// Set: entries of a schedule whose times are passed over until they are resumed; bounded by the entries, expires.
    public func beatPaused(schedule: String) -> String { beat(schedule: schedule) + ":paused" }
    /// String: a task of this id was sent by the gateway, which sends no second one until it expires.
    public func unique(taskID: String) -> String { prefix + "celeriac:unique:" + taskID }
}
