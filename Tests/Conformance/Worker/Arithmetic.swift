import Celeriac

/// Tasks that compute with what they are given and do nothing else.
enum Arithmetic {
    static let add = addition("add")

    static let identity = TaskDefinition(integration("identity"), "x") { (x: JSONValue) in x }

    static let tasks: [any TaskDeclaration] = [
        add,
        identity,
        TaskDefinition(integration("mul"), "x", "y") { (x: Int, y: Int) in x * y },
        addition("add_not_typed"),
        addition("add_ignore_result", options: TaskOptions(ignoreResult: true)),
        addition("add_with_result", options: TaskOptions(ignoreResult: false)),
        TaskDefinition(smoke("add_with_explicit_lazy_option"), "x", "y") { (x: JSONValue, y: JSONValue) in
            try Python.add(x, y)
        },
        TaskDefinition(integration("tsum"), "nums") { (numbers: [JSONValue]) in try Python.sum(numbers) },
        TaskDefinition(integration("xsum"), "nums") { (numbers: [JSONValue]) in
            try Python.sum(numbers.map { try $0.array.map(Python.sum) ?? $0 })
        },
        TaskDefinition(smoke("summarize_results"), "results") { (results: [JSONValue]) in try Python.sum(results) },
        TaskDefinition(integration("add_pydantic"), "data") { (data: Addends) in Sum(result: data.x + data.y) },
        TaskDefinition(integration("add_pydantic_string_annotations"), "data") { (data: Addends) in
            Sum(result: data.x + data.y)
        },
        TaskDefinition(integration("replaced_with_me")) { true },
        TaskDefinition(integration("return_exception"), "e") { (exception: JSONValue) -> JSONValue in
            [exception, true]
        },
        TaskDefinition(
            integration("print_unicode"),
            TaskParameter("log_message", default: "håå®ƒ valmuefrø"),
            TaskParameter("print_message", default: "hiöäüß")
        ) { (context: TaskContext, logged: String, printed: String) in
            context.logger.warning("\(logged)")
            print(printed)
        },
        RawTask(smoke("noop")) { _, _ in },
        TaskDefinition("celery.ping") { "pong" },
    ]

    /// The arguments of a task that Python's users would declare with a Pydantic model.
    struct Addends: Codable {
        var x: Int
        var y: Int
    }

    /// Its result.
    struct Sum: Codable {
        var result: Int
    }

    /// A task that adds two values, and a third one that is neither left out nor zero.
    private static func addition(
        _ name: String,
        options: TaskOptions = TaskOptions()
    ) -> TaskDefinition<JSONValue, JSONValue, JSONValue, JSONValue> {
        TaskDefinition(integration(name), "x", "y", TaskParameter("z", default: .null), options: options) {
            (x: JSONValue, y: JSONValue, z: JSONValue) in
            let sum = try Python.add(x, y)
            return Python.isTrue(z) ? try Python.add(sum, z) : sum
        }
    }
}
