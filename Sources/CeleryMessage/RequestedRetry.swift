/// How a task's sender wants it to be tried again, over what its task and queue say.
///
/// It travels in a header of its own, which Celery's workers pass over:
/// `{"attempts": 3, "backoff": {"type": "exponential", "delay": 5000}}`, milliseconds, as BullMQ writes it.
public struct RequestedRetry: Sendable, Hashable {
    /// How long it is waited before the next attempt.
    public enum Backoff: Sendable, Hashable {
        /// So many seconds each time.
        case fixed(Double)
        /// So many seconds before the second attempt, twice as many before each further one.
        case exponential(Double)

        /// The longest wait that doubling leads to, in seconds: a day, or the first wait where that is longer.
        public static let longest = 86_400.0

        /// Seconds until the next attempt.
        ///
        /// - Parameter retries: how many attempts there were after the first.
        public func delay(retries: Int) -> Double {
            switch self {
            case .fixed(let seconds): return seconds
            case .exponential(let seconds):
                var delay = seconds
                for _ in 0..<min(max(0, retries), 64) where delay < Self.longest { delay *= 2 }
                return min(delay, max(seconds, Self.longest))
            }
        }
    }

    /// The header it travels in.
    public static let header = "celeriac_retry"
    /// How many attempts there may be.
    public static let attemptsRange = 1...1000
    /// The longest delay, in milliseconds: a year.
    public static let longestDelay = 31_536_000_000.0

    /// The most attempts, the first one counted; `nil` leaves it to the task.
    public var attempts: Int?
    /// The wait between them; `nil` leaves it to the task.
    public var backoff: Backoff?

    /// What a sender wants.
    public init(attempts: Int? = nil, backoff: Backoff? = nil) {
        self.attempts = attempts
        self.backoff = backoff
    }

    /// What is wrong with a request: the member it is about, and a sentence.
    public struct Refusal: Error, Sendable, Hashable {
        /// `attempts`, `backoff`, `backoff.type` or `backoff.delay`; empty where it is no object at all.
        public let member: String
        /// What was expected.
        public let message: String
    }

    /// Reads the header's value.
    public init(_ value: JSONValue) throws(Refusal) {
        guard let object = value.object else { throw Refusal(member: "", message: "Expected an object.") }
        if let stranger = object.keys.first(where: { $0 != "attempts" && $0 != "backoff" }) {
            throw Refusal(member: String(stranger.prefix(64)), message: "There is no member of that name.")
        }
        try self.init(attempts: object["attempts"] ?? .null, backoff: object["backoff"] ?? .null)
    }

    /// Reads attempts and backoff, `null` where one of them is not asked for.
    ///
    /// A number alone is a fixed backoff.
    public init(attempts: JSONValue, backoff: JSONValue) throws(Refusal) {
        if !attempts.isNull {
            guard let number = attempts.number.flatMap({ Int(exactly: $0) }), Self.attemptsRange.contains(number) else {
                let range = "\(Self.attemptsRange.lowerBound) to \(Self.attemptsRange.upperBound)"
                throw Refusal(member: "attempts", message: "Expected a whole number from \(range).")
            }
            self.attempts = number
        }
        if !backoff.isNull { self.backoff = try Self.backoff(backoff) }
    }

    private static func backoff(_ value: JSONValue) throws(Refusal) -> Backoff {
        if value.number != nil { return .fixed(try seconds(value, "backoff")) }
        guard let object = value.object else {
            throw Refusal(member: "backoff", message: "Expected milliseconds, or an object with type and delay.")
        }
        if let stranger = object.keys.first(where: { $0 != "type" && $0 != "delay" }) {
            let member = "backoff." + String(stranger.prefix(64))
            throw Refusal(member: member, message: "There is no member of that name.")
        }
        let delay = try seconds(object["delay"] ?? .null, "backoff.delay")
        switch object["type"] {
        case .string("fixed")?: return .fixed(delay)
        case .string("exponential")?: return .exponential(delay)
        default: throw Refusal(member: "backoff.type", message: "Expected fixed or exponential.")
        }
    }

    private static func seconds(_ value: JSONValue, _ member: String) throws(Refusal) -> Double {
        guard let number = value.number, number >= 0, number <= longestDelay else {
            throw Refusal(member: member, message: "Expected milliseconds, 0 or more, a year at most.")
        }
        return number / 1000
    }

    /// The header's value.
    public var json: JSONValue {
        var object = JSONObject()
        if let attempts { object["attempts"] = .int(Int64(attempts)) }
        switch backoff {
        case .fixed(let seconds)?: object["backoff"] = ["type": "fixed", "delay": Self.milliseconds(seconds)]
        case .exponential(let seconds)?:
            object["backoff"] = ["type": "exponential", "delay": Self.milliseconds(seconds)]
        case nil: break
        }
        return .object(object)
    }

    private static func milliseconds(_ seconds: Double) -> JSONValue {
        let number = (seconds * 1000 * 1000).rounded() / 1000
        return Int64(exactly: number).map(JSONValue.int) ?? .double(number)
    }
}
