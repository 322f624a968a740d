public import CeleryMessage
public import Logging

/// Where a running task's side messages go: to the result backend, through whatever pool the task runs in.
public protocol TaskReporter: Sendable {
    /// Stores a state with its meta at once; later states of the same run replace it.
    func update(state: String, meta: JSONValue)
    /// Remembers a signature to be published together with the end of this run.
    func enqueue(_ signature: Signature)
    /// Remembers a signature to be added to the header of the run's chord together with the end of this run.
    func addToChord(_ signature: Signature)
}

extension TaskReporter {
    /// Publishes the signature by itself: for reporters of runs that belong to no chord.
    public func addToChord(_ signature: Signature) { enqueue(signature) }
}

/// A handler's view of its run: the request, progress, subtasks, retry and cancellation.
public struct TaskContext: Sendable {
    /// The facts of this run.
    public let request: TaskRequest
    /// Carries the task's id and name.
    public let logger: Logger
    /// Why the run was cancelled, once it was.
    public let cancellation: TaskCancellation
    private let reporter: any TaskReporter

    /// Makes the context of one run.
    public init(
        request: TaskRequest,
        logger: Logger,
        cancellation: TaskCancellation = TaskCancellation(),
        reporter: any TaskReporter
    ) {
        self.request = request
        self.logger = logger
        self.cancellation = cancellation
        self.reporter = reporter
    }

    /// Reports how far the task is, as state `PROGRESS`.
    ///
    /// Stored with `current`, `total`, `status` and whatever `more` holds. Reports of one run that follow each other within milliseconds may be merged into the last.
    public func progress(current: Int, total: Int, status: String, more: JSONObject = [:]) {
        var meta: JSONObject = [
            "current": .int(Int64(current)), "total": .int(Int64(total)), "status": .string(status),
        ]
        for (key, value) in more { meta[key] = value }
        reporter.update(state: "PROGRESS", meta: .object(meta))
    }

    /// Stores any state with its meta, as Python's `update_state`.
    public func updateState(_ state: String, meta: JSONValue) {
        reporter.update(state: state, meta: meta)
    }

    /// Publishes a task in one atomic step with the end of this one: never without it, never twice.
    ///
    /// Dropped when this run is lost or retried. The caller cannot wait for its result.
    public func enqueue(_ signature: Signature) {
        reporter.enqueue(signature)
    }

    /// Adds a task to the header of the chord this one is part of: the chord's body waits for it and gets its result.
    ///
    /// Published in one atomic step with the end of this run, which fails when the task is part of no chord.
    public func addToChord(_ signature: Signature) {
        reporter.addToChord(signature)
    }

    /// Sends a signature of any kind, a whole canvas too, in one atomic step with the end of this run, and says already
    /// now which results it will have.
    ///
    /// As ``enqueue(_:)``: never without the end of this run, never twice, and nothing where the run fails, is lost or
    /// retried. So nobody can wait for the results here; hand the tuple on, as tasks of Celery hand on an `AsyncResult`.
    ///
    /// - Returns: the result of the last task of a chain with the others as parents, of the body of a chord, of a group
    ///   with its members.
    /// - Throws: a `TypeError` for a canvas that lacks parts, for example an empty chain.
    @discardableResult
    public func apply(_ signature: Signature) throws(TaskFailure) -> ResultTuple {
        var signature = signature
        let result: ResultTuple
        do {
            result = try signature.freeze()
        } catch {
            throw .typeError("\(signature.task) cannot be sent: \(error.message)")
        }
        enqueue(signature)
        return result
    }

    /// Makes the error to throw for another run; see ``TaskRetry``.
    public func retry(
        countdown: Double? = nil,
        maxRetries: Int? = nil,
        cause: TaskFailure? = nil,
        overrides: RetryOverrides = RetryOverrides()
    ) -> TaskRetry {
        TaskRetry(countdown: countdown, maxRetries: maxRetries, cause: cause, overrides: overrides)
    }

    /// Makes the error to throw for another run that is not like this one, as the keyword arguments of Celery's
    /// `self.retry`; what is `nil` stays as it is.
    ///
    /// - Parameters:
    ///   - args: other positional arguments.
    ///   - kwargs: other keyword arguments.
    ///   - countdown: how long to wait; `nil` takes the task's `default_retry_delay` or its backoff.
    ///   - maxRetries: how many retries there may be.
    ///   - expires: after how long, from now, the next run is not begun any more.
    ///   - queue: where the next run waits.
    ///   - priority: its message's priority.
    ///   - cause: what made this run fail; `nil` ends in `MaxRetriesExceededError`.
    public func retry(
        args: [JSONValue]? = nil,
        kwargs: JSONObject? = nil,
        countdown: Duration? = nil,
        maxRetries: Int? = nil,
        expires: Duration? = nil,
        queue: String? = nil,
        priority: Int? = nil,
        cause: (any Error)? = nil
    ) -> TaskRetry {
        var overrides = RetryOverrides()
        overrides.args = args
        overrides.kwargs = kwargs
        overrides.expires = expires.map { Instant.now() + $0 }
        overrides.route = queue.map(MessageRoute.init(queue:))
        overrides.priority = priority
        return TaskRetry(
            countdown: countdown.map { $0 / .seconds(1) },
            maxRetries: maxRetries,
            cause: cause.map(TaskFailure.init(_:)),
            overrides: overrides
        )
    }

    /// Makes the error to throw to give the task's place to a signature; see ``TaskReplacement``.
    public func replace(by signature: Signature) -> TaskReplacement { TaskReplacement(by: signature) }

    /// Throws when the run was cancelled: `SoftTimeLimitExceeded` at the soft limit, `CancellationError` otherwise.
    public func checkCancellation() throws {
        if cancellation.reason == .softTimeLimit { throw TaskFailure.softTimeLimitExceeded() }
        try Task.checkCancellation()
    }
}
