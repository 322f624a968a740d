public import CeleriacTasks
public import CeleryMessage

/// A task that takes its arguments as they came: Python's `*args` and `**kwargs`.
///
/// ```swift
/// let total = RawTask("proj.total") { arguments, context in
///     try arguments.positional.reduce(0) { sum, value in sum + (try value.decoded(as: Double.self)) }
/// }
/// ```
public struct RawTask<Value: Codable & Sendable>: TaskDeclaration {
    /// The name on the wire.
    public let name: String
    /// What the task was defined with.
    public let options: TaskOptions
    /// What runs the task.
    public let handler: any TaskHandler

    /// A task that takes any arguments.
    ///
    /// - Parameters:
    ///   - name: the name on the wire.
    ///   - options: what Celery's decorator is given.
    ///   - run: the function; it is called many times at once.
    public init(
        _ name: String,
        options: TaskOptions = TaskOptions(),
        run: @escaping @Sendable (TaskArguments, TaskContext) async throws -> Value
    ) {
        self.name = name
        self.options = options
        handler = FunctionHandler { try JSONValue(encoding: try await run($0, $1)) }
    }

    /// A task that takes any arguments and returns nothing.
    public init(
        _ name: String,
        options: TaskOptions = TaskOptions(),
        run: @escaping @Sendable (TaskArguments, TaskContext) async throws -> Void
    ) where Value == NoValue {
        self.name = name
        self.options = options
        handler = FunctionHandler { arguments, context in
            try await run(arguments, context)
            return .null
        }
    }

    /// A task run by a handler: a value of one's own that is made once in each process and may hold connections.
    public init(_ name: String, options: TaskOptions = TaskOptions(), handler: any TaskHandler)
    where Value == JSONValue {
        self.name = name
        self.options = options
        self.handler = handler
    }

    /// `name(*args, **kwargs)`.
    public var summary: String { "\(Self.functionName(name))(*args, **kwargs)" }

    /// The call of this task with these arguments.
    public func s(_ args: JSONValue..., kwargs: JSONObject = [:]) -> Signature { signature(args: args, kwargs: kwargs) }

    /// As ``s(_:kwargs:)``, deaf to the result of the task before it.
    public func si(_ args: JSONValue..., kwargs: JSONObject = [:]) -> Signature {
        signature(args: args, kwargs: kwargs).immutably
    }
}
