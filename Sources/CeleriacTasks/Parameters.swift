public import CeleryMessage

/// A task function's parameters, bound to arguments by Python's rules with Python's error texts.
///
/// ```swift
/// static let parameters = Parameters("send_sms", ["phone", "message", .optional("company_id", nil)])
/// let bound = try Self.parameters.bind(arguments)
/// let phone = try bound.string("phone")
/// ```
public struct Parameters: Sendable {
    /// One parameter: its name and, when it may be left out, its default.
    public struct Parameter: Sendable, ExpressibleByStringLiteral {
        /// The name, as keyword arguments use it.
        public let name: String
        /// The value when left out; `nil` makes the parameter required.
        public let fallback: JSONValue?

        /// A parameter that must be given.
        public init(stringLiteral name: String) {
            self.name = name
            fallback = nil
        }

        private init(name: String, fallback: JSONValue) {
            self.name = name
            self.fallback = fallback
        }

        /// A parameter that may be left out.
        public static func optional(_ name: String, _ fallback: JSONValue) -> Parameter {
            Parameter(name: name, fallback: fallback)
        }
    }

    /// The function's name in errors, as Python prints it before `()`.
    public let function: String
    /// The parameters in positional order.
    public let list: [Parameter]

    /// Describes a function's parameters.
    public init(_ function: String, _ list: [Parameter]) {
        self.function = function
        self.list = list
    }

    /// Assigns arguments to parameters; throws the `TypeError` Python would raise.
    public func bind(_ arguments: TaskArguments) throws(TaskFailure) -> BoundArguments {
        var values: [String: JSONValue] = [:]
        let given = arguments.positional.count
        guard given <= list.count else {
            throw .typeError("\(function)() takes \(arity) but \(given) \(given == 1 ? "was" : "were") given")
        }
        for (parameter, value) in zip(list, arguments.positional) { values[parameter.name] = value }
        for (key, value) in arguments.keyword {
            guard list.contains(where: { $0.name == key }) else {
                throw .typeError("\(function)() got an unexpected keyword argument '\(key)'")
            }
            guard values.updateValue(value, forKey: key) == nil else {
                throw .typeError("\(function)() got multiple values for argument '\(key)'")
            }
        }
        var missing: [String] = []
        var defaulted: Set<String> = []
        for parameter in list where values[parameter.name] == nil {
            if let fallback = parameter.fallback {
                values[parameter.name] = fallback
                defaulted.insert(parameter.name)
            } else {
                missing.append(parameter.name)
            }
        }
        guard missing.isEmpty else {
            let noun = missing.count == 1 ? "argument" : "arguments"
            throw .typeError(
                "\(function)() missing \(missing.count) required positional \(noun): \(Self.listed(missing))"
            )
        }
        return BoundArguments(function: function, values: values, defaulted: defaulted)
    }

    private var arity: String {
        let required = list.count { $0.fallback == nil }
        let noun = list.count == 1 ? "argument" : "arguments"
        return required == list.count
            ? "\(list.count) positional \(noun)" : "from \(required) to \(list.count) positional arguments"
    }

    /// Python's `'a', 'b', and 'c'`.
    private static func listed(_ names: [String]) -> String {
        let quoted = names.map { "'\($0)'" }
        return switch quoted.count {
        case 1: quoted[0]
        case 2: "\(quoted[0]) and \(quoted[1])"
        default: quoted.dropLast().joined(separator: ", ") + ", and " + quoted[quoted.count - 1]
        }
    }
}

/// Arguments by parameter name, read with types; a wrong type is a `TypeError` that names the argument.
public struct BoundArguments: Sendable {
    /// The function's name in errors.
    public let function: String
    /// The value of each parameter.
    public let values: [String: JSONValue]
    /// The parameters that were left out and have their default.
    public let defaulted: Set<String>

    /// The value of a parameter as it came.
    public func value(_ name: String) -> JSONValue { values[name] ?? .null }

    /// The error for an argument of the wrong type.
    public func wrongType(_ name: String, expected: String) -> TaskFailure {
        .typeError("\(function)() argument '\(name)' must be \(expected), not \(value(name).pythonTypeName)")
    }

    /// The error for an argument of the right type that makes no sense.
    public func wrongValue(_ name: String, _ message: String) -> TaskFailure {
        .valueError("\(function)() argument '\(name)' \(message)")
    }

    /// Text that must be there.
    public func string(_ name: String) throws(TaskFailure) -> String {
        guard let text = value(name).string else { throw wrongType(name, expected: "str") }
        return text
    }

    /// Text or `None`.
    public func optionalString(_ name: String) throws(TaskFailure) -> String? {
        if value(name).isNull { return nil }
        guard let text = value(name).string else { throw wrongType(name, expected: "str or None") }
        return text
    }

    /// A whole number that must be there.
    public func int(_ name: String) throws(TaskFailure) -> Int {
        guard let number = value(name).int else { throw wrongType(name, expected: "int") }
        return Int(number)
    }

    /// A whole number or `None`.
    public func optionalInt(_ name: String) throws(TaskFailure) -> Int? {
        if value(name).isNull { return nil }
        guard let number = value(name).int else { throw wrongType(name, expected: "int or None") }
        return Int(number)
    }

    /// A whole or floating-point number that must be there.
    public func number(_ name: String) throws(TaskFailure) -> Double {
        guard let number = value(name).number else { throw wrongType(name, expected: "float") }
        return number
    }

    /// A boolean that must be there.
    public func bool(_ name: String) throws(TaskFailure) -> Bool {
        guard let flag = value(name).bool else { throw wrongType(name, expected: "bool") }
        return flag
    }

    /// A list that must be there.
    public func array(_ name: String) throws(TaskFailure) -> [JSONValue] {
        guard let list = value(name).array else { throw wrongType(name, expected: "list") }
        return list
    }

    /// An object that must be there.
    public func object(_ name: String) throws(TaskFailure) -> JSONObject {
        guard let object = value(name).object else { throw wrongType(name, expected: "dict") }
        return object
    }
}
