public import CeleriacTasks
public import CeleryMessage

/// A task whose arguments are the members of a `Codable` struct.
///
/// ```swift
/// struct Invoice: Codable { var customer: Int; var lines: [Line]; var note: String? }
/// let invoice = ArgumentsTask("shop.invoice", Invoice.self, positional: ["customer"]) { invoice, context in
///     try await print(invoice)
/// }
/// ```
///
/// Callers name the members; those listed as `positional` may also be given by place. A member that is missing, unknown or
/// of the wrong type is a `TypeError` that names it. Optional members may be left out.
public struct ArgumentsTask<Arguments: Codable & Sendable, Value: Codable & Sendable>: TaskDeclaration {
    /// The name on the wire.
    public let name: String
    /// What the task was defined with.
    public let options: TaskOptions
    /// What runs the task.
    public let handler: any TaskHandler

    /// A task whose arguments are a struct.
    ///
    /// - Parameters:
    ///   - name: the name on the wire.
    ///   - arguments: the type of the arguments.
    ///   - positional: the members that may be given by place, in order.
    ///   - options: what Celery's decorator is given.
    ///   - run: the function; it is called many times at once.
    public init(
        _ name: String,
        _ arguments: Arguments.Type,
        positional: [String] = [],
        options: TaskOptions = TaskOptions(),
        run: @escaping @Sendable (Arguments, TaskContext) async throws -> Value
    ) {
        self.init(name, positional, options) { try JSONValue(encoding: try await run($0, $1)) }
    }

    /// A task whose arguments are a struct and that returns nothing.
    public init(
        _ name: String,
        _ arguments: Arguments.Type,
        positional: [String] = [],
        options: TaskOptions = TaskOptions(),
        run: @escaping @Sendable (Arguments, TaskContext) async throws -> Void
    ) where Value == NoValue {
        self.init(name, positional, options) { arguments, context in
            try await run(arguments, context)
            return .null
        }
    }

    private init(
        _ name: String,
        _ positional: [String],
        _ options: TaskOptions,
        _ calling: @escaping @Sendable (Arguments, TaskContext) async throws -> JSONValue
    ) {
        self.name = name
        self.options = options
        let function = Self.functionName(name)
        let parameters = Parameters(function, positional.map(Parameters.Parameter.init(stringLiteral:)))
        handler = FunctionHandler { arguments, context in
            do {
                return try await calling(try Self.decoded(arguments, positional, function), context)
            } catch let retry as TaskRetry {
                throw parameters.merging(retry, into: arguments)
            }
        }
    }

    /// `name(Arguments)`.
    public var summary: String { "\(Self.functionName(name))(\(Arguments.self))" }

    /// The call of this task with these arguments by name.
    ///
    /// - Throws: what encoding the arguments throws, and a `TypeError` where they are no object.
    public func s(_ arguments: Arguments) throws -> Signature {
        guard let kwargs = try JSONValue(encoding: arguments).object else {
            throw TaskFailure.typeError("\(Arguments.self) has no members to name arguments by")
        }
        return signature(kwargs: kwargs)
    }

    /// As ``s(_:)``, deaf to the result of the task before it.
    public func si(_ arguments: Arguments) throws -> Signature { try s(arguments).immutably }

    /// A call that lacks arguments; the result of what ran before becomes the first positional one.
    public func partial(_ args: JSONValue..., kwargs: JSONObject = [:]) -> Signature {
        signature(args: args, kwargs: kwargs)
    }

    private static func decoded(
        _ arguments: TaskArguments,
        _ positional: [String],
        _ function: String
    ) throws(TaskFailure) -> Arguments {
        var members = arguments.keyword
        let given = arguments.positional.count
        guard given <= positional.count else {
            let noun = positional.count == 1 ? "argument" : "arguments"
            throw .typeError(
                "\(function)() takes \(positional.count) positional \(noun) but \(given) \(given == 1 ? "was" : "were") given"
            )
        }
        for (name, value) in zip(positional, arguments.positional) {
            guard members[name] == nil else {
                throw .typeError("\(function)() got multiple values for argument '\(name)'")
            }
            members[name] = value
        }
        return try read(members, function)
    }

    private static func read(_ members: JSONObject, _ function: String) throws(TaskFailure) -> Arguments {
        let decoded: (value: Arguments, unread: [String])
        do {
            decoded = try JSONValue.object(members).decodedNotingMembers(as: Arguments.self)
        } catch DecodingError.keyNotFound(let key, let context) where context.codingPath.isEmpty {
            throw .typeError("\(function)() missing 1 required positional argument: '\(key.stringValue)'")
        } catch {
            throw failure(of: error, function)
        }
        guard let unknown = decoded.unread.first else { return decoded.value }
        throw .typeError("\(function)() got an unexpected keyword argument '\(unknown)'")
    }

    /// The first key of an error's path is the argument, the rest the place inside it.
    private static func failure(of error: any Error, _ function: String) -> TaskFailure {
        func shortened(_ context: DecodingError.Context) -> (String, DecodingError.Context) {
            let rest = Array(context.codingPath.dropFirst())
            return (
                context.codingPath.first?.stringValue ?? "",
                .init(codingPath: rest, debugDescription: context.debugDescription)
            )
        }
        switch error {
        case DecodingError.typeMismatch(let type, let context), DecodingError.valueNotFound(let type, let context):
            let (name, inner) = shortened(context)
            return BoundArguments.failure(
                of: DecodingError.typeMismatch(type, inner),
                function: function,
                argument: name
            )
        case DecodingError.keyNotFound(let key, let context):
            let (name, inner) = shortened(context)
            return BoundArguments.failure(
                of: DecodingError.keyNotFound(key, inner),
                function: function,
                argument: name
            )
        case DecodingError.dataCorrupted(let context):
            let (name, inner) = shortened(context)
            return BoundArguments.failure(of: DecodingError.dataCorrupted(inner), function: function, argument: name)
        default: return TaskFailure(error)
        }
    }
}
