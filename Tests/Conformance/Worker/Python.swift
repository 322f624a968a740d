import Celeriac

/// What Python's operators do with values whose types are known only when they come.
enum Python {
    /// `left + right`.
    static func add(_ left: JSONValue, _ right: JSONValue) throws(TaskFailure) -> JSONValue {
        switch (left, right) {
        case (.int(let left), .int(let right)):
            let (sum, over) = left.addingReportingOverflow(right)
            return over ? .bigInt(String(Int128(left) + Int128(right))) : .int(sum)
        case (.string(let left), .string(let right)): return .string(left + right)
        case (.array(let left), .array(let right)): return .array(left + right)
        default:
            guard let sum = left.number.flatMap({ left in right.number.map { left + $0 } }) else {
                throw .typeError(
                    "unsupported operand type(s) for +: '\(left.pythonTypeName)' and '\(right.pythonTypeName)'"
                )
            }
            return .double(sum)
        }
    }

    /// `sum(values)`.
    static func sum(_ values: [JSONValue]) throws(TaskFailure) -> JSONValue {
        var sum: JSONValue = 0
        for value in values { sum = try add(sum, value) }
        return sum
    }

    /// `bool(value)`.
    static func isTrue(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false), .int(0), .double(0), .string(""), .array([]): false
        case .object(let members): !members.isEmpty
        default: true
        }
    }
}
