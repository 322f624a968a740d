import CeleriacTasks
import CeleryMessage

/// Returns the sum of all arguments, as Python adds numbers: whole ones exactly, a float makes the sum a float.
struct Add: TaskHandler {
    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        var whole: Int128 = 0
        var float: Double?
        for value in arguments.positional + arguments.keyword.map(\.value) {
            switch value {
            case .double(let number): float = (float ?? 0) + number
            case .bool(let flag): whole = try Self.sum(whole, flag ? 1 : 0)
            case .int(let number): whole = try Self.sum(whole, Int128(number))
            case .bigInt(let digits):
                guard let number = Int128(digits) else { throw Self.overflow }
                whole = try Self.sum(whole, number)
            default:
                throw TaskFailure.typeError("unsupported operand type(s) for +: 'int' and '\(value.pythonTypeName)'")
            }
        }
        if let float { return .double(float + Double(whole)) }
        return Int64(exactly: whole).map(JSONValue.int) ?? .bigInt(String(whole))
    }

    private static func sum(_ left: Int128, _ right: Int128) throws(TaskFailure) -> Int128 {
        let (sum, over) = left.addingReportingOverflow(right)
        guard !over else { throw overflow }
        return sum
    }

    private static var overflow: TaskFailure {
        TaskFailure(module: "builtins", type: "OverflowError", arguments: ["the sum has more than 127 bits"])
    }
}
