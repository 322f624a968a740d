/// How tasks are limited, retried, acknowledged and reported; `nil` leaves a question to the next level.
///
/// There are three levels: a task's block, its queue's block, the `task_*` settings. The message beats all of them, which
/// is the engine's business; ``filled(from:)`` joins levels where one answer is wanted.
public struct TaskAttributes: Sendable, Hashable {
    /// How often a task may be retried.
    public enum RetryLimit: Sendable, Hashable {
        /// At most this often.
        case times(Int)
        /// Without end; written `null`, as Celery's `None`.
        case unlimited
    }

    /// How the delay between retries grows.
    public enum RetryBackoff: Sendable, Hashable {
        /// The same delay each time.
        case off
        /// This long before the first retry, then doubling; `true` is one second.
        case exponential(factor: Duration)
    }

    /// How many tasks may start in a time.
    public struct RateLimit: Sendable, Hashable {
        /// Starts per second; zero means no limit.
        public var perSecond: Double
        /// The limit as configured, such as `100/m`.
        public var text: String

        /// Makes a limit.
        public init(perSecond: Double, text: String) {
            self.perSecond = perSecond
            self.text = text
        }

        /// Reads Celery's form: a number per second, or with `/s`, `/m` or `/h`.
        public init?(_ text: String) {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count <= 2, let first = parts.first, let number = Double(first), number >= 0, number < 1e9
            else {
                return nil
            }
            let seconds: Double
            switch parts.count == 2 ? parts[1] : "s" {
            case "s": seconds = 1
            case "m": seconds = 60
            case "h": seconds = 3600
            default: return nil
            }
            self.init(perSecond: number / seconds, text: text)
        }
    }

    /// `max_retries`; Celery's default 3.
    public var maxRetries: RetryLimit?
    /// `default_retry_delay`; Celery's default 180 s.
    public var defaultRetryDelay: Duration?
    /// `retry_backoff`; default off.
    public var retryBackoff: RetryBackoff?
    /// `retry_backoff_max`: the longest delay that backoff gives; default 600 s.
    public var retryBackoffMax: Duration?
    /// `retry_jitter`: whether backoff is a random part of the delay; default true.
    public var retryJitter: Bool?
    /// `autoretry_for`: Python names of exceptions that are retried without the handler asking; default none.
    public var autoretryFor: [String]?
    /// `dont_autoretry_for`: exceptions that are not retried although `autoretryFor` names them; default none.
    public var dontAutoretryFor: [String]?
    /// `time_limit`: after how long the task is killed; default none.
    public var timeLimit: Duration?
    /// `soft_time_limit`: after how long the task is cancelled; default none.
    public var softTimeLimit: Duration?
    /// `stalled_after`: after how long without a word from a running task it is said to be stalled, 0 for never; default its
    /// soft limit, or three quarters of its hard one.
    public var stalledAfter: Duration?
    /// `rate_limit`: starts of this task per worker; default none.
    public var rateLimit: RateLimit?
    /// `priority` given to messages published without one, 0 to 255 (Redis has lists for `priority_steps`); default none.
    public var priority: Int?
    /// `acks_late`; unset means true, where Celery's default is false.
    public var acksLate: Bool?
    /// `acks_on_failure`: whether a late-acknowledged task that failed is acknowledged; default true.
    public var acksOnFailure: Bool?
    /// `acks_on_timeout`: the same for one that passed its hard limit; default true.
    public var acksOnTimeout: Bool?
    /// `reject_on_worker_lost`: whether a task whose process died goes back to its queue; default false.
    public var rejectOnWorkerLost: Bool?
    /// `retry_on_worker_lost`: whether such a task is retried under its retry rules; default false.
    public var retryOnWorkerLost: Bool?
    /// `ignore_result`; default false.
    public var ignoreResult: Bool?
    /// `store_errors_even_if_ignored`; default false.
    public var storeErrorsEvenIfIgnored: Bool?
    /// `track_started`: whether STARTED is stored; default false.
    public var trackStarted: Bool?
    /// `expires`: after how long a message published without its own expiry is not run any more; default never.
    public var expires: Duration?
    /// `throws`: Python names of exceptions that are expected: logged without a traceback; default none.
    public var throwing: [String]?
    /// `serializer` of messages published for this task; default `task_serializer`.
    public var serializer: Serializer?
    /// `compression` of messages published for this task; default `task_compression`.
    public var compression: Compression?
    /// `send_events`: whether task events are sent; default true.
    public var sendEvents: Bool?
    /// `resultrepr_maxsize`: the most characters of a result in logs and events; default 1024.
    public var resultReprMaxSize: Int?
    /// `history`: whether finished tasks are recorded; default true.
    public var history: Bool?
    /// `dead_letter`: whether the message of a failed task is kept; default true.
    public var deadLetter: Bool?
    /// `result_expires`; default the setting of that name.
    public var resultExpires: Duration?

