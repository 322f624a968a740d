import Celeriac

/// Tasks that add to the chord they are part of, and tasks that start canvases of their own.
enum ChordAdditions {
    private static let add = Arithmetic.add

    static let tasks: [any TaskDeclaration] = [
        TaskDefinition(integration("add_to_all_to_chord"), "nums", "val") {
            (context: TaskContext, numbers: [JSONValue], value: JSONValue) in
            for number in numbers { context.addToChord(add.partial(number, value)) }
            return 0
        },
        TaskDefinition(integration("add_chord_to_chord"), "nums", "val") {
            (context: TaskContext, numbers: [JSONValue], value: JSONValue) in
            let header = numbers.map { add.partial($0, value) }
            context.addToChord(.chord(header: header, body: Signature(integration("tsum"))))
            return 0
        },
        TaskDefinition(integration("chain_add"), "x", "y") {
            (context: TaskContext, x: JSONValue, y: JSONValue) in
            try context.apply(add.partial(x, x) | add.partial(y))
        },
        TaskDefinition(integration("chord_add"), "x", "y") {
            (context: TaskContext, x: JSONValue, y: JSONValue) in
            try context.apply(.chord(header: [add.partial(x, x)], body: add.partial(y)))
        },
        TaskDefinition(integration("build_chain_inside_task")) { (context: TaskContext) in
            let group = Signature.group(add.partial(3), add.partial(4))
            return try context.apply(add.partial(1, 1) | add.partial(2) | group | add.partial(5)).json
        },
    ]
}
