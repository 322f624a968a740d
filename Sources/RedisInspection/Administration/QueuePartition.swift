import CeleryMessage
import Inspection
import RedisClient
import RedisTransport

/// How many messages are held and parked, by queue.
struct QueuePartition: Sendable {
    /// `nil` where there are too many to look at.
    var held: [String: Int]?
    /// `nil` where there are too many to look at.
    var parked: [String: Int]?

    /// The most messages looked at of each kind.
    private static let most = 50_000
    /// How many one script looks at: less than a millisecond.
    private static let part = 500

    static func take(_ inspector: RedisInspector) async throws -> QueuePartition {
        let keys = inspector.configuration.transport.keys
        let held = try await count("held", keys.unacked, inspector)
        let parked = try await count("parked", keys.parkedMessages, inspector)
        return QueuePartition(
            held: held.map { sum($0) { (try? JSONReader.value($0))?.string } },
            parked: parked.map { sum($0) { keys.queue(ofList: $0) } }
        )
    }

    private static func sum(_ counts: [String: Int], _ name: (String) -> String?) -> [String: Int] {
        // Kombu may have put anything there: what names no queue belongs to none.
        Dictionary(counts.map { (name($0.key) ?? "", $0.value) }, uniquingKeysWith: +)
    }

    private static func count(
        _ kind: String,
        _ key: String,
        _ inspector: RedisInspector
    ) async throws -> [String: Int]? {
        var cursor = "0"
        var counts: [String: Int] = [:]
        var seen = 0
        repeat {
            let arguments = RedisArguments(kind, cursor, part)
            let reply = try await inspector.translating { () async throws(RedisError) in
                try await inspector.broker.run(
                    Scripts.countMessages,
                    keys: [key],
                    arguments: arguments,
                    timeout: inspector.configuration.timeout
                ).get()
            }
            guard let parts = reply.array, let next = parts.first?.text else {
                throw InspectionError.unexpected(Scripts.countMessages)
            }
            for place in stride(from: 1, to: parts.count - 1, by: 2) {
                guard let name = parts[place].text, let count = parts[place + 1].int else { continue }
                counts[name, default: 0] += count
                seen += count
            }
            cursor = next
        } while cursor != "0" && seen < most
        return cursor == "0" ? counts : nil
    }
}

extension RedisKeys {
    /// The queue that a list belongs to.
    func queue(ofList list: String) -> String {
        let name = list.hasPrefix(prefix) ? String(list.dropFirst(prefix.count)) : list
        return name.firstRange(of: separator).map { String(name[..<$0.lowerBound]) } ?? name
    }
}
