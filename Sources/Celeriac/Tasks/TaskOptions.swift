import CeleryMessage
import Settings

/// How a task's runs are limited, retried and acknowledged: what Celery's `@app.task(…)` is given.
///
/// `nil` leaves a question to the next level. What a message says beats the task's block in `tasks.yaml`, which beats these
/// options, which beat the queue's block and the `task_*` settings.
public struct TaskOptions: Sendable, Hashable {
    /// How often a task may be retried.
    public enum RetryLimit: Sendable, Hashable, ExpressibleByIntegerLiteral {
        /// At most this often.
        case times(Int)
        /// Without end, as Celery's `max_retries=None`.
        case unlimited

        /// At most this often.
        public init(integerLiteral times: Int) { self = .times(times) }
    }

    /// How many runs of a task one worker may start in a time.
    public enum RateLimit: Sendable, Hashable {
        /// Starts in a second.
        case perSecond(Int)
        /// Starts in a minute.
        case perMinute(Int)
        /// Starts in an hour.
        case perHour(Int)
    }

    /// The queue its messages go to; default the one that `task_routes` or `task_default_queue` names.
    ///
    /// A worker with this task routes by it, a client only where it was given the task (``CeleriacClient``).
    public var queue: String?
    /// The pool it runs in; default its queue's.
    public var pool: String?
    /// How often it may be retried; default 3.
    public var maxRetries: RetryLimit?
    /// How long a retry without a countdown waits; default 180 s.
    public var defaultRetryDelay: Duration?
    /// Python names of exceptions that are retried without the function asking, `ValueError` or `proj.errors.Busy`; `*` is
    /// all.
    public var autoretryFor: [String]?
    /// Exceptions that are not retried although ``autoretryFor`` names them.
    public var dontAutoretryFor: [String]?
    /// The wait before the first automatic retry, doubled for each later one; default off.
    public var retryBackoff: Duration?
    /// The longest wait that backoff gives; default 600 s.
    public var retryBackoffMax: Duration?
    /// Whether a backoff is a random part of its length; default true.
    public var retryJitter: Bool?
    /// After how long a run is killed.
    public var timeLimit: Duration?
    /// After how long a run is cancelled; has to be shorter than ``timeLimit``.
    public var softTimeLimit: Duration?
    /// How many runs may start in a time, per worker.
    public var rateLimit: RateLimit?
    /// The priority of messages sent by this definition's signatures; 0 is the most urgent on Redis.
    public var priority: Int?
    /// After how long a message of this definition's signatures is not run any more.
    public var expires: Duration?
    /// Whether the message is acknowledged after the run; default true, where Celery's is false.
    public var acksLate: Bool?
    /// Whether a run that failed is acknowledged; default true.
    public var acksOnFailure: Bool?
    /// Whether a run that passed its time limit is acknowledged; default true.
    public var acksOnTimeout: Bool?
    /// Whether the message of a run whose process died goes back to its queue; default false.
    public var rejectOnWorkerLost: Bool?
    /// Whether no result is stored; default false.
    public var ignoreResult: Bool?
    /// Whether failures are stored even so; default false.
    public var storeErrorsEvenIfIgnored: Bool?
    /// Whether STARTED is stored; default false.
    public var trackStarted: Bool?
    /// Python names of exceptions that are expected: logged without a traceback.
    public var throwing: [String]?
    /// Whether events tell of its runs; default true.
    public var sendEvents: Bool?
    /// Whether the task, as an errback, is called with `(request, exception, traceback)` instead of the failed task's id.
    ///
    /// The request is an object with `id`, `task`, `args` and more, the exception one with `exc_type`, `exc_message` and
    /// `exc_module` (``CeleryMessage/ExceptionInfo``), the traceback text or `None`.
    public var takesFailureDetails: Bool

