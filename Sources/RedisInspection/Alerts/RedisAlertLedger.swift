import Alerts
package import CeleryMessage
package import Inspection
import RedisClient
import RedisTransport

/// What alerts are made of and what was told, on Redis.
package struct RedisAlertLedger: AlertLedger {
    /// For how long what was told is remembered after the last change: longer than letters are kept.
    static let lifetime = 90 * 86_400

    private let inspector: RedisInspector
    /// This gateway, while it runs.
    private let name = Identifier.uuid()

    /// A ledger on the connections of an inspector.
    package init(_ inspector: RedisInspector) { self.inspector = inspector }

    private var keys: RedisKeys { inspector.configuration.transport.keys }

    package func takeTurn() async throws -> Bool {
        try await run("take", Int(AlertWatch.turnLasts / .milliseconds(1)))
    }

    package func leaveTurn() async throws { _ = try await run("leave", 0) }

    package func keep(_ state: JSONValue, of hook: String) async throws -> Bool {
        try await run("keep", Self.lifetime, hook, JSONWriter.bytes(state))
    }

    package func state(of hook: String) async throws -> JSONValue? {
        let reply = try await ask(RedisCommand("HGET", keys.alerts, hook))
        // What somebody else put there counts as nothing.
        return reply.bytes.flatMap { try? JSONReader.value($0) }
    }

    package func newest() async throws -> Int64 {
        let command = RedisCommand("ZRANGE", keys.dead, "-1", "-1", "WITHSCORES")
        return try await ask(command).array?.last?.position ?? 0
    }

    package func letters(
        after position: Int64,
        limit: Int
    ) async throws -> [(position: Int64, letter: DeadLetter)] {
        let command = RedisCommand(
            "ZRANGEBYSCORE",
            keys.dead,
            "(\(position)",
            "+inf",
            "WITHSCORES",
            "LIMIT",
            "0",
            String(limit)
        )
        let members = try await ask(command).array ?? []
        let found = stride(from: 0, to: members.count - 1, by: 2).compactMap { place in
            members[place].text.flatMap { id in members[place + 1].position.map { (id: id, position: $0) } }
        }
        guard !found.isEmpty else { return [] }
        let facts = RedisCommand("HMGET", arguments: [keys.deadFacts] + found.map(\.id))
        let replies = try await ask(facts).array ?? []
        // One that went meanwhile still has its place, so that reading goes on behind it.
        return zip(found, replies).map { member, reply in
            let letter = reply.bytes.flatMap { DeadLetter(id: member.id, facts: $0) }
            return (member.position, letter ?? DeadLetter(unreadable: member.id))
        }
    }

    /// A server that refuses must not look like one that knows nothing: what was told would be told again, or never.
    private func ask(_ command: RedisCommand) async throws -> RedisReply {
        let reply = try await inspector.send([command], to: inspector.broker)[0]
        return try await inspector.translating { () async throws(RedisError) in try reply.get() }
    }

    private func run(_ mode: String, _ lifetime: Int, _ hook: String = "", _ state: [UInt8] = []) async throws -> Bool {
        let arguments = RedisArguments(mode, name, lifetime, hook, state)
        let names = [keys.alertsTurn, keys.alerts]
        let reply = try await inspector.translating { () async throws(RedisError) in
            try await inspector.broker.run(
                Scripts.alerts,
                keys: names,
                arguments: arguments,
                timeout: inspector.configuration.timeout
            ).get()
        }
        return reply.int == 1
    }
}
