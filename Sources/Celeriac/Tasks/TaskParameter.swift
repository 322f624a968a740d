import CeleriacTasks
import CeleryMessage

/// A parameter of a task: its name for keyword arguments and error messages, and its default.
///
/// A string literal stands for one that has to be given, or, where its type is optional, for one that is `nil` (`None`)
/// when left out.
public struct TaskParameter<Value: Codable & Sendable>: Sendable, ExpressibleByStringLiteral {
    /// The name that callers use.
    public let name: String
    /// What it is when left out; `nil` for one that has to be given.
    let fallback: Value?

    /// A parameter that has to be given, unless its type is optional.
    public init(stringLiteral name: String) { self.init(name) }

    /// A parameter that has to be given, unless its type is optional.
    public init(_ name: String) {
        self.name = name
        fallback = (Value.self as? any OptionalValue.Type)?.none as? Value
    }

    /// A parameter that may be left out.
    public init(_ name: String, default fallback: Value) {
        self.name = name
        self.fallback = fallback
    }

    /// As ``CeleriacTasks/Parameters`` knows it; the default itself stays here.
    var parameter: Parameters.Parameter { fallback == nil ? .init(stringLiteral: name) : .optional(name, nil) }

    /// The value that was given, or the default.
    func value(in arguments: BoundArguments) throws(TaskFailure) -> Value {
        if let fallback, arguments.defaulted.contains(name) { return fallback }
        return try arguments.decoded(name)
    }
}

/// Tells optional types, whose parameters may be left out.
private protocol OptionalValue {
    static var none: Self { get }
}

extension Optional: OptionalValue {}
