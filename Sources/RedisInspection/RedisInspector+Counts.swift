import CeleryMessage
package import Inspection
import RedisClient
import RedisTransport

extension RedisInspector: DeploymentReading {
    package func counts() async throws -> DeploymentCounts {
        let keys = configuration.transport.keys
        let alive = Instant.now().seconds - Double(configuration.transport.deadAfter)
        let commands = [
            RedisCommand("HLEN", keys.unacked), RedisCommand("ZCARD", keys.parked),
            RedisCommand("ZCARD", keys.dead), RedisCommand("ZCOUNT", keys.workers, alive, "+inf"),
            RedisCommand("INFO", "memory"),
        ]
        let replies = try await send(commands, to: broker)
        var counts = DeploymentCounts()
        // A key of another type holds none of what is counted.
        (counts.held, counts.parked) = (replies[0].int ?? 0, replies[1].int ?? 0)
        (counts.dead, counts.workers) = (replies[2].int ?? 0, replies[3].int ?? 0)
        counts.memory = replies[4].text.flatMap(Self.usedMemory)
        return counts
    }

    private static func usedMemory(_ info: String) -> Int? {
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("used_memory:") }
        return line.flatMap { Int($0.dropFirst("used_memory:".count)) }
    }
}
