public import CeleriacTasks

/// A task defined in code: its name on the wire, its options and what runs it.
///
/// ``TaskDefinition``, ``ArgumentsTask`` and ``RawTask`` are the three ways to write one.
public protocol TaskDeclaration: Sendable {
    /// The task's name on the wire, for example `proj.tasks.add`.
    var name: String { get }
    /// How its runs are limited, retried and acknowledged; a block of the same name in `tasks.yaml` beats each of them.
    var options: TaskOptions { get }
    /// One line for `report`.
    var summary: String { get }
    /// What runs the task.
    var handler: any TaskHandler { get }
}

extension TaskDeclaration {
    /// The name that Python shows in errors about arguments: what stands behind the last dot.
    static func functionName(_ name: String) -> String {
        name.split(separator: ".").last.map(String.init) ?? name
    }

    /// A signature of this task with the options of code that belong to its messages.
    func signature(args: [JSONValue] = [], kwargs: JSONObject = [:]) -> Signature {
        Signature(task: name, args: args, kwargs: kwargs, options: options.messageOptions)
    }
}

/// Runs a task by a function over its arguments as they came.
struct FunctionHandler: TaskHandler {
    let function: @Sendable (TaskArguments, TaskContext) async throws -> JSONValue

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        try await function(arguments, context)
    }
}

/// The value of a task that returns nothing, `None` in Python.
public struct NoValue: Codable, Sendable, Hashable {
    /// The one value there is.
    public init() {}

    /// Takes anything for nothing.
    public init(from decoder: any Decoder) throws {}

    /// Writes `null`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encodeNil()
    }
}
