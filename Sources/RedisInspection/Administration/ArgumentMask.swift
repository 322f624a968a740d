import CeleryMessage
package import Transport

/// Hides the values of arguments whose names say that they are secret, as workers do in what they record.
package struct ArgumentMask: Sendable, Hashable {
    /// What stands in the place of a secret.
    static let stars = "***"

    private let names: SecretNames

    /// Hides what has one of these names.
    package init(_ names: SecretNames = SecretNames()) { self.names = names }

    /// The value without secrets, however deep they lie.
    func masked(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object): .object(masked(object))
        case .array(let values): .array(values.map(masked))
        default: value
        }
    }

    /// The members without secrets.
    func masked(_ object: JSONObject) -> JSONObject {
        JSONObject(
            object.map { name, value in
                (name, names.cover(name) && !value.isNull ? .string(Self.stars) : masked(value))
            }
        )
    }
}
