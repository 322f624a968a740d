import CeleryMessage
import Transport

/// What a task sends when it ends: callbacks, the next step of its chain, errbacks and its own subtasks.
struct Continuation {
    private let message: TaskMessage
    private let context: DispatchContext
    private let codecs: MessageCodecs
    private(set) var effects: [Effect] = []
    private(set) var children: [ResultTuple] = []

    init(_ message: TaskMessage, configuration: WorkerConfiguration, codecs: MessageCodecs, now: Instant) {
        self.message = message
        self.codecs = codecs
        context = DispatchContext(
            parent: message.headers,
            origin: configuration.origin,
            replyTo: configuration.replyTo,
            now: now,
            inheritedPriority: configuration.inheritParentPriority ? message.properties.priority : nil,
            route: { MessageRoute(queue: configuration.queue(for: $0)) }
        )
    }

    /// Sends what the handler enqueued; its own arguments only.
    mutating func send(_ signature: Signature) throws(MessageError) {
        try append(try signature.dispatch(parentResult: nil, context: context))
    }

    /// Sends callbacks and the next step of the chain with the result in front of their arguments.
    mutating func succeed(with result: [UInt8]) throws(MessageError) {
        guard !message.payload.embed.isEmpty else { return }
        try append(try message.payload.embed.afterSuccess(result: result, context: context))
    }

    /// Sends a signature under the task's own id, with what was to follow the task.
    mutating func replace(by signature: Signature) throws(MessageError) {
        try append(try message.replacement(signature, context: context).dispatch(context: context))
    }

    /// Sends the errbacks with the failed task's id.
    mutating func fail() throws(MessageError) {
        guard !message.payload.embed.errbacks.isEmpty else { return }
        try append(try message.payload.embed.afterFailure(context: context))
    }

    private mutating func append(_ dispatch: Dispatch) throws(MessageError) {
        for message in dispatch.messages {
            effects.append(
                .publish(
                    Publication(
                        queue: message.properties.routingKey,
                        priority: message.properties.priority,
                        item: try message.encode(codecs: codecs)
                    )
                )
            )
        }
        children += dispatch.children
    }
}
