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
    /// Replies still to come.
    private(set) var remaining: Int
    private(set) var writtenAt: NIODeadline = .distantPast
    private var replies: [RedisReply] = []
    /// A refused `SUBSCRIBE` of several channels answers with a single error instead of a confirmation each.
    private let isSingleCommand: Bool

    init(id: UInt64, _ content: Content, waiter: Waiter, deadline: NIODeadline?, stallLimit: TimeAmount?) {
        self.id = id
        self.content = content
        self.waiter = waiter
        self.deadline = deadline
        self.stallLimit = stallLimit
        switch content {
        case .one(let command):
            remaining = command.replyCount
            isSingleCommand = true
        case .many(let commands):
            remaining = commands.count
            isSingleCommand = false
            replies.reserveCapacity(commands.count)
        case .written:
            remaining = 0
            isSingleCommand = true
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

    /// Takes the next reply; true when it was the last one, and the waiter has been answered.
    mutating func receive(_ reply: RedisReply) -> Bool {
        remaining -= 1
        if isSingleCommand, case .error = reply { remaining = 0 }
        switch waiter {
        case .one(let continuation):
            if remaining == 0 { continuation.resume(returning: .success(reply)) }
        case .many(let continuation):
            replies.append(reply)
            if remaining == 0 { continuation.resume(returning: .success(replies)) }
        case .nobody: break
        }
        return remaining == 0
    }

    /// Answers the waiter with a failure; the replies still due will be dropped.
    mutating func fail(_ error: RedisError) {
        switch waiter {
        case .one(let continuation): continuation.resume(returning: .failure(error))
        case .many(let continuation): continuation.resume(returning: .failure(error))
        case .nobody: break
        }
        waiter = .nobody
    }

    /// Whether somebody still waits for the outcome.
    var isAwaited: Bool { if case .nobody = waiter { false } else { true } }
}

extension CircularBuffer<RedisRequest> {
    /// The position of a request by its id; ids ascend.
    func position(of id: UInt64) -> Index? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[offset: middle].id < id { low = middle + 1 } else { high = middle }
        }
        guard low < count, self[offset: low].id == id else { return nil }
        return index(startIndex, offsetBy: low)
    }
}
