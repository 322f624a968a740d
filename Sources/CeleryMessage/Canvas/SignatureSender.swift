/// Turns signatures into messages as `apply_async` does (`celery/canvas.py`, `celery/app/base.py`).
///
/// The steps are Celery's, so that the messages are: a chain is prepared from its end, groups followed by a task become
/// chords, ids are given out (``freeze(_:_:)``), then the first task or the members are sent. Values take the place of the
/// objects that Celery shares and changes.
struct SignatureSender {
    /// What goes in front of the arguments, as text to splice in and as a value to print.
    struct Argument {
        var text: [UInt8]
        var value: JSONValue

        init(value: JSONValue) {
            self.value = value
            text = JSONWriter.bytes(value)
        }

        init(text: [UInt8]) throws(MessageError) {
            self.text = text
            do throws(JSONError) {
                value = try JSONReader.value(text, limits: JSONLimits(bytes: .max))
            } catch {
                throw MessageError(.undecodable, "the result is not JSON: \(error)")
            }
        }
    }

    /// Arguments given to a signature that has some of its own; an immutable one ignores them.
    struct Partial {
        var argument: Argument?
        var args: [JSONValue] = []
        var kwargs = JSONObject()

        /// The arguments for the parts of a canvas that has some itself.
        func adding(_ signature: Signature) -> Partial {
            if signature.immutable { return Partial(args: signature.args) }
            var copy = self
            copy.args += signature.args
            return copy
        }
    }

    /// What one `apply_async` is given besides arguments.
    struct Call {
        var options = JSONObject()
        /// The rest of the chain, reversed; `nil` outside of one.
        var chain: [Signature]?
        /// The body of the chord whose header this belongs to.
        var chord: Signature?
    }

    let context: DispatchContext

    /// Sends a signature of any kind.
    func send(
        _ signature: Signature,
        _ partial: Partial = Partial(),
        _ call: Call = Call()
    ) throws(MessageError) -> Dispatch {
        switch signature.kind {
        case .plain:
            let message = try message(signature.taking(call.options), partial, call)
            let result = ResultTuple.task(message.headers.id)
            return Dispatch(messages: [message], children: [result], result: result)
        case .chain: return try sendChain(signature, partial, call)
        case .group: return try sendGroup(signature, partial, call)
        case .chord: return try sendChord(signature, partial, call)
        }
    }

    // MARK: Chains

    /// The options of a chain that do not go to its first task.
    private static let chainOptions: Set<String> = [
        "chord", "group_id", "group_index", "link", "link_error", "parent_id", "root_id", "task_id", "chain",
        "producer",
        "publisher",
    ]

    /// Sends the first task; the others go along in its embed, with ids of their own.
    private func sendChain(
        _ chain: Signature,
        _ partial: Partial,
        _ call: Call
    ) throws(MessageError) -> Dispatch {
        var options = chain.options
        for (key, value) in call.options where !value.isNull { options[key] = value }
        let place = Place(
            id: options.id("task_id"),
            group: options.id("group_id"),
            index: options.integer("group_index"),
            chord: call.chord?.json ?? options.given("chord"),
            root: options.id("root_id")
        )
        var steps = try prepare(
            try chain.parts(),
            place,
            errbacks: Signature.listed(options["link_error"]),
            for: .sending
        )
        guard let result = steps.result, !steps.tasks.isEmpty else { return Dispatch() }
        for callback in Signature.listed(options["link"]) { try steps.tasks[0].linkAll(callback) }
        let first = steps.tasks.removeLast()
        var rest = call.chain ?? []
        if call.chain == nil { rest = try Embed.signatures(options["chain"], named: "chain") }
        rest += steps.tasks
        var sent = try send(
            first,
            partial.adding(chain),
            Call(options: options.without(Self.chainOptions), chain: rest)
        )
        if !steps.tasks.isEmpty { sent.result = result }
        return sent
    }

    // MARK: Groups

    /// Sends the members, with groups inside laid flat, all under the group's id.
    private func sendGroup(
        _ group: Signature,
        _ partial: Partial,
        _ call: Call
    ) throws(MessageError) -> Dispatch {
        var options = group.options
        for (key, value) in call.options where !value.isNull {
            if key == "group_id" || key == "stamped_headers", options[key] != nil { continue }
            options[key] = value
        }
        let id = options.id("task_id") ?? context.makeID()
        // A group that ends a chain inside a header has its members counted there, not under its own id.
        let countsHere = options.id("group_id").map { $0 == id } ?? true
        var chord = call.chord
        if chord == nil, let body = options["chord"], !body.isNull { chord = try Signature(json: body) }
        options = options.without(["task_id", "group_index", "chord", "add_to_parent", "producer"])
        options["group_id"] = .string(id)

        var dispatch = Dispatch()
        var members: [ResultTuple] = []
        var size = 0
        for var member in try prepared(try group.parts()) {
            let place = Place(group: id, index: member.index, root: options.id("root_id"))
            members.append(try freeze(&member.signature, place))
            if chord != nil { size += try member.signature.size() }
            let sent = try send(member.signature, partial, Call(options: options, chain: call.chain, chord: chord))
            dispatch.messages += sent.messages
            dispatch.chordStarts += sent.chordStarts
        }
        var result = ResultTuple.group(id, members: members)
        if members.count == 1, members[0].members != nil { result = members[0] }
        dispatch.result = result
        if !members.isEmpty { dispatch.children = [result] }
        if chord != nil, countsHere, !members.isEmpty {
            dispatch.chordStarts.append(ChordStart(groupID: id, size: size))
        }
        return dispatch
    }

