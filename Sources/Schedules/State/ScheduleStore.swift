public import CeleryMessage

/// What the beats of one schedule share: the state of its entries, a clock, and the one step that sends a slot.
///
/// Everything that must be exactly once is decided inside ``emit(_:)``. The rest saves work or shows what goes on.
public protocol ScheduleStore: Sendable {
    /// Signs that this beat is alive, takes or keeps the lease where it is free, and reads the clock.
    func turn(_ request: TurnRequest) async throws -> Turn

    /// Makes entries known as this beat loaded them, and answers their states in the same order.
    ///
    /// What is new starts now, or where `remembered` says. What was loaded differently before is replaced.
    func register(_ entries: [EntryRegistration]) async throws -> [EntryState]

    /// Forgets every entry that is not one of these; answers how many that were.
    func forget(exceptFor names: Set<String>) async throws -> Int

    /// The states of these entries, `nil` for those that are not known.
    func states(of names: [String]) async throws -> [EntryState?]

    /// Sends slots: for each, in one step with its message, the mark moves from where it is expected to the slot.
    ///
    /// Where the mark is elsewhere nothing happens. One answer for each, in order.
    func emit(_ emissions: [SlotEmission]) async throws -> [EmissionOutcome]

    /// Signs this beat off and gives its lease back.
    func leave(_ beatID: String) async throws
}

/// A beat's sign of life.
public struct TurnRequest: Sendable, Hashable {
    /// The beat, new at each start.
    public var beatID: String
    /// How long the lease is to last.
    public var lease: Duration
    /// What went wrong since the last sign of life, to be added up.
    public var errors: Int

    /// A sign of life of this beat.
    public init(beatID: String, lease: Duration, errors: Int = 0) {
        self.beatID = beatID
        self.lease = lease
        self.errors = errors
    }
}

/// What a beat learns with its sign of life.
public struct Turn: Sendable, Hashable {
    /// The store's clock.
    public var now: Instant
    /// Whether this beat holds the lease.
    public var holdsLease: Bool
    /// The newest sign of life of any beat before this one.
    public var previousSign: Instant?
    /// Which life of the store's content this is; `nil` when nothing is registered.
    public var epoch: String?

    /// What a store answers.
    public init(now: Instant, holdsLease: Bool, previousSign: Instant?, epoch: String?) {
        self.now = now
        self.holdsLease = holdsLease
        self.previousSign = previousSign
        self.epoch = epoch
    }
}

/// An entry as a beat loaded it.
public struct EntryRegistration: Sendable, Hashable {
    /// The entry's name.
    public var name: String
    /// What it is now.
    public var fingerprint: EntryFingerprint
    /// What this beat remembers of it, for a store that lost everything.
    public var remembered: EntryState?

    /// Makes an entry known.
    public init(name: String, fingerprint: EntryFingerprint, remembered: EntryState? = nil) {
        self.name = name
        self.fingerprint = fingerprint
        self.remembered = remembered
    }
}

/// One slot that is to be sent, or passed over.
public struct SlotEmission: Sendable, Hashable {
    /// A message on its way into a queue.
    public struct Message: Sendable, Hashable {
        /// The queue's name.
        public var queue: String
        /// The priority that chooses its list.
        public var priority: Int
        /// The list item.
        public var item: [UInt8]

        /// A message for a queue.
        public init(queue: String, priority: Int, item: [UInt8]) {
            self.queue = queue
            self.priority = priority
            self.item = item
        }
    }

    /// The entry's name.
    public var entry: String
    /// The entry's content as this beat knows it.
    public var fingerprint: UInt64
    /// Where the mark has to be.
    public var expectedMark: Instant
    /// The slot, which becomes the mark.
    public var slot: Instant
    /// When it was to be sent: the slot, or later by its jitter.
    public var due: Instant
    /// How many slots between the two marks are passed over.
    public var missed: Int
    /// What is sent; `nil` only moves the mark.
    public var message: Message?
    /// The id of the task that is sent.
    public var taskID: String
    /// The name of the beat that sends it.
    public var sender: String
    /// Where the last run being unfinished passes the slot over: for how long after it was sent.
    public var skipsUnfinished: Duration?

    /// A slot to be dealt with.
    public init(
        entry: String,
        fingerprint: UInt64,
        expectedMark: Instant,
        slot: Instant,
        due: Instant,
        missed: Int,
        message: Message?,
        taskID: String,
        sender: String,
        skipsUnfinished: Duration? = nil
    ) {
        self.entry = entry
        self.fingerprint = fingerprint
        self.expectedMark = expectedMark
        self.slot = slot
        self.due = due
        self.missed = missed
        self.message = message
        self.taskID = taskID
        self.sender = sender
        self.skipsUnfinished = skipsUnfinished
    }
}

/// What became of a slot.
public enum EmissionOutcome: Sendable, Hashable {
    /// It was sent, or passed over as asked.
    case done
    /// It was passed over, as somebody paused the entry.
    case paused
    /// It was passed over, as the last run is unfinished.
    case unfinished
    /// The mark was elsewhere: somebody else dealt with it, or this beat's knowledge is old.
    case moved(EntryState)
    /// Another beat loaded the entry with another content.
    case replaced(EntryState)
    /// The entry is not known: another beat loaded a file without it, or everything was lost.
    case unknown
    /// The slot lies ahead of the store's clock.
    case early
    /// The queue took no message, in the server's words.
    case refused(String)
}
