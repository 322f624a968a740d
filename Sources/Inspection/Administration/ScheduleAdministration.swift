public import CeleryMessage

/// Shows what beat sends when, and changes it.
///
/// All calls throw ``InspectionError``.
public protocol ScheduleAdministration: Sendable {
    /// The entries and the beats that send them.
    func schedule() async throws -> ScheduleFacts

    /// Sends the task of an entry now; the entry's own times stay as they are.
    ///
    /// - Returns: the id of the task, or `nil` where there is no such entry.
    func runNow(_ entry: String) async throws -> String?

    /// Has every beat pass over an entry's times until it is resumed; `nil` where there is no such entry, false where it was
    /// paused already.
    func pause(_ entry: String) async throws -> Bool?

    /// Ends a pause; `nil` where there is no such entry, false where it was not paused.
    func resume(_ entry: String) async throws -> Bool?
}

/// What is known of a schedule.
public struct ScheduleFacts: Sendable, Hashable {
    /// A beat and its last sign of life.
    public struct Beat: Sendable, Hashable {
        /// The beat, new at each start.
        public var id: String
        /// Its last sign of life.
        public var lastSign: Instant
        /// Whether it is the one that sends at once.
        public var isLeading: Bool

        /// A beat.
        public init(id: String, lastSign: Instant, isLeading: Bool) {
            self.id = id
            self.lastSign = lastSign
            self.isLeading = isLeading
        }
    }

    /// The entries, by name.
    public var entries: [ScheduledEntry]
    /// The beats that gave a sign of life lately.
    public var beats: [Beat]

    /// A schedule.
    public init(entries: [ScheduledEntry] = [], beats: [Beat] = []) {
        self.entries = entries
        self.beats = beats
    }
}

/// An entry of a schedule, and how it went so far.
public struct ScheduledEntry: Sendable, Hashable {
    /// The entry's name.
    public var name: String
    /// The task that is sent.
    public var task: String
    /// The queue it goes to.
    public var queue: String?
    /// Its times, as people write them: `every 5 min`, `0 2 * * *`.
    public var times: String
    /// What it is for.
    public var purpose: String?
    /// Whether its file switches it on.
    public var isEnabled = true
    /// Whether somebody paused it.
    public var isPaused = false
    /// The last time for which it was sent.
    public var last: Instant?
    /// The next time for which it will be sent; `nil` where there is none.
    public var next: Instant?
    /// How often it was sent.
    public var sent = 0
    /// How often its time passed without being sent.
    public var missed = 0
    /// How often it was left out because the run before was unfinished.
    public var skipped = 0
    /// The id of the task that was sent last.
    public var lastTaskID: String?

    /// An entry that was never sent.
    public init(name: String, task: String, times: String) {
        self.name = name
        self.task = task
        self.times = times
    }
}
