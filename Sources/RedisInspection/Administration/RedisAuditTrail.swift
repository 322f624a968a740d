import CeleryMessage
package import Inspection
import RedisClient
import RedisTransport

/// Remembers changes in a list on Redis, bounded in number and time.
package struct RedisAuditTrail: AuditTrail {
    /// How many changes are kept.
    static let most = 10_000
    /// For how long they are kept after the last one.
    static let lifetime = 365 * 86_400

    private let inspector: RedisInspector

    package init(inspector: RedisInspector) { self.inspector = inspector }

    private var key: String { inspector.configuration.transport.keys.audit }

    package func record(_ entry: AuditEntry) async throws {
        let arguments = RedisArguments(JSONWriter.bytes(.object(entry.stored)), Self.most, Self.lifetime)
        let key = key
        _ = try await inspector.translating { () async throws(RedisError) in
            try await inspector.broker.run(
                Scripts.audit,
                keys: [key],
                arguments: arguments,
                timeout: inspector.configuration.timeout
            ).get()
        }
    }

    package func entries(_ range: Range<Int>) async throws -> AuditPage {
        guard !range.isEmpty, range.lowerBound >= 0 else { return AuditPage(entries: [], total: 0) }
        let last = range.lowerBound + min(range.count, 1000) - 1
        let replies = try await inspector.send(
            [RedisCommand("LLEN", key), RedisCommand("LRANGE", key, range.lowerBound, last)],
            to: inspector.broker
        )
        // What somebody else put there is passed over.
        let entries = (replies[1].array ?? []).compactMap { item in
            item.bytes.flatMap { try? JSONReader.value($0) }.flatMap(AuditEntry.init(stored:))
        }
        return AuditPage(entries: entries, total: replies[0].int ?? 0)
    }
}

extension AuditEntry {
    /// As it lies in the list.
    var stored: JSONObject {
        [
            "at": .int(at.microseconds), "who": .string(who), "address": .string(address), "action": .string(action),
            "target": .string(target), "outcome": .string(outcome), "detail": .object(detail),
        ]
    }

    /// Reads what lies in the list.
    init?(stored: JSONValue) {
        guard let at = stored["at"]?.int, let who = stored["who"]?.string, let action = stored["action"]?.string,
            let target = stored["target"]?.string, let outcome = stored["outcome"]?.string
        else { return nil }
        self.init(
            at: Instant(microseconds: at),
            who: who,
            address: stored["address"]?.string ?? "",
            action: action,
            target: target,
            outcome: outcome,
            detail: stored["detail"]?.object ?? JSONObject()
        )
    }
}
