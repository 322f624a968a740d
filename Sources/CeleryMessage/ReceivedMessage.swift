/// A decoded message, shared without copies by everything that handles it on its way through a worker.
///
/// A ``TaskMessage`` has some thirty members; passing it on by value would retain and release each of them at every
/// step.
public final class ReceivedMessage: Sendable {
    /// The message as it was read; it does not change any more.
    public let message: TaskMessage

    /// Keeps a message to be shared.
    public init(_ message: consuming TaskMessage) {
        self.message = message
    }

    /// A message of which only headers and arguments are known, as a pool process gets it.
    public convenience init(headers: TaskHeaders, args: [UInt8] = Array("[]".utf8), kwargs: [UInt8] = Array("{}".utf8))
    {
        self.init(
            TaskMessage(
                headers: headers,
                properties: MessageProperties(routingKey: ""),
                payload: TaskPayload(args: args, kwargs: kwargs)
            )
        )
    }
}
