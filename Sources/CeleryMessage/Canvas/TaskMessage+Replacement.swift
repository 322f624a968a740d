extension TaskMessage {
    /// The signature that takes this task's place (`celery/app/task.py`, `replace`): it inherits the id, the place in a
    /// group or chord, the callbacks and errbacks, and the rest of the chain follows it.
    ///
    /// A group becomes a chord whose body, `celery.accumulate`, hands the results on; a chain carries the id on its last
    /// task.
    ///
    /// - Throws: ``MessageError`` for a signature that is part of another chord, and for an empty chain.
    public func replacement(_ signature: Signature, context: DispatchContext) throws(MessageError) -> Signature {
        if let chord = signature.options["chord"], !chord.isNull {
            throw MessageError(.improperlyConfigured, "A signature replacing a task must not be part of a chord")
        }
        guard try !signature.isEmptyChain() else {
            throw MessageError(.improperlyConfigured, "Cannot replace with an empty chain")
        }
        var signature = try Self.endingInOneTask(signature)
        for callback in payload.embed.callbacks { try signature.link(callback.json) }
        for errback in payload.embed.errbacks { try signature.linkError(errback.json, context.errbackReach) }
        if signature.kind == .chain {
            // On the chain itself they would end up on whatever is chained behind it below.
            var steps = try signature.parts()
            for callback in Signature.listed(signature.options["link"]) { try steps[steps.count - 1].link(callback) }
            signature.options["link"] = nil
            signature.setParts(steps)
        }
        _ = try SignatureSender(context: context).freeze(&signature, SignatureSender.Place(id: headers.id))
        inherit(&signature)
        var next: [Signature] = []
        for var step in payload.embed.chain.reversed() {
            step.options["replaced_task_nesting"] = nesting
            next.append(step)
        }
        return try Self.chain(signature, next, context.errbackReach)
    }

    private var nesting: JSONValue { .int(Int64(headers.replacedTaskNesting) &+ 1) }

    private static func endingInOneTask(_ signature: Signature) throws(MessageError) -> Signature {
        let accumulate = Signature(task: "celery.accumulate", kwargs: ["index": 0])
        switch signature.kind {
        case .group: return .chord(header: try signature.parts(), body: accumulate)
        case .chain:
            var steps = try signature.parts()
            if let last = steps.last, last.kind == .group {
                steps[steps.count - 1] = .chord(header: try last.parts(), body: accumulate)
            }
            var chain = signature
            chain.setParts(steps)
            return chain
        case .plain, .chord: return signature
        }
    }

    private func inherit(_ signature: inout Signature) {
        signature.options["chord"] = payload.embed.chord?.json ?? .null
        signature.options["group_id"] = headers.group.map(JSONValue.string) ?? .null
        signature.options["group_index"] = headers.groupIndex.map { .int(Int64($0)) } ?? .null
        signature.options["root_id"] = headers.rootID.map(JSONValue.string) ?? .null
        signature.options["replaced_task_nesting"] = nesting
        guard signature.kind == .chain, var steps = try? signature.parts() else { return }  // read above
        for index in steps.indices { steps[index].options["replaced_task_nesting"] = nesting }
        signature.setParts(steps)
    }

    /// The signature with the rest of the chain behind it: behind the body of a chord, inside of a chain.
    private static func chain(
        _ signature: Signature,
        _ next: [Signature],
        _ reach: ErrbackReach
    ) throws(MessageError) -> Signature {
        guard !next.isEmpty else { return signature }
        switch signature.kind {
        case .chain: return .chain(try signature.unchained(errbacks: reach) + next)
        case .plain, .group: return .chain([signature] + next)
        case .chord:
            var chord = signature
            let body = try chord.body()
            let steps = body.kind == .chain ? try body.unchained(errbacks: reach) : [body]
            chord.kwargs["body"] = Signature.chain(steps + next).json
            return chord
        }
    }
}
