public import CeleryMessage

/// A message on its way to a queue.
public struct Publication: Sendable, Hashable {
    /// The queue's name.
    public var queue: String
    /// The message's priority as its sender gave it; the broker chooses the list.
    public var priority: Int
    /// The list item.
    public var item: [UInt8]

    /// Addresses an item to a queue.
    public init(queue: String, priority: Int, item: [UInt8]) {
        self.queue = queue
        self.priority = priority
        self.item = item
    }
}

/// A result record on its way to the backend.
public struct StoredResult: Sendable, Hashable {
    /// The task's id.
    public var taskID: String
    /// The encoded record.
    public var record: [UInt8]
    /// Seconds until the backend may forget it; `nil` keeps it for good.
    public var timeToLive: Int?

    /// Describes a record to store; a stored SUCCESS is never overwritten, and waiting clients are told.
    public init(taskID: String, record: [UInt8], timeToLive: Int?) {
        self.taskID = taskID
        self.record = record
        self.timeToLive = timeToLive
    }
}

/// A chord's counters on their way to the backend.
public struct StoredChord: Sendable, Hashable {
    /// The chord's group, size and saved group.
    public var start: ChordStart
    /// Seconds until the backend may forget it; `nil` keeps it for good.
    public var timeToLive: Int?

    /// Describes the counters to write.
    public init(_ start: ChordStart, timeToLive: Int?) {
        self.start = start
        self.timeToLive = timeToLive
    }
}

/// The result of one task of a chord's header.
public struct ChordPart: Sendable, Hashable {
    /// The id of the header's group.
    public var groupID: String
    /// The task's id.
    public var taskID: String
    /// The task's place in the header; those without one come last.
    public var groupIndex: Int?
    /// `[1, "<task id>", "<state>", <result>]`, encoded as results are.
    public var value: [UInt8]
    /// What is needed to finish the chord, should this part complete it: whoever finds it can do so.
    public var completion: [UInt8]
    /// Seconds until the backend may forget the counters; `nil` keeps them for good.
    public var timeToLive: Int?
    /// Seconds until it may forget the saved group; `nil` keeps it for good.
    public var groupTimeToLive: Int?
    /// Whether its message had been delivered before: such a part may come after its chord has ended, and begins no new
    /// one, as the parts of a chord that is sent once more do.
    public var isRedelivered: Bool
    /// Names this attempt to complete the chord: 32 hexadecimal digits, as Celery's workers write them.
    public var token: String

    /// Describes a part; a repeated one counts once, the first value stays.
    public init(
        groupID: String,
        taskID: String,
        groupIndex: Int?,
        value: [UInt8],
        completion: [UInt8],
        timeToLive: Int?,
        groupTimeToLive: Int?,
        isRedelivered: Bool = false,
        token: String = String(Identifier.uuid().filter { $0 != "-" })
    ) {
        self.groupID = groupID
        self.taskID = taskID
        self.groupIndex = groupIndex
        self.value = value
        self.completion = completion
        self.timeToLive = timeToLive
        self.groupTimeToLive = groupTimeToLive
        self.isRedelivered = isRedelivered
        self.token = token
    }
}

/// The right and duty to finish a chord whose header has ended.
///
/// It stands in the backend from the instant in which the last part came until the chord is finished, so a worker that
/// dies in between leaves it to others.
public struct ChordClaim: Sendable, Hashable {
    /// The id of the header's group.
    public var groupID: String
    /// Names the claim.
    public var token: String
    /// What the part that completed the chord said is needed.
    public var completion: [UInt8]

    /// Describes a claim.
    public init(groupID: String, token: String, completion: [UInt8]) {
        self.groupID = groupID
        self.token = token
        self.completion = completion
    }
}

/// What a chord's header has brought together.
public enum ChordParts: Sendable, Hashable {
    /// The values of the parts in order, as ``ChordPart/value`` has them.
    case values([[UInt8]])
    /// The saved group, whose nesting the body is to see, and the values of the parts in order.
    case saved(group: [UInt8], values: [[UInt8]])
    /// More than a message may carry.
    case tooMuch
}

/// How a chord ended.
public enum ChordEnd: Sendable, Hashable {
    /// Its body was sent: the counters go, late duplicates find it done.
    case sent
    /// A part failed, so the body did: the parts stay until they expire, the size goes, as Celery leaves it.
    case failed
}

/// One thing that follows from a task's end or from a step on its way.
public enum Effect: Sendable, Hashable {
    /// Store a result or state and tell waiting clients.
    case store(StoredResult)
    /// Put a message at the end of a queue.
    case publish(Publication)
    /// Put a message at the head of a queue, to be the next one taken.
    case putBack(Publication)
    /// Keep a message until a moment, then put it at the head of its queue.
    case park(Publication, taskID: String, until: Instant)
    /// Keep the message of a task that has failed for good.
    indirect case keepDead(DeadMessage)
    /// Forget how often a message was taken back from dead workers.
    case forgetDeliveries(taskID: String)
    /// Write the size of a chord's header.
    indirect case startChord(StoredChord)
    /// Make room for one more part in a chord's header.
    case extendChord(groupID: String)
    /// Count a part of a chord's header; the one that completes it leads to ``CommitStatus/completed(_:)``.
    indirect case returnChordPart(ChordPart)
    /// End a claimed chord; the first effect of its commit, of which nothing happens when somebody else has ended it.
    indirect case finishChord(ChordClaim, ChordEnd)
}

/// Effects that happen all together or, when the message is no longer held, not at all.
public struct Commit: Sendable, Hashable {
    /// The message they follow from; `nil` when it was acknowledged before.
    public var tag: DeliveryTag?
    /// Whether the message is done with: it leaves `unacked` in the same step.
    public var acknowledges: Bool
    /// What happens, in order.
    public var effects: [Effect]
    /// What it leaves in the history.
    public var history: HistoryNote?

    /// Groups effects into one step.
    public init(tag: DeliveryTag?, acknowledges: Bool, effects: [Effect], history: HistoryNote? = nil) {
        self.tag = tag
        self.acknowledges = acknowledges
        self.effects = effects
        self.history = history
    }
}

/// What became of a commit.
public enum CommitStatus: Sendable, Hashable {
    /// Everything happened.
    case done
    /// The message is no longer held by this worker, or the chord is finished: nothing happened.
    case lost
    /// Everything happened, and these chords are complete: whoever committed is to finish them.
    case completed([ChordClaim])
}
