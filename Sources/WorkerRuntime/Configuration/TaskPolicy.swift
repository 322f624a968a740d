public import CeleryMessage

/// How one task's runs are treated: limits, retries, acknowledgement, results.
///
/// Field by field what Celery's task attributes say (`celery/app/task.py`); `nil` leaves a limit to the queue and then
/// to the worker's default.
public struct TaskPolicy: Sendable, Hashable {
    /// The pool that runs it; `nil` leaves it to the queue.
    public var pool: String?
    /// Seconds until a run is cancelled.
    public var softTimeLimit: Double?
    /// Seconds until a run is ended by force.
    public var timeLimit: Double?
    /// Seconds without a word after which a run is said to be stalled, zero for never; `nil` leaves it to the limits.
    public var stalledAfter: Double?
    /// How often a run may be retried; `nil` without a bound.
    public var maxRetries: Int?
    /// Seconds until a retry that names no countdown.
    public var defaultRetryDelay: Double
    /// Exceptions, by class name or `module.Class`, that are retried without the handler asking; `*` is all.
    public var autoretryFor: [String]
    /// Exceptions that are not retried although ``autoretryFor`` names them.
    public var dontAutoretryFor: [String]
    /// Seconds that double with each retry; `nil` keeps ``defaultRetryDelay``.
    public var retryBackoff: Double?
    /// The longest backoff in seconds.
    public var retryBackoffMax: Double
    /// Whether a backoff is drawn at random between zero and its full length.
    public var retryJitter: Bool
    /// The wait that the message asks for, instead of ``retryBackoff`` and ``defaultRetryDelay``.
    public var requestedBackoff: RequestedRetry.Backoff?
    /// Whether the message is acknowledged after the run; before it otherwise.
    public var acksLate: Bool
    /// Whether a failed run acknowledges a late message; rejected otherwise.
    public var acksOnFailure: Bool
    /// Whether a hard time limit acknowledges a late message; put back otherwise.
    public var acksOnTimeout: Bool
    /// Whether a late message goes back to its queue when its process died.
    public var rejectOnWorkerLost: Bool
    /// Whether a task whose process died is retried, as often as it may be.
    public var retryOnWorkerLost = false
    /// Whether results are not stored, unless the message says otherwise.
    public var ignoreResult: Bool
    /// Whether failures and retries are stored even so.
    public var storeErrorsEvenIfIgnored: Bool
    /// Whether the beginning of a run is stored as STARTED.
    public var trackStarted: Bool
    /// Whether it is called with request, exception and traceback as an errback, instead of with the failed task's id.
    public var takesFailureDetails = false
    /// Exceptions that are expected: logged at INFO without a traceback.
    public var expectedExceptions: [String]
    /// How many of its runs may start in a time.
    public var rateLimit: RateLimit?
    /// Whether events tell of its runs, where the worker sends any.
    public var sendsEvents = true
    /// Whether its ends are recorded in the history.
    public var keepsHistory = true
    /// Whether its message is kept when it has failed for good.
    public var keepsDeadLetters = true
    /// The most characters of a result in events.
    public var resultReprMaxSize = 1024

    /// Celery's defaults, but for late acknowledgement, which is on.
    public init(
        pool: String? = nil,
        softTimeLimit: Double? = nil,
        timeLimit: Double? = nil,
        maxRetries: Int? = 3,
        defaultRetryDelay: Double = 180,
        autoretryFor: [String] = [],
        dontAutoretryFor: [String] = [],
        retryBackoff: Double? = nil,
        retryBackoffMax: Double = 600,
        retryJitter: Bool = true,
        acksLate: Bool = true,
        acksOnFailure: Bool = true,
        acksOnTimeout: Bool = true,
        rejectOnWorkerLost: Bool = false,
        ignoreResult: Bool = false,
        storeErrorsEvenIfIgnored: Bool = false,
        trackStarted: Bool = false,
        expectedExceptions: [String] = []
    ) {
        self.pool = pool
        self.softTimeLimit = softTimeLimit
        self.timeLimit = timeLimit
        self.maxRetries = maxRetries
        self.defaultRetryDelay = defaultRetryDelay
        self.autoretryFor = autoretryFor
        self.dontAutoretryFor = dontAutoretryFor
        self.retryBackoff = retryBackoff
        self.retryBackoffMax = retryBackoffMax
        self.retryJitter = retryJitter
        self.acksLate = acksLate
        self.acksOnFailure = acksOnFailure
        self.acksOnTimeout = acksOnTimeout
        self.rejectOnWorkerLost = rejectOnWorkerLost
        self.ignoreResult = ignoreResult
        self.storeErrorsEvenIfIgnored = storeErrorsEvenIfIgnored
        self.trackStarted = trackStarted
        self.expectedExceptions = expectedExceptions
    }
}

extension TaskPolicy {
    /// The policy with what a message asks for in its place: with attempts, every failure is tried again.
    func asked(for retry: RequestedRetry) -> TaskPolicy {
        var policy = self
        if let attempts = retry.attempts {
            policy.maxRetries = attempts - 1
            policy.autoretryFor = ["*"]
        }
        if let backoff = retry.backoff { policy.requestedBackoff = backoff }
        return policy
    }
}
