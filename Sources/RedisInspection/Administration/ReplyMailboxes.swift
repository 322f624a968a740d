import RedisTransport

/// Tells the mailboxes of those who asked workers, `<uuid>.reply.celery.pidbox`, by their keys.
///
/// The sets in which Kombu keeps which mailbox is bound end in the same words, and without them no reply arrives.
struct ReplyMailboxes {
    /// The end of every mailbox's key.
    let ending: String
    /// The set of those that are bound.
    let binding: String
    /// How keys end that are no mailboxes, whatever stands before them.
    private let others: [String]

    /// The mailboxes for replies to what was asked on this exchange.
    init(exchange: String, keys: RedisKeys) {
        let replies = "reply." + exchange
        ending = "." + replies
        binding = keys.binding(exchange: replies)
        // Also those of a deployment with another prefix on the same database.
        var bare = keys
        bare.prefix = ""
        others = [bare.binding(exchange: replies), bare.permanentBinding(exchange: replies)]
    }

    /// Whether a key is one of them.
    func contains(_ key: String) -> Bool { key.hasSuffix(ending) && !others.contains(where: key.hasSuffix) }
}
