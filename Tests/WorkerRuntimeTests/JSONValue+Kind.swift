import CeleryMessage

extension JSONValue {
    /// The kind of value, for comparing shapes where the values themselves differ.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .int, .bigInt: "int"
        case .double: "float"
        case .string: "text"
        case .array: "list"
        case .object: "object"
        case .tagged: "tagged"
        }
    }
}
