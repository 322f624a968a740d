import CeleryMessage
package import Inspection
import RedisClient
import RedisTransport

/// The dead letters over Redis.
///
/// Their facts are read once, without long texts, and questions are answered from memory; messages are read where one is shown
/// or exported.
package actor RedisDeadLetters: DeadLetters {
    private let inspector: RedisInspector
    private let readings: SharedReading
    /// Oldest first, with the moment they are sorted by.
    private var letters: [(score: Int64, letter: DeadLetter)] = []

    /// Letters that are read, sent or deleted at a time.
    private static let batch = 100
    /// By then every worker has heard that something is parked: only after that can they be released evenly.
    private static let headStart: Duration = .seconds(5)

    /// A reader on the connections of an inspector.
    ///
    /// - Parameter pause: the least time between two looks for what is new.
    package init(_ inspector: RedisInspector, pause: Duration = .milliseconds(250)) {
        self.inspector = inspector
        readings = SharedReading(pause: pause)
    }

    private var keys: RedisKeys { inspector.configuration.transport.keys }

    // MARK: Questions

    package func groups() async throws -> [DeadLetterGroup] {
        try await readOn()
        return DeadLetterGroup.groups(of: letters.map(\.letter))
    }

    package func letters(_ query: DeadLetterQuery) async throws -> DeadLetterPage {
        try await readOn()
        var page = DeadLetterPage(query, among: letters.map(\.letter))
        guard !page.letters.isEmpty else { return page }
        let facts = RedisCommand("HMGET", arguments: [keys.deadFacts] + page.letters.map(\.id))
        let reply = try await inspector.send([facts], to: inspector.broker)[0]
        page.letters = zip(page.letters, reply.array ?? []).map { known, reply in
            reply.bytes.flatMap { DeadLetter(id: known.id, facts: $0) } ?? known
        }
        return page
    }

    package func letter(id: String) async throws -> DeadLetter? { try await whole([id]).first }

    package func export(
        _ query: DeadLetterQuery,
        batch: @Sendable ([DeadLetter]) async throws -> Bool
    ) async throws {
        try await readOn()
        var left = letters.map(\.letter).filter(query.matches).map(\.id)[...]
        while !left.isEmpty {
            guard try await batch(try await whole(Array(left.prefix(Self.batch)))) else { return }
            left = left.dropFirst(Self.batch)
        }
    }

    // MARK: Actions

    package func redrive(_ letters: DeadLetterChoice, perSecond: Double?) async throws -> Int {
        guard let perSecond, perSecond > 0 else { return try await act("send", on: letters) }
        return try await act("park", on: letters, spacing: .seconds(min(1 / perSecond, 86_400)))
    }

    package func delete(_ letters: DeadLetterChoice) async throws -> Int { try await act("delete", on: letters) }

    private func act(_ mode: String, on choice: DeadLetterChoice, spacing: Duration = .zero) async throws -> Int {
        if case .matching = choice {
            // What failed a moment ago may match too.
            try await readings.readNow { try await self.read() }
        }
        let ids = choice.ids(among: letters.map(\.letter))
        var done = 0
        for start in stride(from: 0, to: ids.count, by: Self.batch) {
            var arguments = RedisArguments()
            arguments.append(mode)
            arguments.append(Self.microseconds(Self.headStart + spacing * done))
            arguments.append(Self.microseconds(spacing))
            for id in ids[start..<min(start + Self.batch, ids.count)] {
                arguments.append(id)
                arguments.append(String(Identifier.uuid().prefix(8)))
            }
            let call = arguments
            let names = [
                keys.dead, keys.deadFacts, keys.deadMessages, keys.deadTotals, keys.parked, keys.parkedMessages,
            ]
            let reply = try await inspector.translating { () async throws(RedisError) in
                try await inspector.broker.run(
                    Scripts.deadLetters,
                    keys: names,
                    arguments: call,
                    timeout: inspector.configuration.timeout
                ).get()
            }
            done += reply.int ?? 0
        }
        await readings.expire()
        return done
    }

    private static func microseconds(_ duration: Duration) -> Int { Int(duration / .microseconds(1)) }

    // MARK: Reading on

    private func readOn() async throws { try await readings.readOn { try await self.read() } }

    private func read() async throws {
        while true {
            let last = letters.last.map { String($0.score) } ?? "0"
            let command = RedisCommand(
                "ZRANGEBYSCORE",
                keys.dead,
                "(" + last,
                "+inf",
                "WITHSCORES",
                "LIMIT",
                "0",
                Self.batch
            )
            let members = try await inspector.send([command], to: inspector.broker)[0].array ?? []
            let found = stride(from: 0, to: members.count - 1, by: 2).compactMap { place in
                members[place].text.flatMap { id in members[place + 1].position.map { (id: id, score: $0) } }
            }
            guard !found.isEmpty else { break }
            let facts = RedisCommand("HMGET", arguments: [keys.deadFacts] + found.map(\.id))
            let replies = try await inspector.send([facts], to: inspector.broker)[0].array ?? []
            let again = Set(found.map(\.id))
            letters.removeAll { again.contains($0.letter.id) }
            for (member, reply) in zip(found, replies) {
                // One that went meanwhile, or that is none, still has its place, so that reading goes on behind it.
                var letter =
                    reply.bytes.flatMap { DeadLetter(id: member.id, facts: $0) } ?? DeadLetter(unreadable: member.id)
                letter.shorten()
                letters.append((member.score, letter))
            }
            if found.count < Self.batch { break }
        }
        try await forgetMissing()
    }

    /// Lets go of letters that are there no longer.
    private func forgetMissing() async throws {
        let count = RedisCommand("ZCARD", keys.dead)
        guard try await inspector.send([count], to: inspector.broker)[0].int != letters.count else { return }
        let all = RedisCommand("ZRANGE", keys.dead, "0", "-1")
        let there = Set(try await inspector.send([all], to: inspector.broker)[0].array?.compactMap(\.text) ?? [])
        letters.removeAll { !there.contains($0.letter.id) }
    }

    /// Letters with their items; those that are there no longer are left out.
    private func whole(_ ids: [String]) async throws -> [DeadLetter] {
        let commands = [
            RedisCommand("HMGET", arguments: [keys.deadFacts] + ids),
            RedisCommand("HMGET", arguments: [keys.deadMessages] + ids),
        ]
        let replies = try await inspector.send(commands, to: inspector.broker)
        let facts = replies[0].array ?? []
        let messages = replies[1].array ?? []
        return zip(ids, zip(facts, messages)).compactMap { id, stored in
            guard let facts = stored.0.bytes, let message = stored.1.bytes else { return nil }
            var letter = DeadLetter(id: id, facts: facts)
            guard let cut = message.firstIndex(of: UInt8(ascii: "\n")) else { return letter }
            letter?.list = String(decoding: message[..<cut], as: UTF8.self)
            letter?.item = Array(message[(cut + 1)...])
            return letter
        }
    }
}

