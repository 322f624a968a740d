import Celeriac
import HandlerTestSupport
import Testing

private let add = TaskDefinition("proj.add", "x", "y") { (x: Int, y: Int) in x + y }
private let greet = TaskDefinition("proj.greet", "name", TaskParameter("greeting", default: "Hello"), "title") {
    (name: String, greeting: String, title: String?) in
    [greeting, title, name].compactMap(\.self).joined(separator: " ")
}

private struct Line: Codable, Sendable, Equatable {
    var item: String
    var count: Int
}

@Suite struct TaskDefinitionTests {
    // MARK: Arguments

    @Test func `binds arguments by place and by name`() async throws {
        #expect(try await Running(add).result([1, 2]) == 3)
        #expect(try await Running(add).result([1], ["y": 2]) == 3)
        #expect(try await Running(add).result([], ["y": 2, "x": 40]) == 42)
    }

    @Test func `takes defaults, and nil for optional ones that are left out`() async throws {
        #expect(try await Running(greet).result(["Ada"]) == "Hello Ada")
        #expect(try await Running(greet).result(["Ada", "Good day"], ["title": "Dr."]) == "Good day Dr. Ada")
        #expect(try await Running(greet).result(["Ada"], ["title": nil]) == "Hello Ada")
    }

    @Test(
        arguments: [
            ([1], [:], "add() missing 1 required positional argument: 'y'"),
            ([], [:], "add() missing 2 required positional arguments: 'x' and 'y'"),
            ([1, 2, 3], [:], "add() takes 2 positional arguments but 3 were given"),
            ([1, 2], ["z": 3], "add() got an unexpected keyword argument 'z'"),
            ([1, 2], ["x": 3], "add() got multiple values for argument 'x'"),
            ([1, "2"], [:], "add() argument 'y' must be int, not str"),
            ([1.5, 2], [:], "add() argument 'x' must be int, not float"),
            ([true, 2], [:], "add() argument 'x' must be int, not bool"),
            ([nil, 2], [:], "add() argument 'x' must be int, not NoneType"),
        ] as [([JSONValue], JSONObject, String)]
    )
    func `says as Python what is wrong with an argument`(
        args: [JSONValue],
        kwargs: JSONObject,
        message: String
    ) async throws {
        let failure = try await Running(add).failure(args, kwargs)
        #expect(failure.type == "TypeError")
        #expect(failure.module == "builtins")
        #expect(failure.message == message)
    }

    @Test func `refuses a number that its type cannot hold`() async throws {
        let byte = TaskDefinition("proj.byte", "value") { (value: UInt8) in value }
        #expect(try await Running(byte).result([255]) == 255)
        let failure = try await Running(byte).failure([256])
        #expect(failure.type == "ValueError")
        #expect(failure.message == "byte() argument 'value' must be an int from 0 to 255")
    }

    @Test func `reads nested values and says where one is wrong`() async throws {
        let count = TaskDefinition("proj.count", "lines") { (lines: [Line]) in lines.map(\.count).reduce(0, +) }
        #expect(try await Running(count).result([[["item": "a", "count": 2], ["item": "b", "count": 3]]]) == 5)
        let wrong = try await Running(count).failure([[["item": "a", "count": 2], ["item": "b", "count": "3"]]])
        #expect(wrong.message == "count() argument 'lines[1].count' must be int, not str")
        let missing = try await Running(count).failure([[["item": "a"]]])
        #expect(missing.message == "count() argument 'lines[0]' has no member 'count'")
    }

    @Test func `reads whole numbers as floating-point ones`() async throws {
        let half = TaskDefinition("proj.half", "x") { (x: Double) in x / 2 }
        #expect(try await Running(half).result([3]) == 1.5)
    }

    // MARK: Results and ends

    @Test func `returns any encodable value`() async throws {
        let line = TaskDefinition("proj.line", "item") { (item: String) in Line(item: item, count: 1) }
        #expect(try await Running(line).result(["a"]) == ["item": "a", "count": 1])
        let exact = TaskDefinition("proj.exact") { JSONValue.bigInt("123456789012345678901234567890") }
        #expect(try await Running(exact).result() == .bigInt("123456789012345678901234567890"))
    }

    @Test func `returns None where the function returns nothing`() async throws {
        let nothing = TaskDefinition("proj.nothing", "x") { (x: Int) in }
        #expect(try await Running(nothing).result([1]) == nil)
    }

    @Test func `gives the request to a function that takes the context`() async throws {
        let ids = TaskDefinition("proj.ids", "i") { (context: TaskContext, i: Int) in
            [.string(context.request.rootID), context.request.parentID.map(JSONValue.string) ?? nil, .int(Int64(i))]
                as [JSONValue]
        }
        var running = Running(ids)
        running.headers.rootID = "root"
        running.headers.parentID = "parent"
        #expect(try await running.result([7]) == ["root", "parent", 7])
    }

    @Test func `lets an error of one's own say its Python class`() async throws {
        struct OutOfStock: PythonError {
            static let pythonModule = "shop.errors"
            var item: String
            var pythonArguments: [JSONValue] { [.string(item), 0] }
        }
        let sell = TaskDefinition("shop.sell", "item") { (item: String) -> Int in throw OutOfStock(item: item) }
        let failure = try await Running(sell).failure(["pen"])
        #expect(failure.module == "shop.errors")
        #expect(failure.type == "OutOfStock")
        #expect(failure.arguments == ["pen", 0])
    }

