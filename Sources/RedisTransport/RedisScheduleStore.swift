public import CeleryMessage
public import RedisClient
public import Schedules
import Synchronization
import Transport

/// The state of a schedule in Redis, by Redis' clock; each call is one script.
///
/// All throw ``TransportError``.
public final class RedisScheduleStore: ScheduleStore {
    /// Seconds for which the state of a schedule is kept after its last beat's last sign of life.
    public static let timeToLive = 90 * 86_400
    /// Seconds of silence after which a beat is no longer listed.
    static let silence = 3600
    /// How long the server of the results is waited for while slots are due.
    static let resultTimeout = Duration.milliseconds(500)
    /// How far ahead of the server's clock a slot may lie: a beat's clock is read from there and runs behind.
    static let ahead = Duration.seconds(1)

    private let client: RedisClient
    private let resultClient: RedisClient?
    private let configuration: RedisTransportConfiguration
    private let schedule: String
    private let bound = Mutex<Set<String>>([])

    /// The state of the schedule of that name.
    ///
    /// - Parameters:
    ///   - client: a connection to the broker.
    ///   - resultClient: a connection to the results, where they are on another server.
    public init(
        client: RedisClient,
        resultClient: RedisClient? = nil,
        configuration: RedisTransportConfiguration,
        schedule: String
    ) {
        self.client = client
        self.resultClient = resultClient
        self.configuration = configuration
        self.schedule = schedule
    }

    private var keys: RedisKeys { configuration.keys }
    private var entriesKey: String { keys.beat(schedule: schedule) }

    /// Whether the results of this configuration need a connection of their own.
    public static func needsResultClient(_ configuration: RedisTransportConfiguration) -> Bool {
        configuration.results.map { !$0.isSameServer(as: configuration.broker) } ?? false
    }

    // MARK: Turns

    /// Signs in, and reads Redis' clock.
    public func turn(_ request: TurnRequest) async throws -> Turn {
        var arguments = RedisArguments()
        arguments.append(request.beatID)
        arguments.append(Int(request.lease.wholeMicroseconds / 1000))
        arguments.append(request.errors)
        arguments.append(Self.timeToLive)
        arguments.append(Self.silence)
        let reply = try await run(
            Scripts.beatTurn,
            keys: [
                entriesKey, keys.beatLease(schedule: schedule), keys.beats(schedule: schedule),
                keys.beatCounts(schedule: schedule), keys.beatPaused(schedule: schedule),
            ],
            arguments: arguments,
            // A sign of life that is late is none.
            timeout: .seconds(5)
        )
        guard let parts = reply.array, parts.count == 4, let now = parts[0].int, let epoch = parts[3].text else {
            throw Self.unexpected("turn")
        }
        return Turn(
            now: Instant(microseconds: Int64(now)),
            holdsLease: parts[1].int == 1,
            previousSign: parts[2].double.map(Instant.init(seconds:)),
            epoch: epoch.isEmpty ? nil : epoch
        )
    }

    /// Signs off; waits for the server no longer than a moment.
    public func leave(_ beatID: String) async throws {
        _ = try await run(
            Scripts.beatLeave,
            keys: [keys.beatLease(schedule: schedule), keys.beats(schedule: schedule)],
            arguments: RedisArguments(beatID),
            timeout: .milliseconds(500)
        )
    }

    // MARK: Entries

    /// Makes entries known.
    public func register(_ entries: [EntryRegistration]) async throws -> [EntryState] {
        var arguments = RedisArguments()
        arguments.reserveCapacity(entries.count * 128)
        arguments.append(Identifier.uuid())
        arguments.append(Int(EntryState.disbelieved.wholeMicroseconds))
        for entry in entries {
            arguments.append(entry.name)
            arguments.append(entry.fingerprint.text + (entry.remembered.map { " " + $0.text } ?? ""))
        }
        let reply = try await run(Scripts.beatRegister, keys: [entriesKey], arguments: arguments)
        guard let parts = reply.array, parts.count == entries.count + 1, let now = parts[0].int else {
            throw Self.unexpected("registration")
        }
        let seen = Instant(microseconds: Int64(now))
        return try zip(entries, parts.dropFirst()).map { entry, part in
            guard let bytes = part.bytes else { throw Self.unexpected("registration") }
            if bytes.isEmpty { return EntryState(fingerprint: entry.fingerprint, seen: seen) }
            guard let state = EntryState(bytes: bytes) else { throw Self.unexpected("registration") }
            return state
        }
    }

