import NIOCore

/// Commands of one caller on their way to the server and back.
struct RedisRequest {
    /// What was asked for.
    enum Content {
        case one(RedisCommand)
        case many([RedisCommand])
        /// Already written; the bytes are gone.
        case written
    }

    /// Who waits for the outcome.
    enum Waiter {
        case one(UnsafeContinuation<Result<RedisReply, RedisError>, Never>)
        case many(UnsafeContinuation<Result<[RedisReply], RedisError>, Never>)
        /// Nobody (any more): the replies are read and dropped, so that the next caller gets its own.
        case nobody
    }

    /// Ascending in the order of submission, which is the order of writing.
    let id: UInt64
    /// When the caller's patience ends.
    let deadline: NIODeadline?
    /// How long the whole connection may be silent, with this request at its head, before it counts as dead.
    let stallLimit: TimeAmount?
    private(set) var content: Content
    private(set) var waiter: Waiter
    private(set) var writtenAt: NIODeadline = .distantPast
    /// How many replies will come.
    let replyCount: Int
    /// A refused `SUBSCRIBE` of several channels answers with a single error instead of a confirmation each.
    let endsWithError: Bool

    init(id: UInt64, _ content: Content, waiter: Waiter, deadline: NIODeadline? = nil, stallLimit: TimeAmount? = nil) {
        self.id = id
        self.content = content
        self.waiter = waiter
        self.deadline = deadline
        self.stallLimit = stallLimit
        switch content {
        case .one(let command): (replyCount, endsWithError) = (command.replyCount, true)
        case .many(let commands): (replyCount, endsWithError) = (commands.count, false)
        case .written: (replyCount, endsWithError) = (0, false)
        }
    }

    /// Writes the commands and forgets them.
    mutating func write(to out: inout ByteBuffer, at now: NIODeadline) {
        switch content {
        case .one(let command): command.write(to: &out)
        case .many(let commands): for command in commands { command.write(to: &out) }
        case .written: break
        }
        content = .written
        writtenAt = now
    }

    /// Answers the waiter with the reply to its only command.
    func finish(with reply: RedisReply) {
        switch waiter {
        case .one(let continuation): continuation.resume(returning: .success(reply))
        case .many(let continuation): continuation.resume(returning: .success([reply]))
        case .nobody: break
        }
    }

    /// Answers the waiter with all its replies.
    func finish(with replies: [RedisReply]) {
        switch waiter {
        case .one(let continuation): continuation.resume(returning: .success(replies.last ?? .null))
        case .many(let continuation): continuation.resume(returning: .success(replies))
        case .nobody: break
        }
    }

    /// Answers the waiter with a failure; the replies still due will be dropped.
    mutating func fail(_ error: RedisError) {
        let error = wasWritten ? error : error.unsent
        switch waiter {
        case .one(let continuation): continuation.resume(returning: .failure(error))
        case .many(let continuation): continuation.resume(returning: .failure(error))
        case .nobody: break
        }
        waiter = .nobody
    }

    private var wasWritten: Bool { if case .written = content { true } else { false } }

    /// Whether somebody waits in vain.
    func isOverdue(at now: NIODeadline) -> Bool {
        guard isAwaited, let deadline else { return false }
        return deadline <= now
    }

    /// Whether somebody still waits for the outcome.
    var isAwaited: Bool { if case .nobody = waiter { false } else { true } }
}
