extension TaskMessage {
    /// The signature that takes this task's place (`celery/app/task.py`, `replace`): it inherits the id, the place in a
    /// group or chord, the callbacks and errbacks and the rest of the chain.
    ///
    /// A group becomes a chord whose body, `celery.accumulate`, carries the id; a chain carries it on its last task.
    public func replacement(_ signature: Signature) throws(MessageError) -> Signature {
        var signature = signature
        let nesting = JSONValue.int(Int64(headers.replacedTaskNesting) + 1)
        signature.options["task_id"] = .string(headers.id)
        signature.options["group_id"] = headers.group.map(JSONValue.string)
        signature.options["group_index"] = headers.groupIndex.map { .int(Int64($0)) }
        signature.options["chord"] = payload.embed.chord?.json
        signature.options["replaced_task_nesting"] = nesting
        let callbacks = SignatureSender.list(signature.options["link"]) + payload.embed.callbacks.map(\.json)
        if !callbacks.isEmpty { signature.options["link"] = .array(callbacks) }
        let errbacks = SignatureSender.list(signature.options["link_error"]) + payload.embed.errbacks.map(\.json)
        if !errbacks.isEmpty { signature.options["link_error"] = .array(errbacks) }
        if !payload.embed.chain.isEmpty {
            signature.options["chain"] = .array(payload.embed.chain.map(\.json))
        }
        return signature
    }
}