    /// `sync_fallback`: whether the gateway may run the task itself where no queue can be reached; default false.
    public var syncFallback: Bool?

    /// Leaves everything to the next level.
    public init() {}

    /// This level, with what it leaves open taken from a lower one.
    public func filled(from lower: TaskAttributes) -> TaskAttributes {
        var attributes = self
        attributes.maxRetries = maxRetries ?? lower.maxRetries
        attributes.defaultRetryDelay = defaultRetryDelay ?? lower.defaultRetryDelay
        attributes.retryBackoff = retryBackoff ?? lower.retryBackoff
        attributes.retryBackoffMax = retryBackoffMax ?? lower.retryBackoffMax
        attributes.retryJitter = retryJitter ?? lower.retryJitter
        attributes.autoretryFor = autoretryFor ?? lower.autoretryFor
        attributes.dontAutoretryFor = dontAutoretryFor ?? lower.dontAutoretryFor
        attributes.timeLimit = timeLimit ?? lower.timeLimit
        attributes.softTimeLimit = softTimeLimit ?? lower.softTimeLimit
        attributes.stalledAfter = stalledAfter ?? lower.stalledAfter
        attributes.rateLimit = rateLimit ?? lower.rateLimit
        attributes.priority = priority ?? lower.priority
        attributes.acksLate = acksLate ?? lower.acksLate
        attributes.acksOnFailure = acksOnFailure ?? lower.acksOnFailure
        attributes.acksOnTimeout = acksOnTimeout ?? lower.acksOnTimeout
        attributes.rejectOnWorkerLost = rejectOnWorkerLost ?? lower.rejectOnWorkerLost
        attributes.retryOnWorkerLost = retryOnWorkerLost ?? lower.retryOnWorkerLost
        attributes.ignoreResult = ignoreResult ?? lower.ignoreResult
        attributes.storeErrorsEvenIfIgnored = storeErrorsEvenIfIgnored ?? lower.storeErrorsEvenIfIgnored
        attributes.trackStarted = trackStarted ?? lower.trackStarted
        attributes.expires = expires ?? lower.expires
        attributes.throwing = throwing ?? lower.throwing
        attributes.serializer = serializer ?? lower.serializer
        attributes.compression = compression ?? lower.compression
        attributes.sendEvents = sendEvents ?? lower.sendEvents
        attributes.resultReprMaxSize = resultReprMaxSize ?? lower.resultReprMaxSize
        attributes.history = history ?? lower.history
        attributes.deadLetter = deadLetter ?? lower.deadLetter
        attributes.resultExpires = resultExpires ?? lower.resultExpires
        attributes.syncFallback = syncFallback ?? lower.syncFallback
        return attributes
    }

    /// Celery's own defaults, for whatever no level answers.
    public static let celeryDefaults: TaskAttributes = {
        var attributes = TaskAttributes()
        attributes.maxRetries = .times(3)
        attributes.defaultRetryDelay = .seconds(180)
        attributes.retryBackoff = .off
        attributes.retryBackoffMax = .seconds(600)
        attributes.retryJitter = true
        attributes.autoretryFor = []
        attributes.dontAutoretryFor = []
        attributes.acksOnFailure = true
        attributes.acksOnTimeout = true
        attributes.rejectOnWorkerLost = false
        attributes.retryOnWorkerLost = false
        attributes.ignoreResult = false
        attributes.storeErrorsEvenIfIgnored = false
        attributes.trackStarted = false
        attributes.throwing = []
        attributes.sendEvents = true
        attributes.resultReprMaxSize = 1024
        return attributes
    }()
}