    @Test func `asks for a retry with other arguments`() async throws {
        let again = TaskDefinition("proj.again", "x") { (context: TaskContext, x: Int) in
            throw context.retry(args: [.int(Int64(x + 1))], countdown: .milliseconds(500), maxRetries: 4)
        }
        guard case .retry(let retry, _) = await Running(again).outcome([1]) else {
            Issue.record("it did not ask for a retry")
            return
        }
        #expect(retry.overrides.args == [2])
        #expect(retry.overrides.kwargs == nil)
        #expect(retry.countdown == 0.5)
        #expect(retry.maxRetries == 4)
    }

    @Test func `gives its place to a canvas`() async throws {
        let replaced = TaskDefinition("proj.replaced", "x") { (context: TaskContext, x: Int) in
            throw context.replace(by: try add.s(x, x) | add.partial(1))
        }
        guard case .replace(let signature) = await Running(replaced).outcome([1]) else {
            Issue.record("it was not replaced")
            return
        }
        #expect(signature == .chain(Signature("proj.add", args: [1, 1]), Signature("proj.add", args: [1])))
    }

    // MARK: Sending

    @Test func `says the ids of a canvas that it sends with its end`() async throws {
        let build = TaskDefinition("proj.build") { (context: TaskContext) in
            try context.apply(
                try add.s(1, 1) | add.partial(2) | .group(add.partial(3), add.partial(4)) | add.partial(5)
            )
        }
        let running = Running(build)
        let tuple = try await running.result().decoded(as: ResultTuple.self)
        let sent = try #require(running.reporter.enqueued.first)
        let dispatch = try sent.dispatch(context: DispatchContext(parent: running.headers, origin: "", now: .now()))
        #expect(dispatch.result == tuple)
        #expect(tuple.parent?.members?.count == 2)
        #expect(tuple.parent?.parent?.parent != nil)
    }

    @Test func `refuses to send an empty chain`() async throws {
        let build = TaskDefinition("proj.build") { (context: TaskContext) in try context.apply(.chain()) }
        let failure = try await Running(build).failure()
        #expect(failure.message == "celery.chain cannot be sent: a chain has no tasks")
    }

    @Test func `makes signatures with the options of its messages`() throws {
        let urgent = TaskDefinition("proj.urgent", "x", options: TaskOptions(priority: 2, expires: .seconds(60))) {
            (x: Int) in x
        }
        #expect(
            try urgent.s(1)
                == Signature(task: "proj.urgent", args: [1], options: ["priority": 2, "expires": 60])
        )
        #expect(try urgent.si(1).immutable)
        #expect(urgent.partial(kwargs: ["x": 1]).kwargs == ["x": 1])
    }
}

@Suite struct ArgumentsTaskTests {
    private struct Invoice: Codable, Sendable {
        var customer: Int
        var note: String?
        var lines: [Line]
    }

    private static let task = ArgumentsTask("shop.invoice", Invoice.self, positional: ["customer"]) { invoice, _ in
        "\(invoice.customer) \(invoice.note ?? "-") \(invoice.lines.count)"
    }

    @Test func `reads its struct from named arguments, some by place`() async throws {
        #expect(try await Running(Self.task).result([7], ["lines": []]) == "7 - 0")
        #expect(try await Running(Self.task).result([], ["customer": 7, "lines": [], "note": "n"]) == "7 n 0")
    }

    @Test(
        arguments: [
            ([], ["lines": []], "invoice() missing 1 required positional argument: 'customer'"),
            ([7, 8], ["lines": []], "invoice() takes 1 positional argument but 2 were given"),
            ([7], ["lines": [], "customer": 8], "invoice() got multiple values for argument 'customer'"),
            ([7], ["lines": [], "color": 8], "invoice() got an unexpected keyword argument 'color'"),
            (["7"], ["lines": []], "invoice() argument 'customer' must be int, not str"),
            (
                [7], ["lines": [["item": "a", "count": nil]]],
                "invoice() argument 'lines[0].count' must be int, not NoneType"
            ),
        ] as [([JSONValue], JSONObject, String)]
    )
    func `says as Python what is wrong with a member`(
        args: [JSONValue],
        kwargs: JSONObject,
        message: String
    ) async throws {
        let failure = try await Running(Self.task).failure(args, kwargs)
        #expect(failure.type == "TypeError")
        #expect(failure.message == message)
    }

    @Test func `makes signatures with named arguments`() throws {
        let signature = try Self.task.s(Invoice(customer: 1, lines: [Line(item: "a", count: 2)]))
        #expect(signature.kwargs == ["customer": 1, "lines": [["item": "a", "count": 2]]])
        #expect(signature.args.isEmpty)
    }
}

@Suite struct RawTaskTests {
    @Test func `takes whatever comes`() async throws {
        let echo = RawTask("proj.echo") { arguments, _ in [arguments.positional, [.object(arguments.keyword)]] }
        #expect(try await Running(echo).result([1, "a"], ["k": nil]) == [[1, "a"], [["k": nil]]])
        #expect(echo.s(1, 2, kwargs: ["a": 3]) == Signature("proj.echo", args: [1, 2], kwargs: ["a": 3]))
    }
}