extension DeadLetter {
    /// Reads what `dead.lua` wrote: how often, a line break, the line of the task.
    init?(id: String, facts: [UInt8]) {
        guard let cut = facts.firstIndex(of: UInt8(ascii: "\n")),
            let value = try? JSONReader.value(Array(facts[(cut + 1)...])),
            var task = FinishedTask(value, queue: value["q"]?.string ?? "")
        else { return nil }
        task.id = id
        self.init(task: task, reason: value["y"]?.string ?? "", item: [], list: "")
        failures = Int(String(decoding: facts[..<cut], as: UTF8.self)) ?? 1
    }

    /// What stands for a letter whose facts are none.
    init(unreadable id: String) {
        let task = FinishedTask(
            id: id,
            name: "",
            queue: "",
            state: .failure,
            worker: "",
            finishedAt: Instant(microseconds: 0)
        )
        self.init(task: task, reason: "its facts cannot be read", item: [], list: "")
    }

    /// Drops what only a page of its own needs; of the traceback what tells its kind stays.
    fileprivate mutating func shorten() {
        task.result = nil
        task.earlierAttempts = []
        guard let traceback = task.failure?.traceback else { return }
        let frames = traceback.split(whereSeparator: \.isNewline).filter { $0.contains("File \"") }
        task.failure?.traceback = frames.last.map(String.init)
    }
}

extension RedisReply {
    /// A letter's place among the others; `nil` where somebody else made one that no letter can have.
    var position: Int64? { double.flatMap { Int64(exactly: $0.rounded()) } }
}
