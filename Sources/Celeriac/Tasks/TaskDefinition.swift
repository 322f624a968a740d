public import CeleriacTasks
public import CeleryMessage

/// A task as an async function with typed arguments.
///
/// ```swift
/// let add = TaskDefinition("proj.add", "x", "y") { (x: Int, y: Int) in x + y }
/// let greet = TaskDefinition("proj.greet", "name", TaskParameter("greeting", default: "Hello")) {
///     (context: TaskContext, name: String, greeting: String) in
///     context.logger.info("greeting \(name)")
///     return "\(greeting), \(name)!"
/// }
/// ```
///
/// Arguments are bound by Python's rules, by place or by name. One that is missing, too much or of the wrong type is the
/// `TypeError` that Python would raise, and names the argument. A function may take the ``CeleriacTasks/TaskContext`` first,
/// as Celery's `bind=True`. What it returns is the result; what it throws decides, see ``CeleriacTasks/TaskHandler``.
public struct TaskDefinition<Value: Codable & Sendable, each Argument: Codable & Sendable>: TaskDeclaration {
    /// The name on the wire.
    public let name: String
    /// What the task was defined with.
    public let options: TaskOptions
    /// What runs the task.
    public let handler: any TaskHandler
    private let parameters: [String]

    // The functions are `@concurrent` because Swift 6.3 cannot compile a `nonisolated(nonsending)` closure that takes a
    // pack. They still run on the threads of their pool.

    /// A task that needs nothing but its arguments.
    ///
    /// - Parameters:
    ///   - name: the name on the wire.
    ///   - parameters: the names of the function's parameters, in its order.
    ///   - options: what Celery's decorator is given.
    ///   - run: the function; it is called many times at once.
    public init(
        _ name: String,
        _ parameters: repeat TaskParameter<each Argument>,
        options: TaskOptions = TaskOptions(),
        run: @escaping @Sendable @concurrent (repeat each Argument) async throws -> Value
    ) {
        self.init(
            name,
            repeat each parameters,
            options: options,
            calling: { _, arguments in
                try JSONValue(encoding: try await run(repeat each arguments))
            }
        )
    }

    /// A task that is given its context too.
    public init(
        _ name: String,
        _ parameters: repeat TaskParameter<each Argument>,
        options: TaskOptions = TaskOptions(),
        run: @escaping @Sendable @concurrent (TaskContext, repeat each Argument) async throws -> Value
    ) {
        self.init(
            name,
            repeat each parameters,
            options: options,
            calling: { context, arguments in
                try JSONValue(encoding: try await run(context, repeat each arguments))
            }
        )
    }

    /// A task that returns nothing.
    public init(
        _ name: String,
        _ parameters: repeat TaskParameter<each Argument>,
        options: TaskOptions = TaskOptions(),
        run: @escaping @Sendable @concurrent (repeat each Argument) async throws -> Void
    ) where Value == NoValue {
        self.init(
            name,
            repeat each parameters,
            options: options,
            calling: { _, arguments in
                try await run(repeat each arguments)
                return .null
            }
        )
    }

    /// A task that is given its context too and returns nothing.
    public init(
        _ name: String,
        _ parameters: repeat TaskParameter<each Argument>,
        options: TaskOptions = TaskOptions(),
        run: @escaping @Sendable @concurrent (TaskContext, repeat each Argument) async throws -> Void
    ) where Value == NoValue {
        self.init(
            name,
            repeat each parameters,
            options: options,
            calling: { context, arguments in
                try await run(context, repeat each arguments)
                return .null
            }
        )
    }

    private init(
        _ name: String,
        _ parameters: repeat TaskParameter<each Argument>,
        options: TaskOptions,
        calling: @escaping @Sendable (TaskContext, (repeat each Argument)) async throws -> JSONValue
    ) {
        self.name = name
        self.options = options
        var list: [Parameters.Parameter] = []
        for parameter in repeat each parameters { list.append(parameter.parameter) }
        self.parameters = list.map(\.name)
        let bound = Parameters(Self.functionName(name), list)
        // A closure cannot capture a pack, a tuple of one it can.
        let all = (repeat each parameters)
        handler = FunctionHandler { arguments, context in
            let values = try bound.bind(arguments)
            do {
                return try await calling(context, (repeat try (each all).value(in: values)))
            } catch let retry as TaskRetry {
                throw bound.merging(retry, into: arguments)
            }
        }
    }

    /// `name(x, y)`.
    public var summary: String { "\(Self.functionName(name))(\(parameters.joined(separator: ", ")))" }

    // MARK: Signatures

    /// The call of this task with all of its arguments, as Celery's `add.s(1, 2)`.
    ///
    /// In a chain the result of the task before it goes in front: see ``partial(_:kwargs:)``.
    ///
    /// - Throws: what encoding the arguments throws.
    public func s(_ arguments: repeat each Argument) throws -> Signature {
        var args: [JSONValue] = []
        for argument in repeat each arguments { args.append(try JSONValue(encoding: argument)) }
        return signature(args: args)
    }

    /// As ``s(_:)``, deaf to the result of the task before it: Celery's `si`.
    public func si(_ arguments: repeat each Argument) throws -> Signature {
        try s(repeat each arguments).immutably
    }

    /// A call that lacks arguments: in a chain, a chord's body or a callback the result of what ran before goes in front
    /// of these.
    ///
    /// - Parameters:
    ///   - args: positional arguments behind the result.
    ///   - kwargs: arguments by name.
    public func partial(_ args: JSONValue..., kwargs: JSONObject = [:]) -> Signature {
        signature(args: args, kwargs: kwargs)
    }

    /// One task that calls this one with each value in turn; its result is the list of the results.
    public func map(_ values: [JSONValue]) -> Signature { .map(signature(), over: values) }

    /// One task that calls this one with each list of arguments in turn; its result is the list of the results.
    public func starmap(_ arguments: [[JSONValue]]) -> Signature { .starmap(signature(), over: arguments) }

    /// A group of ``starmap(_:)``, each with at most `size` lists of arguments.
    public func chunks(_ arguments: [[JSONValue]], size: Int) -> Signature {
        .chunks(signature(), over: arguments, size: size)
    }
}