    /// Forgets all others, a thousand at a time.
    public func forget(exceptFor names: Set<String>) async throws -> Int {
        let known = try await send(RedisCommand("HLEN", entriesKey)).int ?? 0
        // The epoch is a field too; with nothing beside it and the names there is nothing to look for.
        guard known > names.count + 1 else { return 0 }
        var forgotten: [String] = []
        try await scan { name, _ in if !name.isEmpty, !names.contains(name) { forgotten.append(name) } }
        for first in stride(from: 0, to: forgotten.count, by: 1000) {
            var command = RedisCommand("HDEL", entriesKey)
            for name in forgotten[first..<min(first + 1000, forgotten.count)] { command.append(name) }
            _ = try await send(command)
        }
        return forgotten.count
    }

    /// The states of these entries.
    public func states(of names: [String]) async throws -> [EntryState?] {
        guard !names.isEmpty else { return [] }
        let reply = try await send(RedisCommand("HMGET", arguments: [entriesKey] + names))
        guard let values = reply.array, values.count == names.count else { throw Self.unexpected("states") }
        return values.map { $0.bytes.flatMap(EntryState.init(bytes:)) }
    }

    private func scan(_ visit: (String, String) -> Void) async throws {
        var cursor = "0"
        repeat {
            let reply = try await send(RedisCommand("HSCAN", entriesKey, cursor, "COUNT", 1000))
            guard let parts = reply.array, parts.count == 2, let next = parts[0].text, let fields = parts[1].array
            else {
                throw Self.unexpected("HSCAN")
            }
            for place in stride(from: 0, to: fields.count - 1, by: 2) {
                if let name = fields[place].text, let value = fields[place + 1].text { visit(name, value) }
            }
            cursor = next
        } while cursor != "0"
    }

    // MARK: Sending

    /// Sends slots in one script.
    public func emit(_ emissions: [SlotEmission]) async throws -> [EmissionOutcome] {
        guard let first = emissions.first else { return [] }
        let finished = try await finishedElsewhere(emissions)
        var arguments = RedisArguments()
        arguments.reserveCapacity(emissions.count * 1500)
        arguments.append(first.sender)
        arguments.append(Int(Self.ahead.wholeMicroseconds))
        arguments.append(otherResultDatabase.map(String.init) ?? "")
        arguments.append(configuration.broker.database)
        let fresh = unboundQueues(emissions)
        arguments.append(fresh.count)
        for queue in fresh {
            arguments.append(keys.binding(exchange: queue))
            arguments.append(keys.permanentBinding(exchange: queue))
            arguments.append(keys.bindingMember(routingKey: queue, queue: queue))
        }
        for emission in emissions { append(emission, to: &arguments, isFinished: finished.contains(emission.entry)) }
        let reply = try await run(
            Scripts.beatEmit,
            keys: [entriesKey, keys.beatCounts(schedule: schedule), keys.beatPaused(schedule: schedule)],
            arguments: arguments
        )
        guard let answers = reply.array, answers.count == emissions.count else { throw Self.unexpected("emission") }
        bound.withLock { $0.formUnion(fresh) }
        return try answers.map(Self.outcome)
    }

    private func append(_ emission: SlotEmission, to arguments: inout RedisArguments, isFinished: Bool) {
        arguments.append(emission.entry)
        arguments.append(EntryState.hexadecimal(emission.fingerprint))
        arguments.append(Int(emission.expectedMark.microseconds))
        arguments.append(Int(emission.slot.microseconds))
        arguments.append(Int(emission.due.microseconds))
        arguments.append(emission.missed)
        arguments.append(emission.taskID)
        if let message = emission.message {
            arguments.append(keys.list(queue: message.queue, step: keys.step(priority: message.priority)))
            arguments.append(message.item)
        } else {
            arguments.append("")
            arguments.append("")
        }
        arguments.append(keys.result(taskID: ""))
        if let bound = emission.skipsUnfinished, !isFinished, configuration.results != nil {
            arguments.append(Int(bound.wholeMicroseconds))
        } else {
            arguments.append("")
        }
    }

    /// The queues that no script of this process has bound yet.
    private func unboundQueues(_ emissions: [SlotEmission]) -> [String] {
        let queues = Set(emissions.compactMap { $0.message?.queue })
        return bound.withLock { queues.subtracting($0).sorted() }
    }

