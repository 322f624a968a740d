import Celeriac

/// The exception that the suite raises where it expects one.
struct ExpectedException: PythonError {
    var pythonArguments: [JSONValue] = []

    static let pythonModule = "t.integration.tasks"
}

/// An exception that Python cannot pickle: it takes two arguments and keeps one.
struct UnpickleableException: PythonError {
    var foo: JSONValue

    static let pythonModule = "t.integration.tasks"
    var pythonArguments: [JSONValue] { [foo] }
}

/// Tasks that fail.
enum Failures {
    static let raiseError = RawTask(integration("raise_error")) { _, _ -> Void in
        throw TaskFailure.valueError("deliberate error")
    }

    static let tasks: [any TaskDeclaration] = [
        raiseError,
        RawTask(integration("fail")) { arguments, _ in
            throw ExpectedException(pythonArguments: ["Task expected to fail"] + arguments.positional)
        },
        TaskDefinition(integration("fail_unpickleable"), "foo", "bar") { (foo: JSONValue, _: JSONValue) in
            throw UnpickleableException(foo: foo)
        },
    ]
}
