import CeleryMessage
public import RedisClient
public import Transport

/// Publishes messages as a client of Celery does.
///
/// The messages of one call appear together: nobody sees the half of a group. What begins with them, the counters of
/// chords, is written before; on a server of its own in a step before.
public struct RedisProducer: Sendable {
    private let broker: RedisClient
    private let results: RedisClient?
    private let keys: RedisKeys
    private let isOneDatabase: Bool

    /// Publishes over connections that somebody else keeps.
    ///
    /// - Parameters:
    ///   - broker: to the database of the queues.
    ///   - results: to that of the results, the same client where both are one; `nil` without a backend.
    public init(broker: RedisClient, results: RedisClient?, keys: RedisKeys) {
        self.broker = broker
        self.results = results
        self.keys = keys
        isOneDatabase = broker === results
    }

    /// Publishes messages, in order, and begins the chords whose headers are among them.
    ///
    /// - Throws: what the client throws; after a broken connection the messages may have been published.
    public func publish(_ messages: [Publication], starting chords: [StoredChord] = []) async throws(RedisError) {
        let starts = results == nil ? [] : chords.flatMap(commands)
        var commands: [RedisCommand] = []
        if isOneDatabase {
            commands += starts
        } else if let results, !starts.isEmpty {
            try await send(starts, to: results)
        }
        var bound: Set<String> = []
        for message in messages {
            if bound.insert(message.queue).inserted { commands += binding(message.queue) }
            let list = keys.list(queue: message.queue, step: keys.step(priority: message.priority))
            commands.append(RedisCommand("LPUSH", list, message.item))
        }
        guard !commands.isEmpty else { return }
        try await send(commands, to: broker)
    }

    /// The commands in one atomic step.
    private func send(_ commands: [RedisCommand], to client: RedisClient) async throws(RedisError) {
        let replies = try await client.send([RedisCommand("MULTI")] + commands + [RedisCommand("EXEC")])
        for reply in replies { _ = try reply.get() }
        // An error while the step ran stands among the results of EXEC.
        for reply in replies.last?.array ?? [] { _ = try reply.get() }
    }

    /// Binds a queue to the exchange of its name, as Kombu declares it.
    private func binding(_ queue: String) -> [RedisCommand] {
        let member = keys.bindingMember(routingKey: queue, queue: queue)
        return [
            RedisCommand("SADD", keys.binding(exchange: queue), member),
            RedisCommand("SADD", keys.permanentBinding(exchange: queue), member),
        ]
    }

    /// A chord's size and saved group, as `commit.lua` writes them.
    private func commands(_ chord: StoredChord) -> [RedisCommand] {
        let base = keys.group(groupID: chord.start.groupID)
        var commands = [
            RedisCommand("DEL", base + ".c"), set(base + ".s", String(chord.start.size), chord.timeToLive),
        ]
        if let saved = chord.start.savedGroup { commands.append(set(base, saved, chord.timeToLive)) }
        return commands
    }

    private func set(_ key: String, _ value: some RedisArgument, _ timeToLive: Int?) -> RedisCommand {
        guard let timeToLive else { return RedisCommand("SET", key, value) }
        return RedisCommand("SET", key, value, "EX", timeToLive)
    }
}
