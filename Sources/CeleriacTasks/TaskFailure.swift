public import CeleryMessage

/// A failed run, as the Python client is to raise it: class, arguments, and where it happened.
public struct TaskFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The Python module of the class, for example `builtins`.
    public var module: String
    /// The Python class, for example `ValueError`.
    public var type: String
    /// The exception's arguments; usually one text.
    public var arguments: [JSONValue]
    /// The file and line that made this failure; shown in the traceback.
    public var origin: String

    /// A failure that clients raise as `module.type(*arguments)`; a class they do not have is made up under its name.
    public init(
        module: String,
        type: String,
        arguments: [JSONValue],
        file: String = #fileID,
        line: Int = #line
    ) {
        self.module = module
        self.type = type
        self.arguments = arguments
        origin = "\(file):\(line)"
    }

    /// `ValueError(message)`: right type, senseless value.
    public static func valueError(_ message: String, file: String = #fileID, line: Int = #line) -> TaskFailure {
        TaskFailure(module: "builtins", type: "ValueError", arguments: [.string(message)], file: file, line: line)
    }

    /// `TypeError(message)`: wrong or missing argument.
    public static func typeError(_ message: String, file: String = #fileID, line: Int = #line) -> TaskFailure {
        TaskFailure(module: "builtins", type: "TypeError", arguments: [.string(message)], file: file, line: line)
    }

    /// `RuntimeError(message)`: the work itself failed.
    public static func runtimeError(_ message: String, file: String = #fileID, line: Int = #line) -> TaskFailure {
        TaskFailure(module: "builtins", type: "RuntimeError", arguments: [.string(message)], file: file, line: line)
    }

    /// `FileNotFoundError(message)`.
    public static func fileNotFound(_ message: String, file: String = #fileID, line: Int = #line) -> TaskFailure {
        TaskFailure(
            module: "builtins",
            type: "FileNotFoundError",
            arguments: [.string(message)],
            file: file,
            line: line
        )
    }

    /// `SoftTimeLimitExceeded()`, as billiard names it.
    public static func softTimeLimitExceeded(file: String = #fileID, line: Int = #line) -> TaskFailure {
        TaskFailure(
            module: "billiard.exceptions",
            type: "SoftTimeLimitExceeded",
            arguments: [],
            file: file,
            line: line
        )
    }

    /// The first argument's text, or the class when there is none.
    public var message: String {
        guard let first = arguments.first else { return type }
        return first.string ?? JSONWriter.string(first)
    }

    /// `ValueError: message`.
    public var description: String { arguments.isEmpty ? type : "\(type): \(message)" }
}
