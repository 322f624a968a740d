/// The name under which a claimed message is held in `unacked`: the worker's id and a number of its own.
///
/// It is made anew at each claim, so a message that was taken back and claimed by somebody else is held under another
/// tag: whoever still finds its tag still owns the message.
public struct DeliveryTag: Sendable, Hashable, CustomStringConvertible {
    /// The tag's text, a field of the `unacked` hash.
    public let text: String

    /// Wraps a tag's text.
    public init(_ text: String) { self.text = text }

    /// The text.
    public var description: String { text }
}

/// A claimed message: in the worker's hands and, until its end is committed, in `unacked` too.
public struct Delivery: Sendable {
    /// What the message is held under.
    public let tag: DeliveryTag
    /// The queue it was claimed from.
    public let queue: String
    /// The list item exactly as it was pushed.
    public let item: [UInt8]

    /// Describes a claimed message.
    public init(tag: DeliveryTag, queue: String, item: [UInt8]) {
        self.tag = tag
        self.queue = queue
        self.item = item
    }
}
