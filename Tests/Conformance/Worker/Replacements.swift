import Celeriac

/// Tasks that give their place to another signature.
enum Replacements {
    /// What tasks with a stamping visitor for their replacements put on them.
    static let stamps: JSONObject = ["StampOnReplace": "This is the replaced task"]

    static let tasks: [any TaskDeclaration] = [
        TaskDefinition(integration("add_replaced"), "x", "y") {
            (context: TaskContext, x: JSONValue, y: JSONValue) in
            throw context.replace(by: Arithmetic.add.partial(x, y))
        },
        TaskDefinition(integration("add_replaced_with_chain"), "x", "y") {
            (context: TaskContext, x: JSONValue, y: JSONValue) in
            throw context.replace(by: Arithmetic.add.partial(x, y) | Arithmetic.identity.partial())
        },
        TaskDefinition(integration("add_to_all"), "nums", "val") {
            (context: TaskContext, numbers: [JSONValue], value: JSONValue) in
            throw context.replace(by: .group(numbers.map { Arithmetic.add.partial($0, value) }))
        },
        TaskDefinition(
            integration("record_replaced_task_nesting"),
            "replacements",
            TaskParameter("nesting", default: [Int]())
        ) { (context: TaskContext, replacements: Int, before: [Int]?) in
            let nesting = (before ?? []) + [context.request.headers.replacedTaskNesting]
            guard replacements > 0 else { return nesting }
            let next = Signature(
                integration("record_replaced_task_nesting"),
                args: [.int(Int64(replacements) - 1), .array(nesting.map { .int(Int64($0)) })]
            )
            throw context.replace(by: next.set(replyTo: context.request.properties.replyTo))
        },
        RawTask(integration("replace_with_chain")) { arguments, context in
            let chain = Arithmetic.identity.partial(arguments.positional) | Arithmetic.identity.partial()
            throw context.replace(by: try chain.link(RedisMarks.echo(of: arguments)))
        },
        RawTask(integration("replace_with_chain_which_raises")) { arguments, context in
            let chain = Arithmetic.identity.partial(arguments.positional) | Failures.raiseError.s()
            throw context.replace(by: try chain.linkError(RedisMarks.echo(of: arguments)))
        },
        RawTask(integration("replace_with_empty_chain")) { _, context in
            throw context.replace(by: .chain([]))
        },
        RawTask(integration("replace_with_chain_which_contains_a_group")) { _, context in
            let group = Signature.group(Arithmetic.add.partial(1), Arithmetic.add.partial(1))
            throw context.replace(by: Arithmetic.add.partial(1, 2) | group)
        },
        RawTask(integration("fail_replaced")) { arguments, context in
            throw context.replace(by: Signature(integration("fail"), args: arguments.positional, immutable: true))
        },
        TaskDefinition(integration("replace_with_stamped_task"), "replace_with") {
            (context: TaskContext, other: Signature?) in
            throw context.replace(by: (other ?? Signature(integration("replaced_with_me"))).stamped(stamps))
        },
        TaskDefinition(smoke("replace_with_task"), "replace_with") { (context: TaskContext, other: Signature?) in
            throw context.replace(by: other ?? Signature(integration("replaced_with_me")))
        },
        secondOrder(
            "second_order_replace1",
            "A",
            by: {
                Signature(integration("second_order_replace2"))
                    | Signature(integration("second_order_replace1"), kwargs: ["state": true], immutable: true)
            }
        ),
        secondOrder(
            "second_order_replace2",
            "B",
            by: {
                Signature(integration("redis_echo"), args: ["In/Out C"])
                    | Signature(integration("second_order_replace2"), kwargs: ["state": true], immutable: true)
            }
        ),
    ]

    /// A task that notes its beginning and is replaced; run with `state`, it notes its end.
    private static func secondOrder(
        _ name: String,
        _ letter: String,
        by replacement: @escaping @Sendable () -> Signature
    ) -> any TaskDeclaration {
        TaskDefinition(integration(name), TaskParameter("state", default: JSONValue.bool(false))) {
            (context: TaskContext, state: JSONValue) in
            guard !Python.isTrue(state) else { return try await RedisMarks.push("Out \(letter)", to: "redis-echo") }
            try await RedisMarks.push("In \(letter)", to: "redis-echo")
            throw context.replace(by: replacement())
        }
    }
}

extension TaskDefinition {
    /// A call that lacks arguments, of a list of those it has.
    func partial(_ args: [JSONValue]) -> Signature { Signature(name, args: args) }
}
