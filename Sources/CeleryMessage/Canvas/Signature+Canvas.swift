/// Canvases as signatures, in the form `celery/canvas.py` gives them on the wire.
///
/// They are what is embedded in messages; sending one turns it into messages, see ``SignatureSender``.
extension Signature {
    /// Tasks that run one after the other, each with the result of the one before.
    public static func chain(_ tasks: [Signature], options: JSONObject = .init()) -> Signature {
        Signature(
            task: "celery.chain",
            kwargs: ["tasks": .array(tasks.map(\.json))],
            options: options,
            subtaskType: "chain"
        )
    }

    /// Tasks that run one after the other, each with the result of the one before.
    public static func chain(_ tasks: Signature...) -> Signature { chain(tasks) }

    /// Tasks that run side by side.
    public static func group(_ tasks: Signature...) -> Signature { group(tasks) }

    /// Tasks that run side by side.
    public static func group(_ tasks: [Signature], options: JSONObject = .init()) -> Signature {
        Signature(
            task: "celery.group",
            kwargs: ["tasks": .array(tasks.map(\.json))],
            options: options,
            subtaskType: "group"
        )
    }

    /// Tasks that run side by side, and one that runs with the list of their results when all have ended.
    public static func chord(
        header: [Signature],
        body: Signature,
        options: JSONObject = .init()
    ) -> Signature {
        Signature(
            task: "celery.chord",
            kwargs: ["kwargs": [:], "header": .array(header.map(\.json)), "body": body.json],
            options: options,
            subtaskType: "chord"
        )
    }

    /// One task that calls `task` with each value in turn; its result is the list of the results.
    public static func map(_ task: Signature, over values: [JSONValue]) -> Signature {
        Signature(task: "celery.map", kwargs: ["task": task.json, "it": .array(values)], immutable: true)
    }

    /// One task that calls `task` with each list of arguments in turn; its result is the list of the results.
    public static func starmap(_ task: Signature, over arguments: [[JSONValue]]) -> Signature {
        Signature(
            task: "celery.starmap",
            kwargs: ["task": task.json, "it": .array(arguments.map { .array($0) })],
            immutable: true
        )
    }

    /// A group of ``starmap(_:over:)``, each with at most `size` lists of arguments: what Celery sends for its `chunks`.
    public static func chunks(_ task: Signature, over arguments: [[JSONValue]], size: Int) -> Signature {
        let step = max(1, size)
        let parts = stride(from: 0, to: arguments.count, by: step).map { start in
            starmap(task, over: Array(arguments[start..<min(start + step, arguments.count)]))
        }
        return group(parts)
    }
}
