import CeleriacTasks
import CeleryMessage
import Testing

/// What Celery 5.7 makes of `Task.retry(args=…)` and `Task.retry(kwargs=…)`.
@Suite struct RetryArgumentsTests {
    private static let parameters = Parameters("f", ["foo", "bar", .optional("label", nil)])

    struct Row: Sendable {
        var args: [JSONValue]
        var kwargs: JSONObject
        var newArgs: [JSONValue]?
        var newKwargs: JSONObject?
        var expectedArgs: [JSONValue]?
        var expectedKwargs: JSONObject?
    }

    static let rows: [Row] = [
        // Positional arguments replace those that were given by name; the others stay.
        Row(
            args: [],
            kwargs: ["foo": 1, "bar": 2, "label": "kept"],
            newArgs: [2, 3],
            expectedArgs: [2, 3],
            expectedKwargs: ["label": "kept"]
        ),
        // A keyword argument takes its place among the positional ones.
        Row(args: [1, 2], kwargs: [:], newKwargs: ["foo": 2], expectedArgs: [2, 2], expectedKwargs: [:]),
        Row(args: [1], kwargs: ["bar": 2], newKwargs: ["bar": 3], expectedArgs: [1], expectedKwargs: ["bar": 3]),
        // A name the task does not have is left to the check of arguments.
        Row(args: [1], kwargs: [:], newKwargs: ["no": 2], expectedArgs: [1], expectedKwargs: ["no": 2]),
        // Both given, or nothing that could conflict: as they are.
        Row(
            args: [1],
            kwargs: ["bar": 2],
            newArgs: [5],
            newKwargs: ["bar": 6],
            expectedArgs: [5],
            expectedKwargs: ["bar": 6]
        ),
        Row(args: [1, 2], kwargs: [:], newArgs: [3, 4], expectedArgs: [3, 4], expectedKwargs: nil),
        Row(args: [1, 2], kwargs: [:], expectedArgs: nil, expectedKwargs: nil),
    ]

    @Test(arguments: rows) func `gives each parameter once`(_ row: Row) {
        var overrides = RetryOverrides()
        overrides.args = row.newArgs
        overrides.kwargs = row.newKwargs
        let arguments = TaskArguments(positional: row.args, keyword: row.kwargs)
        let merged = Self.parameters.merging(overrides, into: arguments)
        #expect(merged.args == row.expectedArgs)
        #expect(merged.kwargs == row.expectedKwargs)
    }
}
