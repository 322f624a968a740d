import CeleryMessage
package import Inspection
import RedisClient
import RedisTransport

extension RedisInspector: DeploymentReading {
    package func counts() async throws -> DeploymentCounts {
        let keys = configuration.transport.keys
        let steps = keys.prioritySteps
        let alive = Instant.now().seconds - Double(configuration.transport.deadAfter)
        let lengths = configuration.queues.flatMap { queue in
            steps.map { RedisCommand("LLEN", keys.list(queue: queue, step: $0)) }
        }
        let others = [
            RedisCommand("HLEN", keys.unacked), RedisCommand("ZCARD", keys.parked),
            RedisCommand("ZCARD", keys.dead), RedisCommand("ZCOUNT", keys.workers, alive, "+inf"),
            RedisCommand("INFO", "memory"),
        ]
        let held = try await heldByQueue()
        let replies = try await send(others + lengths, to: broker)
        var counts = DeploymentCounts()
        // A key of another type holds none of what is counted.
        (counts.held, counts.parked) = (replies[0].int ?? 0, replies[1].int ?? 0)
        (counts.rejected, counts.workers) = (replies[2].int ?? 0, replies[3].int ?? 0)
        counts.memory = replies[4].text.flatMap(Self.usedMemory)
        for (place, name) in configuration.queues.enumerated() {
            let first = others.count + place * steps.count
            let waiting = replies[first..<(first + steps.count)].reduce(0) { $0 + ($1.int ?? 0) }
            counts.queues.append(.init(name: name, waiting: waiting, held: held.map { $0[name] ?? 0 }))
        }
        return counts
    }

    private static func usedMemory(_ info: String) -> Int? {
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("used_memory:") }
        return line.flatMap { Int($0.dropFirst("used_memory:".count)) }
    }
}