    private static func outcome(_ reply: RedisReply) throws -> EmissionOutcome {
        if let parts = reply.array, parts.count == 2, let kind = parts[0].text, let text = parts[1].text {
            if kind == "X" { return .refused(text) }
            if let state = EntryState(text: text) { return kind == "M" ? .moved(state) : .replaced(state) }
        }
        switch reply.text {
        case "D": return .done
        case "P": return .paused
        case "U": return .unfinished
        case "N": return .unknown
        case "E": return .early
        default: throw unexpected("emission")
        }
    }

    // MARK: Results

    /// The database of the results, when it is another one of the same server.
    private var otherResultDatabase: Int? {
        guard resultClient == nil, let results = configuration.results else { return nil }
        return results.database == configuration.broker.database ? nil : results.database
    }

    /// The entries whose last run has ended, where a script on the broker's server cannot see it.
    ///
    /// None of them where the server of the results does not answer: what is not known to have ended has not, and entries
    /// that do not ask must not wait for it. Should somebody send a slot in between, the mark has moved, and nothing is sent.
    private func finishedElsewhere(_ emissions: [SlotEmission]) async throws -> Set<String> {
        guard let resultClient else { return [] }
        let names = Set(emissions.filter { $0.skipsUnfinished != nil }.map(\.entry)).sorted()
        guard !names.isEmpty else { return [] }
        let runs = zip(names, try await states(of: names)).compactMap { name, state in
            state?.taskID.map { (entry: name, id: $0) }
        }
        guard !runs.isEmpty else { return [] }
        let looks = runs.map { RedisCommand("GET", keys.result(taskID: $0.id)) }
        guard let replies = try? await resultClient.send(looks, timeout: Self.resultTimeout) else { return [] }
        return Set(
            zip(runs, replies).filter { $1.bytes.map(RecordedStatus.isFinal) ?? false }.map { run, _ in run.entry }
        )
    }

    // MARK: Looking

    /// Everything that is known of a schedule, for people.
    public func overview() async throws -> ScheduleOverview {
        var overview = ScheduleOverview()
        try await scan { name, text in
            if !name.isEmpty, let state = EntryState(text: text) { overview.states[name] = state }
        }
        overview.lease = try await send(RedisCommand("GET", keys.beatLease(schedule: schedule))).text
        let beats =
            try await send(
                RedisCommand("ZRANGE", keys.beats(schedule: schedule), "0", "-1", "WITHSCORES")
            ).array ?? []
        for place in stride(from: 0, to: beats.count - 1, by: 2) {
            guard let name = beats[place].text, let sign = beats[place + 1].double else { continue }
            overview.beats.append((name, Instant(seconds: sign)))
        }
        let counts = try await send(RedisCommand("HGETALL", keys.beatCounts(schedule: schedule))).array ?? []
        for place in stride(from: 0, to: counts.count - 1, by: 2) {
            if let name = counts[place].text, let count = counts[place + 1].int { overview.counts[name] = count }
        }
        let time = try await send(RedisCommand("TIME")).array ?? []
        if time.count == 2, let seconds = time[0].int, let micros = time[1].int {
            overview.now = Instant(microseconds: Int64(seconds) * 1_000_000 + Int64(micros))
        }
        return overview
    }

    // MARK: Talking

    private func run(
        _ script: RedisScript,
        keys: [String],
        arguments: RedisArguments,
        timeout: Duration? = nil
    ) async throws -> RedisReply {
        try await translating { () async throws(RedisError) in
            try await self.client.run(script, keys: keys, arguments: arguments, timeout: timeout).get()
        }
    }

    private func send(_ command: RedisCommand) async throws -> RedisReply {
        try await translating { () async throws(RedisError) in try await self.client.send(command).get() }
    }

    private func translating<Value>(_ body: () async throws(RedisError) -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            throw TransportError(error)
        }
    }

    private static func unexpected(_ what: String) -> TransportError {
        TransportError(.protocolViolation, "the \(what) script of a beat answered something unexpected")
    }
}

/// Everything that is known of a schedule.
public struct ScheduleOverview: Sendable {
    /// The server's clock.
    public var now = Instant(microseconds: 0)
    /// The states by entry.
    public var states: [String: EntryState] = [:]
    /// The beat that holds the lease.
    public var lease: String?
    /// The beats, each with its last sign of life.
    public var beats: [(id: String, lastSign: Instant)] = []
    /// What was sent, missed, skipped, failed at, and how much later than due the last slot was sent, in microseconds.
    public var counts: [String: Int] = [:]

    /// Nothing is known.
    public init() {}
}
