public import CeleryMessage

/// A task that failed or was revoked, as whoever asks for its result learns it.
public struct RemoteFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The task's id.
    public let taskID: String
    /// `FAILURE` or `REVOKED`.
    public let state: TaskState
    /// The Python class, for example `ValueError`.
    public let type: String
    /// Its module, for example `builtins`.
    public let module: String
    /// What the exception was made with.
    public let arguments: [JSONValue]
    /// Python's traceback, or the text that stands for it.
    public let traceback: String?

    /// The failure that a record tells of.
    init(_ record: ResultRecord, taskID: String) {
        // What is no exception, a record made by hand perhaps, is shown as it is.
        let exception =
            record.exception
            ?? ExceptionInfo(
                module: "celery.backends.base",
                type: "UnknownException",
                arguments: (try? record.value()).map { [$0] } ?? []
            )
        self.taskID = taskID
        state = record.status
        type = exception.type
        module = exception.module
        arguments = exception.arguments
        traceback = record.traceback
    }

    /// What Python's `str` of the exception prints.
    public var message: String { ExceptionInfo(module: module, type: type, arguments: arguments).message }

    /// The last line of a Python traceback, for example `ValueError: no`.
    public var description: String {
        ExceptionInfo(module: module, type: type, arguments: arguments).description
    }
}
