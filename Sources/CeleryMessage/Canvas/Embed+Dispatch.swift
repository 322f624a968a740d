extension Embed {
    /// What a task that succeeded sends: its callbacks, then the next step of its chain.
    ///
    /// One callback is sent by itself; of several, each group is sent by itself and all others together as a new group
    /// (`celery/app/trace.py`).
    ///
    /// - Parameters:
    ///   - result: JSON text of the task's return value.
    ///   - context: the task and where to send.
    public func afterSuccess(result: [UInt8], context: DispatchContext) throws(MessageError) -> Dispatch {
        if callbacks.isEmpty, chain.isEmpty { return Dispatch() }
        let sender = SignatureSender(context: context)
        let result = SignatureSender.Partial(argument: try .init(text: result))
        var call = SignatureSender.Call(options: context.descent)
        var dispatch = Dispatch()
        if callbacks.count == 1 {
            dispatch.append(try sender.send(callbacks[0], result, call))
        } else {
            for group in callbacks where group.kind == .group {
                dispatch.append(try sender.send(group, result, call))
            }
            let others = callbacks.filter { $0.kind != .group }
            if !others.isEmpty { dispatch.append(try sender.sendGroup(of: others, result, call)) }
        }
        if let next = chain.last {
            call.chain = Array(chain.dropLast())
            dispatch.append(try sender.send(next, result, call))
        }
        return dispatch
    }

    /// What a task that failed sends: its errbacks as one group, each called with the failed task's id.
    ///
    /// Errbacks that run inside the worker instead are left out by the caller (`celery/backends/base.py`).
    ///
    /// - Parameters:
    ///   - context: the failed task and where to send.
    ///   - errbacks: those to send; all by default.
    ///   - failedID: the id to call them with, when it is not the task's own: that of a chord's body that will not run.
    ///   - details: what to call them with instead of the id.
    public func afterFailure(
        context: DispatchContext,
        errbacks: [Signature]? = nil,
        failedID: String? = nil,
        details: [JSONValue]? = nil
    ) throws(MessageError) -> Dispatch {
        let signatures = errbacks ?? self.errbacks
        guard !signatures.isEmpty, let id = failedID ?? context.parent?.id else { return Dispatch() }
        // Without a request of its own, a body is its own root.
        let root = failedID ?? context.parent?.root ?? id
        return try SignatureSender(context: context).sendGroup(
            of: signatures,
            SignatureSender.Partial(args: details ?? [.string(id)]),
            SignatureSender.Call(options: ["parent_id": .string(id), "root_id": .string(root)])
        )
    }

    /// A later step of a chain, which fails with the task before it.
    public struct LaterTask: Sendable, Hashable {
        /// The id the step would have run under.
        public var id: String
        /// The task named as its parent, if its options name one.
        public var parentID: String?
        /// Its group, if its options name one.
        public var groupID: String?
        /// Its place in the group.
        public var groupIndex: Int?
        /// The body of the chord whose header waits for it.
        public var chord: Signature?
    }

    /// The steps of the chain that have an id, in the order in which Celery fails them: the last one first, what is
    /// inside a chord or group after it.
    public var laterTasks: [LaterTask] { Self.laterTasks(chain) }

    /// What a failure before these signatures keeps from running, in the order in which Celery fails them.
    ///
    /// A chord's result is that of its body and a group's those of its members, so the failure reaches them: whoever
    /// waits there, a client or an enclosing chord, would wait for good.
    public static func laterTasks(_ steps: [Signature]) -> [LaterTask] {
        var later: [LaterTask] = []
        var pending = steps
        var next = 0
        while next < pending.count {
            let step = pending[next]
            next += 1
            if let id = step.options.id("task_id") { later.append(LaterTask(id, step)) }
            // Parts that are no signatures have no ids to fail.
            switch step.kind {
            case .plain: break
            case .chord: if let body = try? step.body() { pending.append(body) }
            case .group: pending += (try? step.parts()) ?? []
            case .chain: if let last = try? step.parts().last, last.kind != .plain { pending.append(last) }
            }
        }
        return later
    }
}

extension Embed.LaterTask {
    fileprivate init(_ id: String, _ step: Signature) {
        self.id = id
        parentID = step.options["parent_id"]?.string
        var options = step.options
        // The last task of a chain is the one that counts in a header.
        if step.kind == .chain, options["chord"] == nil, let last = try? step.parts().last, last.kind == .plain {
            options = last.options
        }
        groupID = options["group_id"]?.string
        groupIndex = options.integer("group_index")
        // The members of a group count in a header, not the group; a chord's body, not the chord.
        guard step.kind == .plain || step.kind == .chain, let chord = options["chord"], !chord.isNull else { return }
        self.chord = try? Signature(json: chord)  // not a signature: nothing waits for it
    }
}

extension DispatchContext {
    /// What follows a task takes from it: its id as the parent, its root, its priority where priorities are inherited.
    var descent: JSONObject {
        guard let parent else { return [:] }
        return [
            "parent_id": .string(parent.id), "root_id": .string(parent.root),
            "priority": inheritedPriority.map { .int(Int64($0)) } ?? .null,
        ]
    }
}

extension Signature {
    /// The messages that this signature becomes when it is sent, with the results that name them.
    ///
    /// - Parameters:
    ///   - parentResult: JSON text to put in front of the arguments, unless the signature is immutable.
    ///   - context: the task that sends, if any, and where to send.
    public func dispatch(parentResult: [UInt8]? = nil, context: DispatchContext) throws(MessageError) -> Dispatch {
        let argument = try parentResult.map { text throws(MessageError) in try SignatureSender.Argument(text: text) }
        return try SignatureSender(context: context).send(self, SignatureSender.Partial(argument: argument))
    }

    /// The messages alone.
    public func message(parentResult: [UInt8]?, context: DispatchContext) throws(MessageError) -> [TaskMessage] {
        try dispatch(parentResult: parentResult, context: context).messages
    }
}
