/// Commands that run on every new connection before anything else.
///
/// They are asked for anew on each connection, so they may depend on what holds at that moment:
///
/// ```swift
/// RedisSetup { () throws(RedisError) in [RedisCommand("CLIENT", "NO-EVICT", "ON")] }
/// RedisSetup.tracking(redirectedTo: subscriber)
/// ```
public struct RedisSetup: Sendable {
    let commands: @Sendable () async throws(RedisError) -> [RedisCommand]
    let check: @Sendable ([RedisReply]) throws(RedisError) -> Void

    /// A step of preparation.
    ///
    /// - Parameters:
    ///   - commands: gives the commands; throwing fails this attempt to connect.
    ///   - check: looks at the replies, errors among them; throwing fails this attempt. Without it any error reply does.
    public init(
        commands: @escaping @Sendable () async throws(RedisError) -> [RedisCommand],
        check: @escaping @Sendable ([RedisReply]) throws(RedisError) -> Void = Self.refuseErrors
    ) {
        self.commands = commands
        self.check = check
    }

    /// Fixed commands.
    public init(_ commands: [RedisCommand]) {
        self.init(commands: { () throws(RedisError) in commands })
    }

    /// Throws the first error among the replies.
    public static let refuseErrors: @Sendable ([RedisReply]) throws(RedisError) -> Void = {
        replies throws(RedisError) in
        for reply in replies { _ = try reply.get() }
    }
}
