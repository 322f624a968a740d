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
        let sender = SignatureSender(context: context, argument: try .init(text: result))
        var dispatch = Dispatch()
        if callbacks.count == 1 {
            dispatch.append(try sender.send(callbacks[0]))
        } else {
            for group in callbacks where group.kind == .group { dispatch.append(try sender.send(group)) }
            let others = callbacks.filter { $0.kind != .group }
            if !others.isEmpty { dispatch.append(try sender.sendGroup(of: others)) }
        }
        if let next = chain.last {
            dispatch.append(try sender.send(next, SignatureSender.Placement(chain: Array(chain.dropLast()))))
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
    public func afterFailure(
        context: DispatchContext,
        errbacks: [Signature]? = nil
    ) throws(MessageError) -> Dispatch {
        let signatures = errbacks ?? self.errbacks
        guard !signatures.isEmpty else { return Dispatch() }
        let argument = SignatureSender.Argument(value: context.parent.map { .string($0.id) } ?? .null)
        return try SignatureSender(context: context, argument: argument).sendGroup(of: signatures)
    }

    /// A later step of a chain, which fails with the task before it.
    public struct LaterTask: Sendable, Hashable {
        /// The id the step would have run under.
        public var id: String
        /// The task named as its parent, if its options name one.
        public var parentID: String?
        /// Its group, if its options name one.
        public var groupID: String?
    }

    /// The steps of the chain that have an id, in the order in which Celery fails them: the last one first.
    public var laterTasks: [LaterTask] {
        chain.compactMap { step in
            guard let id = step.options["task_id"]?.string else { return nil }
            return LaterTask(
                id: id,
                parentID: step.options["parent_id"]?.string,
                groupID: step.options["group_id"]?.string
            )
        }
    }
}

extension Signature {
    /// The messages that this signature becomes when a task has ended.
    ///
    /// A chain becomes its first task with the rest embedded, a group one message for each task. A chord among them is
    /// refused with ``MessageError/Code/unsupportedCanvas``.
    ///
    /// - Parameters:
    ///   - parentResult: JSON text to put in front of the arguments, unless the signature is immutable.
    ///   - context: the task that ended and where to send.
    public func message(parentResult: [UInt8]?, context: DispatchContext) throws(MessageError) -> [TaskMessage] {
        try dispatch(parentResult: parentResult, context: context).messages
    }

    /// The messages with the result tuples that name them.
    public func dispatch(parentResult: [UInt8]?, context: DispatchContext) throws(MessageError) -> Dispatch {
        let argument = try parentResult.map { text throws(MessageError) in try SignatureSender.Argument(text: text) }
        return try SignatureSender(context: context, argument: argument).send(self)
    }

    enum Kind {
        case plain, chain, group, chord
    }

    /// What the signature is; names such as `celery.map` are ordinary tasks.
    var kind: Kind {
        switch subtaskType {
        case "chain": .chain
        case "group": .group
        case "chord": .chord
        default: .plain
        }
    }

    /// The parts of a chain or group.
    func parts() throws(MessageError) -> [Signature] {
        guard let values = kwargs["tasks"]?.array else {
            throw MessageError(.invalidTask, "a \(subtaskType ?? "canvas") has no list of tasks")
        }
        var parts: [Signature] = []
        for value in values { parts.append(try Signature(json: value)) }
        return parts
    }
}
