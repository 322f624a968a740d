import CeleryMessage

extension ExceptionInfo {
    /// What Python's `str` makes of the exception that Celery raises from a record.
    var pythonText: String {
        switch (module, type) {
        case ("builtins", "KeyError"), ("celery.exceptions", "NotRegistered"):
            // A KeyError shows its key as code.
            arguments.count == 1 ? arguments[0].pythonRepr : message
        case ("billiard.exceptions", "TimeLimitExceeded"), ("billiard.exceptions", "SoftTimeLimitExceeded"):
            type + tuple
        case ("builtins", _) where Self.systemErrors.contains(type) && arguments.count == 2:
            "[Errno \(arguments[0].pythonText)] \(arguments[1].pythonText)"
        default: message
        }
    }

    /// Python's classes of what the operating system refuses: `OSError` and those below it.
    private static let systemErrors: Set<String> = [
        "OSError", "BlockingIOError", "BrokenPipeError", "ChildProcessError", "ConnectionAbortedError",
        "ConnectionError", "ConnectionRefusedError", "ConnectionResetError", "FileExistsError", "FileNotFoundError",
        "InterruptedError", "IsADirectoryError", "NotADirectoryError", "PermissionError", "ProcessLookupError",
        "TimeoutError",
    ]

    /// What Python's `repr` makes of it: `ValueError('no')`.
    var pythonRepr: String { "\(type)(\(parts))" }

    private var tuple: String { arguments.count == 1 ? "(\(parts),)" : "(\(parts))" }

    private var parts: String { arguments.map(\.pythonRepr).joined(separator: ", ") }
}

extension JSONValue {
    /// What Python's `str` makes of the value.
    var pythonText: String { string ?? pythonRepr }
}