    /// Options; all that are not named are left to the next level.
    public init(
        queue: String? = nil,
        pool: String? = nil,
        maxRetries: RetryLimit? = nil,
        defaultRetryDelay: Duration? = nil,
        autoretryFor: [String]? = nil,
        dontAutoretryFor: [String]? = nil,
        retryBackoff: Duration? = nil,
        retryBackoffMax: Duration? = nil,
        retryJitter: Bool? = nil,
        timeLimit: Duration? = nil,
        softTimeLimit: Duration? = nil,
        rateLimit: RateLimit? = nil,
        priority: Int? = nil,
        expires: Duration? = nil,
        acksLate: Bool? = nil,
        acksOnFailure: Bool? = nil,
        acksOnTimeout: Bool? = nil,
        rejectOnWorkerLost: Bool? = nil,
        ignoreResult: Bool? = nil,
        storeErrorsEvenIfIgnored: Bool? = nil,
        trackStarted: Bool? = nil,
        throwing: [String]? = nil,
        sendEvents: Bool? = nil,
        takesFailureDetails: Bool = false
    ) {
        self.queue = queue
        self.pool = pool
        self.maxRetries = maxRetries
        self.defaultRetryDelay = defaultRetryDelay
        self.autoretryFor = autoretryFor
        self.dontAutoretryFor = dontAutoretryFor
        self.retryBackoff = retryBackoff
        self.retryBackoffMax = retryBackoffMax
        self.retryJitter = retryJitter
        self.timeLimit = timeLimit
        self.softTimeLimit = softTimeLimit
        self.rateLimit = rateLimit
        self.priority = priority
        self.expires = expires
        self.acksLate = acksLate
        self.acksOnFailure = acksOnFailure
        self.acksOnTimeout = acksOnTimeout
        self.rejectOnWorkerLost = rejectOnWorkerLost
        self.ignoreResult = ignoreResult
        self.storeErrorsEvenIfIgnored = storeErrorsEvenIfIgnored
        self.trackStarted = trackStarted
        self.throwing = throwing
        self.sendEvents = sendEvents
        self.takesFailureDetails = takesFailureDetails
    }

    /// What goes along with each signature: the options that concern its message alone.
    var messageOptions: JSONObject {
        var options = JSONObject()
        options["priority"] = priority.map { .int(Int64($0)) }
        options["expires"] = expires.map(JSONValue.seconds)
        return options
    }

    /// As a task's block in the file has them.
    var attributes: TaskAttributes {
        var attributes = TaskAttributes()
        switch maxRetries {
        case .times(let times)?: attributes.maxRetries = .times(max(0, times))
        case .unlimited?: attributes.maxRetries = .unlimited
        case nil: break
        }
        attributes.defaultRetryDelay = defaultRetryDelay
        attributes.autoretryFor = autoretryFor
        attributes.dontAutoretryFor = dontAutoretryFor
        attributes.retryBackoff = retryBackoff.map { $0 > .zero ? .exponential(factor: $0) : .off }
        attributes.retryBackoffMax = retryBackoffMax
        attributes.retryJitter = retryJitter
        attributes.timeLimit = timeLimit
        attributes.softTimeLimit = softTimeLimit
        attributes.rateLimit = rateLimit.flatMap { TaskAttributes.RateLimit($0.text) }
        attributes.priority = priority
        attributes.expires = expires
        attributes.acksLate = acksLate
        attributes.acksOnFailure = acksOnFailure
        attributes.acksOnTimeout = acksOnTimeout
        attributes.rejectOnWorkerLost = rejectOnWorkerLost
        attributes.ignoreResult = ignoreResult
        attributes.storeErrorsEvenIfIgnored = storeErrorsEvenIfIgnored
        attributes.trackStarted = trackStarted
        attributes.throwing = throwing
        attributes.sendEvents = sendEvents
        return attributes
    }
}

extension TaskOptions.RateLimit {
    /// As `tasks.yaml` writes it.
    fileprivate var text: String {
        switch self {
        case .perSecond(let count): "\(max(0, count))/s"
        case .perMinute(let count): "\(max(0, count))/m"
        case .perHour(let count): "\(max(0, count))/h"
        }
    }
}
