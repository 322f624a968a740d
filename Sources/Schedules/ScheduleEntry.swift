public import CeleryMessage

/// One line of a schedule: which task is sent, when, and with what.
public struct ScheduleEntry: Sendable {
    /// The name under which the entry is known; unique within its schedule.
    public var name: String
    /// The task's name on the wire.
    public var task: String
    /// When it is due.
    public var schedule: Schedule
    /// What its times are subject to.
    public var rules: EntryRules
    /// Whether it is sent at all; its run state is kept either way.
    public var isEnabled: Bool
    /// The positional arguments: JSON text of a list.
    public var args: [UInt8]
    /// The keyword arguments: JSON text of an object.
    public var kwargs: [UInt8]
    /// How the message is sent; shared, as most entries of a large schedule have the same or none.
    public var options: EntryOptions
    /// What it is for, in the words of whoever wrote it.
    public var purpose: String

    /// An entry with nothing beyond its task and its times.
    public init(
        name: String,
        task: String,
        schedule: Schedule,
        rules: EntryRules = .standard,
        isEnabled: Bool = true,
        args: [UInt8] = ScheduleEntry.noArguments,
        kwargs: [UInt8] = ScheduleEntry.noKeywords,
        options: EntryOptions = .none,
        purpose: String = ""
    ) {
        self.name = name
        self.task = task
        self.schedule = schedule
        self.rules = rules
        self.isEnabled = isEnabled
        self.args = args
        self.kwargs = kwargs
        self.options = options
        self.purpose = purpose
    }

    /// The JSON text of no positional arguments.
    public static let noArguments = Array("[]".utf8)
    /// The JSON text of no keyword arguments.
    public static let noKeywords = Array("{}".utf8)

    /// The zone in which wall-clock times are meant.
    public var zone: ZoneRules { rules.zone }
    /// What happens to slots that passed while nobody could send them.
    public var missed: MissedPolicy { rules.missed }
    /// What happens when the last run is still unfinished.
    public var overlap: OverlapPolicy { rules.overlap }
    /// Up to how much later than its slot each run is sent.
    public var jitter: Duration { rules.jitter }

    /// The first slot strictly after `instant`; `nil` when none comes any more.
    ///
    /// - Parameter anchor: when the entry was first seen, which intervals count from.
    public func nextSlot(after instant: Instant, anchor: Instant) -> Instant? {
        schedule.nextSlot(after: instant, anchor: anchor, zone: rules.zone, clockChanges: rules.clockChanges)
    }

    /// When a slot is to be sent: the slot itself, or up to ``jitter`` later.
    public func due(_ slot: Instant) -> Instant {
        let span = jitter.wholeMicroseconds
        guard span > 0 else { return slot }
        var hash = StableHash()
        hash.combine(name)
        hash.combine(slot.microseconds)
        return slot + .microseconds(Int64(hash.value % UInt64(span)))
    }
}

/// How an entry's message is sent: the options of Celery's `apply_async` that have a meaning here.
public final class EntryOptions: Sendable, Hashable {
    /// When a message may no longer be run.
    public enum Expiry: Sendable, Hashable {
        /// Seconds after it is sent.
        case after(Double)
        /// A moment, ISO 8601.
        case at(String)
    }

    /// The queue; `nil` goes where the configuration sends the task.
    public let queue: String?
    /// The priority, 0 the most urgent.
    public let priority: Int
    /// When it may no longer be run.
    public let expires: Expiry?
    /// Seconds to wait after it was sent.
    public let countdown: Double?
    /// The moment to wait for, ISO 8601.
    public let eta: String?
    /// Headers of the message's own.
    public let headers: JSONObject
    /// Seconds after which the task is killed.
    public let timeLimit: Double?
    /// Seconds after which the task is cancelled.
    public let softTimeLimit: Double?
    /// Whether its result is not stored; `nil` leaves it to the task.
    public let ignoresResult: Bool?
    /// The name of the body's form; `nil` means as configured.
    public let serializer: String?
    /// The name of the body's compression.
    public let compression: String?
    /// The name to show instead of the task's.
    public let shadow: String?
    /// Everything but the headers as one text, in a fixed order; made once, as a large schedule asks for it often.
    let text: String

    /// Nothing out of the ordinary.
    public static let none = EntryOptions()

    /// Options for sending a message.
    public init(
        queue: String? = nil,
        priority: Int = 0,
        expires: Expiry? = nil,
        countdown: Double? = nil,
        eta: String? = nil,
        headers: JSONObject = JSONObject(),
        timeLimit: Double? = nil,
        softTimeLimit: Double? = nil,
        ignoresResult: Bool? = nil,
        serializer: String? = nil,
        compression: String? = nil,
        shadow: String? = nil
    ) {
        self.queue = queue
        self.priority = priority
        self.expires = expires
        self.countdown = countdown
        self.eta = eta
        self.headers = headers
        self.timeLimit = timeLimit
        self.softTimeLimit = softTimeLimit
        self.ignoresResult = ignoresResult
        self.serializer = serializer
        self.compression = compression
        self.shadow = shadow
        // No enumeration is printed by way of reflection here: a large schedule makes many of these at a start.
        let ends: String? =
            switch expires {
            case .after(let seconds)?: "after \(seconds)"
            case .at(let moment)?: "at " + moment
            case nil: nil
            }
        let parts: [String?] = [
            queue, String(priority), ends, countdown.map { "\($0)" }, eta, timeLimit.map { "\($0)" },
            softTimeLimit.map { "\($0)" }, ignoresResult.map { "\($0)" }, serializer, compression, shadow,
        ]
        text = parts.map { $0 ?? "" }.joined(separator: "\u{1}")
    }

    /// Whether both say the same.
    public static func == (left: EntryOptions, right: EntryOptions) -> Bool {
        left === right
            || (left.text == right.text && left.headers == right.headers)
    }

    /// Hashes what equality compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

/// What happens to slots that passed while no beat was there to send them.
public struct MissedPolicy: Sendable, Hashable {
    /// Which of them are sent late.
    public enum Rule: String, Sendable, Hashable, CaseIterable {
        /// None, unless the last one was due only a moment ago.
        case skip
        /// The last one, as Celery does.
        case once
        /// All of them, up to a bound.
        case all
    }

    /// Which of them are sent late.
    public var rule: Rule
    /// With ``Rule-swift.enum/all``: how many at most, the newest.
    public var limit: Int
    /// How late a missed slot may be and still be sent; `nil` for any.
    public var deadline: Duration?

    /// How late the last slot may be under ``Rule-swift.enum/skip``, so that a restart at the wrong moment skips nothing.
    public static let moment = Duration.seconds(10)

    /// Sends the last missed slot unless told otherwise; `all` sends a hundred at most.
    public init(_ rule: Rule = .once, limit: Int = 100, deadline: Duration? = nil) {
        self.rule = rule
        self.limit = limit
        self.deadline = deadline ?? (rule == .skip ? Self.moment : nil)
    }
}

/// What happens when a slot comes while the last run is unfinished.
public enum OverlapPolicy: Sendable, Hashable {
    /// It is sent all the same.
    case allow
    /// It is skipped, unless the last run was sent longer ago than this and counts as lost.
    case skip(for: Duration)
}

extension Duration {
    /// Whole microseconds, for durations of less than a few thousand years.
    package var wholeMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
