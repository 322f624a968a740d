/// How a beat shares its work with others.
public struct BeatConfiguration: Sendable {
    /// The schedule's name: beats of one name share their entries' state.
    public var schedule: String
    /// The beat, new at each start.
    public var beatID: String
    /// The beat's name as `status` shows it: `beat@host`.
    public var name: String
    /// How long the lease lasts that makes one beat send at once while the others watch.
    public var lease = Duration.seconds(10)
    /// How often a beat gives a sign of life.
    public var turnInterval = Duration.seconds(2)
    /// How long a slot may be overdue before a beat without the lease sends it.
    public var grace = Duration.milliseconds(300)
    /// For how long a beat that ended without a word still counts as having been there.
    public var continuity = Duration.seconds(15)
    /// How late a slot may be sent, where beats were there all the time, before it counts as missed.
    public var lateLimit = Duration.seconds(60)
    /// How many slots are sent in one step.
    public var batch = 250
    /// How many slots of one entry are sent in one go.
    public var slotsAtOnce = 100
    /// How long a slot waits whose queue takes no message.
    public var refusedDelay = Duration.seconds(5)

    /// The defaults, for a beat of this schedule.
    public init(schedule: String, beatID: String, name: String) {
        self.schedule = schedule
        self.beatID = beatID
        self.name = name
    }
}
