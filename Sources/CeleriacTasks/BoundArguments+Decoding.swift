import CeleryMessage

extension BoundArguments {
    /// An argument as any Swift type.
    ///
    /// - Throws: a `TypeError` that names the argument, and the place inside it, when its JSON is of another kind; a
    ///   `ValueError` when the type refuses the value.
    public func decoded<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws(TaskFailure) -> Value
    {
        do {
            return try value(name).decoded(as: type)
        } catch {
            throw Self.failure(of: error, function: function, argument: name)
        }
    }

    /// The failure that an error of decoding an argument is.
    package static func failure(of error: any Error, function: String, argument: String) -> TaskFailure {
        switch error {
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.keyNotFound(_, let context):
            .typeError("\(function)() argument '\(argument)\(place(context.codingPath))' \(context.debugDescription)")
        case DecodingError.dataCorrupted(let context):
            .valueError("\(function)() argument '\(argument)\(place(context.codingPath))' \(context.debugDescription)")
        case let failure as TaskFailure: failure
        default: .valueError("\(function)() argument '\(argument)' \(error)")
        }
    }

    /// A place inside an argument as Python writes it: `.name` and `[0]`.
    private static func place(_ path: [any CodingKey]) -> String {
        path.map { key in key.intValue.map { "[\($0)]" } ?? "." + key.stringValue }.joined()
    }
}
