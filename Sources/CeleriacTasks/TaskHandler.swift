public import CeleryMessage

/// What runs a task: an async function over the task's arguments.
///
/// One handler value serves many tasks at the same time, so it holds configuration and pools, not the state of a run.
/// The value returned becomes the task's result; what is thrown becomes its end:
/// ``TaskFailure`` a failure with that Python class, ``TaskRetry`` a retry, ``TaskIgnore`` and ``TaskReject`` what
/// Celery's `Ignore` and `Reject` do, any other error a failure named after the Swift type.
public protocol TaskHandler: Sendable {
    /// Runs the task once.
    ///
    /// The surrounding Swift task is cancelled at the soft time limit, at a revoke with terminate and at a cold stop;
    /// `context.cancellation` says which. Throwing `CancellationError` then is the right answer.
    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue

    /// Releases what the handler holds (connections, pools); called once when its process stops.
    func shutdown() async
}

extension TaskHandler {
    /// Does nothing: most handlers hold nothing.
    public func shutdown() async {}
}

/// A named way to make a handler, as `handler:` in `tasks.yaml` refers to it.
public struct HandlerFactory: Sendable {
    /// The name in `tasks.yaml`, for example `pdf.mutabakat`.
    public let name: String
    /// One line for `celeriac report` and the documentation.
    public let summary: String
    /// Makes the handler; throws ``HandlerOptionError`` for options that cannot be right.
    public let make: @Sendable (HandlerSetup) throws -> any TaskHandler

    /// Looks at the options when the configuration is read; throws what ``make`` would throw for them.
    public let check: @Sendable (HandlerSetup) throws -> Void

    /// Whether the handler, as an errback, is called with what failed: `(request, exception, traceback)`, as Celery calls
    /// errbacks of more than one argument; otherwise with the failed task's id.
    ///
    /// The request and the exception are objects, `{"id", "task", "args", …}` and `{"exc_type", "exc_message",
    /// "exc_module"}`; the traceback is text or null.
    public var takesFailureDetails = false

    /// Registers a way to make handlers under a name.
    ///
    /// - Parameter check: Looks at the options as every start of a worker does, where making the handler takes more than
    ///   a millisecond; the handler is made and dropped without it. `celeriac report --check` makes it in any case.
    public init(
        name: String,
        summary: String,
        check: (@Sendable (HandlerSetup) throws -> Void)? = nil,
        make: @escaping @Sendable (HandlerSetup) throws -> any TaskHandler
    ) {
        self.name = name
        self.summary = summary
        self.make = make
        self.check = check ?? { _ = try make($0) }
    }
}
