import CeleriacTasks
import CeleryMessage
import Testing

/// The messages are those of CPython 3.11 for `def f(...)` with the same parameters.
@Suite struct ParametersTests {
    private static let two = Parameters("f", ["a", "b"])
    private static let one = Parameters("f", ["a"])
    private static let none = Parameters("f", [])
    private static let three = Parameters("f", ["a", "b", "c"])
    private static let mixed = Parameters("f", ["a", .optional("b", 7), .optional("c", nil)])

    struct Refusal: Sendable, CustomTestStringConvertible {
        var parameters: Parameters
        var args: [JSONValue]
        var kwargs: JSONObject = [:]
        var message: String
        var testDescription: String { message }
    }

    static let refusals: [Refusal] = [
        Refusal(parameters: two, args: [], message: "f() missing 2 required positional arguments: 'a' and 'b'"),
        Refusal(parameters: two, args: [1], message: "f() missing 1 required positional argument: 'b'"),
        Refusal(parameters: three, args: [], message: "f() missing 3 required positional arguments: 'a', 'b', and 'c'"),
        Refusal(parameters: one, args: [1, 2], message: "f() takes 1 positional argument but 2 were given"),
        Refusal(parameters: none, args: [1], message: "f() takes 0 positional arguments but 1 was given"),
        Refusal(parameters: two, args: [1, 2, 3], message: "f() takes 2 positional arguments but 3 were given"),
        Refusal(
            parameters: mixed,
            args: [1, 2, 3, 4],
            message: "f() takes from 1 to 3 positional arguments but 4 were given"
        ),
        Refusal(
            parameters: two,
            args: [1, 2],
            kwargs: ["x": 1],
            message: "f() got an unexpected keyword argument 'x'"
        ),
        Refusal(parameters: two, args: [1], kwargs: ["a": 1], message: "f() got multiple values for argument 'a'"),
        Refusal(
            parameters: mixed,
            args: [],
            kwargs: ["b": 1],
            message: "f() missing 1 required positional argument: 'a'"
        ),
    ]

    @Test(arguments: refusals) func `refuses a call with Python's words`(_ row: Refusal) {
        let error = #expect(throws: TaskFailure.self) {
            try row.parameters.bind(TaskArguments(positional: row.args, keyword: row.kwargs))
        }
        #expect(error?.module == "builtins")
        #expect(error?.type == "TypeError")
        #expect(error?.arguments == [.string(row.message)])
    }

    @Test func `binds by position, by name and by default`() throws {
        let bound = try Self.mixed.bind(TaskArguments(positional: ["x"], keyword: ["c": [1]]))
        #expect(try bound.string("a") == "x")
        #expect(try bound.int("b") == 7)
        #expect(try bound.array("c") == [1])
    }

    @Test func `keeps an explicit null apart from a default`() throws {
        let bound = try Self.mixed.bind(TaskArguments(positional: [1, nil]))
        #expect(bound.value("b") == .null)
        #expect(try bound.optionalInt("b") == nil)
    }

    @Test func `reads every type, and names the argument of a wrong one`() throws {
        let parameters = Parameters("f", ["v"])
        func bound(_ value: JSONValue) throws -> BoundArguments {
            try parameters.bind(TaskArguments(positional: [value]))
        }
        #expect(try bound("x").string("v") == "x")
        #expect(try bound(nil).optionalString("v") == nil)
        #expect(try bound("x").optionalString("v") == "x")
        #expect(try bound(3).int("v") == 3)
        #expect(try bound(3).number("v") == 3)
        #expect(try bound(2.5).number("v") == 2.5)
        #expect(try bound(true).bool("v"))
        #expect(try bound(["k": 1]).object("v") == ["k": 1])

        func message(_ body: () throws -> some Any) -> String? {
            do {
                _ = try body()
                return nil
            } catch { return (error as? TaskFailure)?.message }
        }
        #expect(message { try bound(1).string("v") } == "f() argument 'v' must be str, not int")
        #expect(message { try bound("1").int("v") } == "f() argument 'v' must be int, not str")
        #expect(message { try bound(1.0).int("v") } == "f() argument 'v' must be int, not float")
        #expect(message { try bound(true).int("v") } == "f() argument 'v' must be int, not bool")
        #expect(message { try bound("x").optionalInt("v") } == "f() argument 'v' must be int or None, not str")
        #expect(message { try bound([]).optionalString("v") } == "f() argument 'v' must be str or None, not list")
        #expect(message { try bound(nil).number("v") } == "f() argument 'v' must be float, not NoneType")
        #expect(message { try bound(1).bool("v") } == "f() argument 'v' must be bool, not int")
        #expect(message { try bound(["k": 1]).array("v") } == "f() argument 'v' must be list, not dict")
        #expect(
            message { try bound(.bigInt("99999999999999999999")).object("v") }
                == "f() argument 'v' must be dict, not int"
        )
        let senseless = try bound(-1).wrongValue("v", "must not be negative")
        #expect(senseless.description == "ValueError: f() argument 'v' must not be negative")
    }
}
