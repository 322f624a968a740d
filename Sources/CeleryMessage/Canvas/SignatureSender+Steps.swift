extension SignatureSender {
    /// Where a signature stands while it is given its id.
    struct Place {
        /// The id for one that has none.
        var id: String?
        var group: String?
        var index: Int?
        /// The body of the chord whose header it belongs to.
        var chord: JSONValue?
        var root: String?
    }

    /// Gives a signature and all parts of it the ids they will run under; answers the result they will have.
    ///
    /// A chain is laid flat in this, and groups in it that a task follows become chords.
    func freeze(_ signature: inout Signature, _ place: Place) throws(MessageError) -> ResultTuple {
        switch signature.kind {
        case .plain: return freezeTask(&signature, place)
        case .group: return try freezeGroup(&signature, place)
        case .chain:
            let steps = try prepare(try signature.parts(), place, errbacks: [], for: .freezing)
            guard let result = steps.result else { throw MessageError(.invalidTask, "a chain has no tasks") }
            signature.setParts(steps.tasks.reversed())
            signature.options["task_id"] = .string(result.id)
            return result
        case .chord:
            var header = try signature.header()
            let group = try freezeGroup(&header, Place(root: place.root))
            signature.kwargs["header"] = header.json
            signature.options["task_id"] = .string(group.id)
            var body = try signature.body()
            var result = try freeze(&body, place)
            signature.kwargs["body"] = body.json
            result.appendAncestor(group)
            return result
        }
    }

    private func freezeTask(_ signature: inout Signature, _ place: Place) -> ResultTuple {
        let id = signature.options.id("task_id") ?? place.id ?? context.makeID()
        signature.options["task_id"] = .string(id)
        if let root = place.root { signature.options["root_id"] = .string(root) }
        // Whoever freezes for somebody else to send has none to write.
        if signature.options["reply_to"] == nil, !context.replyTo.isEmpty {
            signature.options["reply_to"] = .string(context.replyTo)
        }
        if let group = place.group, signature.options["group_id"] == nil {
            signature.options["group_id"] = .string(group)
        }
        if let chord = place.chord { signature.options["chord"] = chord }
        if let index = place.index { signature.options["group_index"] = .int(Int64(index)) }
        return .task(id)
    }

    /// Lays groups inside flat, as Celery does: their tasks in reverse, counted with the others.
    private func freezeGroup(_ signature: inout Signature, _ place: Place) throws(MessageError) -> ResultTuple {
        let id = signature.options.id("task_id") ?? context.makeID()
        signature.options["task_id"] = .string(id)
        if let group = place.group { signature.options["group_id"] = .string(group) }
        if let chord = place.chord { signature.options["chord"] = chord }
        if let index = place.index { signature.options["group_index"] = .int(Int64(index)) }
        let root = signature.options.id("root_id") ?? place.root
        if signature.options["root_id"] == nil {
            signature.options["root_id"] = place.root.map(JSONValue.string) ?? .null
        }
        if signature.options["parent_id"] == nil { signature.options["parent_id"] = .null }

        var stack = Array(try signature.parts().reversed())
        var tasks: [Signature] = []
        var results: [ResultTuple] = []
        while var task = stack.popLast() {
            if task.kind == .group {
                stack += try task.parts()
            } else if try !task.isEmptyChain() {
                let inside = Place(group: place.group, index: tasks.count, chord: place.chord, root: root)
                results.append(try freeze(&task, inside))
                tasks.append(task)
            }
        }
        signature.setParts(tasks)
        return .group(id, members: results)
    }

    // MARK: Chains

    /// What the steps of a chain are prepared for.
    enum Purpose {
        /// To be sent: chords with a chain as their body are taken apart.
        case sending
        /// To keep their form, with ids.
        case freezing
    }

    /// The steps of a chain, reversed as on the wire: the first one is the last element.
    struct Steps {
        var tasks: [Signature] = []
        /// The results in the same order.
        fileprivate var results: [ResultTuple] = []

        /// The last task's result with those before it as ancestors; `nil` for an empty chain.
        var result: ResultTuple? {
            guard let last = results.first else { return nil }
            var linked: ResultTuple?
            // Nobody walks further back than this, and nesting without a bound ends in the stack's end.
            for result in results.prefix(500).dropFirst().reversed() {
                var result = result
                if let before = linked { result.appendAncestor(before) }
                linked = result
            }
            var result = last
            if let linked { result.appendAncestor(linked) }
            return result
        }
    }

    /// Prepares the steps of a chain from the last one to the first.
    ///
    /// The last step gets the chain's id and its place in a group or chord, as it is the one whose end counts there.
    func prepare(
        _ parts: [Signature],
        _ place: Place,
        errbacks: [JSONValue],
        for purpose: Purpose
    ) throws(MessageError) -> Steps {
        var waiting = try withoutEmptyHead(parts)
        var steps = Steps()
        var isLast = true
        while var step = waiting.popLast() {
            step = try step.unrolled()
            if try step.isEmptyGroup(), !waiting.isEmpty || !steps.tasks.isEmpty { continue }
            if purpose == .sending, let parts = try unrolledBody(step) {
                waiting += parts
                continue
            }
            if step.kind == .chain {
                waiting += try step.unchained(errbacks: context.errbackReach)
                continue
            }
            if step.kind == .group, let next = steps.tasks.popLast() {
                steps.results.removeLast()
                step = .chord(header: try step.parts(), body: next)
                if let root = place.root { step.options["root_id"] = .string(root) }
            }
            let result = try freeze(&step, isLast ? place : Place(root: place.root))
            isLast = false
            for errback in errbacks { try step.linkError(errback, context.errbackReach) }
            steps.tasks.append(step)
            steps.results.append(result)
        }
        return steps
    }

    /// Splices chains at the head and leaves out empty groups there, or they would swallow the arguments of the first
    /// task; of nothing but empty groups one stays.
    private func withoutEmptyHead(_ parts: [Signature]) throws(MessageError) -> [Signature] {
        var rest = parts[...]
        var head: [Signature] = []
        var stripped: Signature?
        while let first = head.popLast() ?? rest.popFirst() {
            if first.kind == .chain {
                head += try first.unchained(errbacks: context.errbackReach).reversed()
                continue
            }
            let step = try first.unrolled()
            if try step.isEmptyGroup() {
                stripped = step
                continue
            }
            return [step] + head.reversed() + rest
        }
        return stripped.map { [$0] } ?? []
    }
}

extension ResultTuple {
    /// Puts a result behind the earliest one.
    mutating func appendAncestor(_ ancestor: ResultTuple) {
        guard var parent else { return parent = ancestor }
        parent.appendAncestor(ancestor)
        self.parent = parent
    }
}
