package import CeleryMessage

/// What one hook has been told and has not: dead letters by kind, told at once when a kind is new and gathered afterwards.
///
/// A value: a letter goes in by ``note(_:at:)``, what is to be told comes out of ``due(at:_:)``, and ``tell(_:at:_:)``
/// follows when it was. What is not told yet stays, whatever happens to the hook.
package struct AlertGroups: Sendable, Hashable {
    /// A kind of letters.
    struct Group: Sendable, Hashable {
        var newest: AlertLetter
        /// How many nobody was told of.
        var waiting = 0
        var firstSeen: Instant
        /// When somebody was told last.
        var toldAt: Instant?
    }

    /// Kinds that are remembered; the letters of others are only counted until the next summary.
    static let mostGroups = 200
    /// Kinds that a summary names.
    static let mostLines = 10

    /// Where in the order of dead letters the last one stands that was noted.
    package private(set) var position: Int64
    private(set) var groups: [String: Group] = [:]
    /// Letters of kinds that were too many to be remembered.
    private(set) var others = 0
    /// When alerts were told within the last hour.
    private(set) var told: [Instant] = []
    /// Whether there were more alerts than an hour may have: then a summary follows.
    private(set) var isOver = false

    /// Nothing told, nothing waiting; what stands up to the position is nobody's business any more.
    package init(from position: Int64) { self.position = position }

    /// Takes note of a letter.
    package mutating func note(_ letter: AlertLetter, at position: Int64) {
        self.position = max(self.position, position)
        guard groups[letter.fingerprint] != nil || groups.count < Self.mostGroups else {
            others += 1
            isOver = true
            return
        }
        var group = groups[letter.fingerprint] ?? Group(newest: letter, firstSeen: letter.failedAt)
        if group.waiting == 0 { group.firstSeen = letter.failedAt }
        group.newest = letter
        group.newest.traceback = nil
        group.waiting += 1
        groups[letter.fingerprint] = group
    }

    /// Passes over what stands up to a position.
    package mutating func advance(to position: Int64) { self.position = max(self.position, position) }

    /// What is to be told now; `nil` where it is nothing, or too early.
    package mutating func due(at now: Instant, _ pacing: AlertPacing) -> Alert? {
        let waiting = groups.values.filter { $0.waiting > 0 }.sorted { Self.key($0) < Self.key($1) }
        guard !waiting.isEmpty || others > 0 else { return nil }
        told = told.filter { $0 <= now && now - $0 < .seconds(3600) }
        let ready = waiting.first { group in group.toldAt.map { now - $0 >= pacing.groupFor || $0 > now } ?? true }
        guard told.count < pacing.mostPerHour else {
            isOver = isOver || ready != nil
            return nil
        }
        guard !isOver else { return summary(waiting) }
        guard let ready else { return nil }
        var alert = Alert(ready.toldAt == nil ? .new : .more, ready.newest)
        alert.count = ready.waiting
        alert.firstSeen = ready.firstSeen
        return alert
    }

    /// Follows an alert that was told, or that nobody will ever take.
    package mutating func tell(_ alert: Alert, at now: Instant, _ pacing: AlertPacing) {
        told.append(now)
        if case .summary = alert.subject {
            for fingerprint in groups.keys where (groups[fingerprint]?.waiting ?? 0) > 0 {
                groups[fingerprint]?.waiting = 0
                groups[fingerprint]?.toldAt = now
            }
            others = 0
            isOver = false
        } else {
            groups[alert.letter.fingerprint]?.waiting = 0
            groups[alert.letter.fingerprint]?.toldAt = now
        }
        groups = groups.filter { $0.value.waiting > 0 || $0.value.toldAt.map { now - $0 < pacing.groupFor } ?? false }
    }

    private func summary(_ waiting: [Group]) -> Alert? {
        // Letters of kinds that are not remembered have none that could stand for them.
        guard let newest = (waiting.isEmpty ? Array(groups.values) : waiting).max(by: { Self.key($0) < Self.key($1) })
        else { return nil }
        var alert = Alert(.summary(kinds: waiting.count), newest.newest)
        alert.count = waiting.reduce(others) { $0 + $1.waiting }
        alert.firstSeen = waiting.map(\.firstSeen).min() ?? newest.firstSeen
        alert.lastSeen = waiting.map(\.newest.failedAt).max() ?? newest.newest.failedAt
        alert.lines = waiting.sorted { ($0.waiting, $1.newest.fingerprint) > ($1.waiting, $0.newest.fingerprint) }
            .prefix(Self.mostLines).map { Alert.Line(letter: $0.newest, count: $0.waiting) }
        return alert
    }

    /// The order in which kinds are told: as they came.
    private static func key(_ group: Group) -> (Instant, String) { (group.firstSeen, group.newest.fingerprint) }
}

extension AlertGroups {
    /// As it is remembered over restarts.
    package var json: JSONValue {
        [
            "position": .int(position), "others": .int(Int64(others)), "over": .bool(isOver),
            "told": .array(told.map { .int($0.microseconds) }),
            "groups": .array(
                groups.values.map { group in
                    [
                        "newest": group.newest.json, "waiting": .int(Int64(group.waiting)),
                        "first": .int(group.firstSeen.microseconds),
                        "told": group.toldAt.map { .int($0.microseconds) } ?? .null,
                    ]
                }
            ),
        ]
    }

    /// What was remembered; `nil` where it is something else.
    ///
    /// Single parts that cannot be read are left out.
    package init?(_ json: JSONValue) {
        guard let position = json["position"]?.int else { return nil }
        self.init(from: position)
        others = json["others"]?.int.flatMap { Int(exactly: $0) }.map { max(0, $0) } ?? 0
        isOver = json["over"]?.bool ?? false
        told = (json["told"]?.array ?? []).prefix(100_000).compactMap { $0.int.map(Instant.init(microseconds:)) }
        for stored in (json["groups"]?.array ?? []).prefix(Self.mostGroups) {
            guard let newest = stored["newest"].flatMap(AlertLetter.init), let first = stored["first"]?.int else {
                continue
            }
            var group = Group(newest: newest, firstSeen: Instant(microseconds: first))
            group.waiting = stored["waiting"]?.int.flatMap { Int(exactly: $0) }.map { max(0, $0) } ?? 0
            group.toldAt = stored["told"]?.int.map(Instant.init(microseconds:))
            groups[newest.fingerprint] = group
        }
    }
}
