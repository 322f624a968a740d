import CeleryMessage
import Transport

/// The tasks that must not start, by id and by stamp, bounded in number and time as Celery's are
/// (`celery/worker/state.py`).
struct RevokedTasks: Sendable {
    private var expiry: [String: Instant] = [:]
    private var order: [(id: String, expires: Instant)] = []
    private var first = 0
    private var stamps: [String: [JSONValue]] = [:]
    private let limit: Int
    private let timeToLive: Duration

    /// The most values remembered of a stamp, and the most stamps.
    private static let mostStamps = 1000

    /// How many entries are kept, those that a later insert of the same id replaced included.
    var entryCount: Int { order.count - first }

    init(limit: Int = 50_000, timeToLive: Duration = .seconds(10_800)) {
        self.limit = limit
        self.timeToLive = timeToLive
    }

    func contains(_ id: String, now: Instant) -> Bool {
        guard !expiry.isEmpty, let expires = expiry[id] else { return false }
        return expires > now
    }

    /// Whether a task carries a revoked stamp; most have none, and most workers know none.
    func contains(stampsOf headers: TaskHeaders) -> Bool {
        guard !stamps.isEmpty, !headers.stamps.isEmpty else { return false }
        return revokingStamp(of: headers) != nil
    }

    /// The stamp that revokes a task.
    func revokingStamp(of headers: TaskHeaders) -> RevokedStamp? {
        for (name, value) in headers.stamps {
            guard let revoked = stamps[name], let first = Self.matching(value, revoked).first else { continue }
            return RevokedStamp(header: name, value: first)
        }
        return nil
    }

    /// What the log says of a revoked task, in Celery's words.
    func logLine(discarding headers: TaskHeaders, now: Instant) -> String {
        let line = "Discarding revoked task: \(headers.label)"
        guard !contains(headers.id, now: now), let stamp = revokingStamp(of: headers) else { return line }
        return line + " (revoked by header: \(JSONValue.object([stamp.header: stamp.value]).pythonRepr))"
    }

    /// The values that a stamp, one value or a list, has among others.
    static func matching(_ stamp: JSONValue, _ values: [JSONValue]) -> [JSONValue] {
        (stamp.array ?? [stamp]).filter { values.contains($0) }
    }

    /// The ids, oldest first.
    func ids(now: Instant) -> [String] {
        order[first...].filter { expiry[$0.id] == $0.expires && $0.expires > now }.map(\.id)
    }

    mutating func insert(stamp header: String, value: JSONValue) {
        guard stamps[header] != nil || stamps.count < Self.mostStamps else { return }
        guard stamps[header]?.contains(value) != true else { return }
        stamps[header, default: []].append(value)
        if stamps[header, default: []].count > Self.mostStamps { stamps[header]?.removeFirst() }
    }

    mutating func insert(_ id: String, now: Instant) {
        let expires = now + timeToLive
        expiry[id] = expires
        order.append((id, expires))
        while first < order.count, expiry.count > limit || order[first].expires <= now {
            // A later insert of the same id has its own entry further on.
            if expiry[order[first].id] == order[first].expires { expiry[order[first].id] = nil }
            first += 1
        }
        if order.count - first > 2 * limit {
            // One id was inserted again and again; only its last entry counts.
            order = order[first...].filter { expiry[$0.id] == $0.expires }
            first = 0
        }
        if first > 1024, first * 2 > order.count {
            order.removeFirst(first)
            first = 0
        }
    }
}
