import CeleryMessage

/// What errbacks of more than one argument are called with: `(request, exception, traceback)`.
///
/// Celery calls such an errback inside the worker, where it is lost with the worker; here it is sent like any other, in one
/// step with the failure.
struct FailureDetails {
    var failedID: String?
    var arguments: [JSONValue]

    /// The failure of a task that ran.
    init(of message: TaskMessage, _ exception: ExceptionInfo, traceback: String?) {
        let headers = message.headers
        var request: JSONObject = ["id": .string(headers.id), "task": .string(headers.task)]
        // Arguments that cannot be read as values were no arguments of a run.
        request["args"] = .array((try? message.payload.arguments()) ?? [])
        request["kwargs"] = .object((try? message.payload.keywords()) ?? [:])
        request["root_id"] = .string(headers.root)
        request["parent_id"] = headers.parentID.map(JSONValue.string) ?? .null
        request["group"] = headers.group.map(JSONValue.string) ?? .null
        request["retries"] = .int(Int64(headers.retries))
        request["stamps"] = .object(headers.stamps)
        arguments = [.object(request), exception.json, traceback.map(JSONValue.string) ?? .null]
    }

    /// The failure of a chord's body that will not run.
    init(ofBody id: String, task: String, _ exception: ExceptionInfo, traceback: String?) {
        failedID = id
        let request: JSONValue = ["id": .string(id), "task": .string(task), "args": [], "kwargs": [:]]
        arguments = [request, exception.json, traceback.map(JSONValue.string) ?? .null]
    }
}

extension Embed {
    /// The errbacks' messages: those with details as one group, the others as another.
    func errbackDispatch(
        _ failure: FailureDetails,
        context: DispatchContext,
        tasks: [String: TaskPolicy]
    ) throws(MessageError) -> Dispatch {
        let detailed = errbacks.filter { tasks[$0.task]?.takesFailureDetails ?? false }
        guard !detailed.isEmpty else { return try afterFailure(context: context, failedID: failure.failedID) }
        let others = errbacks.filter { !(tasks[$0.task]?.takesFailureDetails ?? false) }
        var dispatch = try afterFailure(
            context: context,
            errbacks: detailed,
            failedID: failure.failedID,
            details: failure.arguments
        )
        let plain = try afterFailure(context: context, errbacks: others, failedID: failure.failedID)
        dispatch.messages += plain.messages
        dispatch.children += plain.children
        dispatch.chordStarts += plain.chordStarts
        return dispatch
    }
}
