public import CeleryMessage

/// A message whose task has failed for good, kept exactly as it was.
public struct DeadLetter: Sendable, Hashable {
    /// What is known of the task; where its message could not be read, that is little.
    ///
    /// Its id is the letter's id too: one letter for a task, the newest. A message without an id gets one of its own.
    public var task: FinishedTask
    /// Why it is kept, in a sentence for the operator.
    public var reason: String
    /// How often a task of this id has come here since it was last sent back.
    public var failures = 1
    /// The list item exactly as it was pushed.
    public var item: [UInt8]
    /// The key of the list it came from and goes back to.
    public var list: String

    /// A letter.
    public init(task: FinishedTask, reason: String, item: [UInt8], list: String) {
        self.task = task
        self.reason = reason
        self.item = item
        self.list = list
    }

    /// Its id: that of the task.
    public var id: String { task.id }

    /// Names its kind: letters of one fingerprint failed in the same way.
    public var fingerprint: String { DeadLetterKind(of: self).fingerprint }
}

/// Dead letters of one kind.
public struct DeadLetterGroup: Sendable, Hashable {
    /// Task, exception and place.
    public var kind: DeadLetterKind
    /// How many are kept.
    public var count: Int
    /// When the oldest one that is kept failed.
    public var firstSeen: Instant
    /// When the newest one failed.
    public var lastSeen: Instant

    /// A group.
    public init(kind: DeadLetterKind, count: Int, firstSeen: Instant, lastSeen: Instant) {
        self.kind = kind
        self.count = count
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
    }

    /// Names the kind.
    public var fingerprint: String { kind.fingerprint }

    /// Letters by kind, the group that was seen last in front.
    public static func groups(of letters: some Sequence<DeadLetter>) -> [DeadLetterGroup] {
        var groups: [DeadLetterKind: DeadLetterGroup] = [:]
        for letter in letters {
            let kind = DeadLetterKind(of: letter)
            let moment = letter.task.finishedAt
            var group =
                groups[kind] ?? DeadLetterGroup(kind: kind, count: 0, firstSeen: moment, lastSeen: moment)
            group.count += 1
            group.firstSeen = min(group.firstSeen, moment)
            group.lastSeen = max(group.lastSeen, moment)
            groups[kind] = group
        }
        return groups.values.sorted { ($0.lastSeen, $0.fingerprint) > ($1.lastSeen, $1.fingerprint) }
    }
}