    /// Sends signatures as a new group.
    func sendGroup(of signatures: [Signature], _ partial: Partial, _ call: Call) throws(MessageError) -> Dispatch {
        try sendGroup(.group(signatures), partial, call)
    }

    private struct Member {
        var signature: Signature
        var index: Int
    }

    /// The members of a group with their places; a group inside counts its own from zero, as Celery does.
    private func prepared(_ parts: [Signature]) throws(MessageError) -> [Member] {
        var members: [Member] = []
        for (index, part) in parts.enumerated() {
            if part.kind == .group {
                members += try prepared(try part.parts())
            } else if try !part.isEmptyChain() {
                members.append(Member(signature: part, index: index))
            }
        }
        return members
    }

    // MARK: Chords

    /// The options of a chord that its body does not get.
    private static let headerOptions: Set<String> = [
        "parent_id", "countdown", "eta", "link", "link_error", "task_id", "add_to_parent", "producer",
    ]

    /// Sends the header, each task with the body; with an empty header the body, with no results.
    private func sendChord(
        _ chord: Signature,
        _ partial: Partial,
        _ call: Call
    ) throws(MessageError) -> Dispatch {
        var given = call.options
        if let chain = call.chain { given["chain"] = .array(chain.map(\.json)) }
        if let outer = call.chord { given["chord"] = outer.json }
        let options = chord.options.overlaid(with: given)
        var header = try chord.header()
        let id = chord.options.id("task_id") ?? header.options.id("task_id") ?? context.makeID()

        var body = try chord.body()
        body.take(given.without(Self.headerOptions), nulls: .kept)
        let root = body.options.id("root_id")
        let callbacks = Signature.listed(options["link"])
        let errbacks = Signature.listed(options["link_error"])
        for callback in callbacks { try body.link(callback) }
        for errback in errbacks { try body.linkBodyError(errback, context.errbackReach) }
        body.options = body.options.overlaid(with: options.without(Self.headerOptions))
        if body.kind == .chain { body = try unrollingChords(body) }
        var result = try freeze(&body, Place(id: options.id("task_id") ?? context.makeID(), group: id, root: root))

        header.options = ["task_id": .string(id)]
        let group = try freeze(&header, Place(group: id, root: root))
        result.appendAncestor(group)
        guard try !header.parts().isEmpty else {
            var sent = try send(body, Partial(argument: Argument(value: [])))
            sent.result = result
            return sent
        }
        var delays = JSONObject()
        for key in ["countdown", "eta"] {
            delays[key] = call.options.given(key) ?? chord.options.given(key)
        }
        let kept = options.without(["chain", "chord", "task_id", "link", "link_error", "countdown", "eta"])
        var partial = partial.adding(chord)
        if let kwargs = chord.kwargs["kwargs"]?.object { partial.kwargs = kwargs.overlaid(with: partial.kwargs) }
        var sent = try sendGroup(header, partial, Call(options: kept.overlaid(with: delays), chord: body))
        sent.save(group)
        sent.result = result
        return sent
    }

    /// A chain with the chords in it taken apart: `chord(header, chain(a, b))` becomes `chord(header, a), b`, so that not
    /// every task of the header carries the whole rest.
    private func unrollingChords(_ chain: Signature) throws(MessageError) -> Signature {
        var pending = Array(try chain.parts().reversed())
        var steps: [Signature] = []
        while var step = pending.popLast() {
            if step.kind == .chain { step = try unrollingChords(step) }
            if let parts = try unrolledBody(step) {
                pending += parts.reversed()
            } else {
                steps.append(step)
            }
        }
        var chain = chain
        chain.setParts(steps)
        return chain
    }

    /// A chord with a task in the place of its chain body, and the rest of the chain; `nil` for anything else.
    func unrolledBody(_ chord: Signature) throws(MessageError) -> [Signature]? {
        guard chord.kind == .chord else { return nil }
        let body = try chord.body()
        guard try body.isChainLedByTask() else { return nil }
        var steps = try body.unchained(errbacks: context.errbackReach)
        let first = steps[0].taking(body.options.without(Self.chainOptions))
        var chord = chord
        chord.kwargs["body"] = first.json
        steps[0] = chord
        return steps
    }
}

extension Signature {
    /// Adds a callback to every task of a group, which `link` does not; to anything else as `link` does.
    fileprivate mutating func linkAll(_ callback: JSONValue) throws(MessageError) {
        guard kind == .group else { return try link(callback) }
        var parts = try parts()
        for index in parts.indices { try parts[index].link(callback) }
        setParts(parts)
    }

    /// Adds an errback of a chord to its body: to each task of a group, else to the body's own, where the failure of the
    /// header finds it.
    fileprivate mutating func linkBodyError(_ errback: JSONValue, _ reach: ErrbackReach) throws(MessageError) {
        if kind == .group {
            try linkError(errback, reach)
        } else {
            let list = Self.listed(options["link_error"])
            if !list.contains(errback) { options["link_error"] = .array(list + [errback]) }
        }
    }
}

extension Dispatch {
    /// Saves a header's group with its chord's start, where a member is itself a group: the body is to see the nesting.
    fileprivate mutating func save(_ group: ResultTuple) {
        guard group.members?.contains(where: { $0.members != nil }) ?? false else { return }
        for index in chordStarts.indices where chordStarts[index].groupID == group.id {
            chordStarts[index].savedGroup = JSONWriter.bytes(["result": group.json])
        }
    }
}
