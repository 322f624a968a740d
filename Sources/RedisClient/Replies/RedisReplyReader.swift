import CHiredis

/// hiredis' parser of replies, made to produce ``RedisReply`` values directly and kept within bounds.
///
/// hiredis 0.14 itself refuses arrays nested deeper than 8 and knows RESP2 only. The bounds here are on what it leaves
/// open: how many bytes a single reply may take and how many elements it may announce.
///
/// One owner at a time: the C reader is not safe to use from two threads, and this type is not `Sendable`.
final class RedisReplyReader {
    private let reader: UnsafeMutablePointer<redisReader>
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
    private let builder: ReplyBuilder
    private let maximumBytes: Int
    private var failure: RedisError?

    /// A reader that fails on replies beyond these bounds.
    init(maximumBytes: Int = 512 << 20, maximumElements: Int = 4 << 20) throws(RedisError) {
        functions = .allocate(capacity: 1)
        functions.initialize(to: ReplyBuilder.functions)
        guard let reader = redisReaderCreateWithFunctions(functions) else {
            functions.deallocate()
            throw RedisError(.protocolError, "no memory for the reply parser")
        }
        self.reader = reader
        self.maximumBytes = maximumBytes
        builder = ReplyBuilder(maximumBytes: maximumBytes, maximumElements: maximumElements)
        // The reader lives no longer than the builder: both end in deinit.
        reader.pointee.privdata = Unmanaged.passUnretained(builder).toOpaque()
    }

    deinit {
        redisReaderFree(reader)
        functions.deallocate()
    }

    /// Takes bytes as they came from the network and hands out each reply they complete, in order.
    ///
    /// - Throws: `protocolError` when the bytes are not RESP2 or exceed the bounds; the reader is then finished.
    func feed(_ bytes: UnsafeRawBufferPointer, _ body: (RedisReply) -> Void) throws(RedisError) {
        if let failure { throw failure }
        var rest = bytes[...]
        while !rest.isEmpty {
            // Slices keep hiredis' buffer short: it moves what is left to the front after each reply.
            let slice = UnsafeRawBufferPointer(rebasing: rest.prefix(16 << 10))
            rest = rest.dropFirst(slice.count)
            try check(redisReaderFeed(reader, slice.baseAddress, slice.count))
            while try readReply(body) {}
            guard reader.pointee.len - reader.pointee.pos <= maximumBytes else {
                throw fail("a reply exceeds \(maximumBytes) bytes")
            }
        }
    }

    private func readReply(_ body: (RedisReply) -> Void) throws(RedisError) -> Bool {
        var object: UnsafeMutableRawPointer?
        try check(redisReaderGetReply(reader, &object))
        guard object != nil, let reply = builder.takeReply() else { return false }
        body(reply)
        return true
    }

    private func check(_ status: Int32) throws(RedisError) {
        guard status != REDIS_OK else { return }
        if let exceeded = builder.exceeded { throw fail(exceeded) }
        let text = withUnsafeBytes(of: reader.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        throw fail("the server did not answer in RESP2: \(text)")
    }

    private func fail(_ message: String) -> RedisError {
        let error = RedisError(.protocolError, message)
        failure = error
        return error
    }
}

/// Puts a reply together while hiredis walks through it, one call per element.
///
/// hiredis only looks at whether a callback returned null (which makes it stop); the values stay here.
private final class ReplyBuilder {
    private struct Frame {
        var elements: [RedisReply]
        var remaining: Int
    }

    private let maximumBytes: Int
    private let maximumElements: Int
    private var open: [Frame] = []
    private var finished: RedisReply?
    private var bytes = 0
    private var elements = 0
    private(set) var exceeded: String?

    init(maximumBytes: Int, maximumElements: Int) {
        self.maximumBytes = maximumBytes
        self.maximumElements = maximumElements
    }

    func takeReply() -> RedisReply? {
        defer {
            finished = nil
            bytes = 0
            elements = 0
        }
        return finished
    }

    private func add(_ reply: RedisReply) {
        var reply = reply
        while !open.isEmpty {
            let last = open.count - 1
            open[last].elements.append(reply)
            open[last].remaining -= 1
            guard open[last].remaining == 0 else { return }
            reply = .array(open.removeLast().elements)
        }
        finished = reply
    }

    private func addString(_ type: Int32, _ content: UnsafeRawBufferPointer) -> Bool {
        bytes += content.count
        guard bytes <= maximumBytes else { return exceeds("a reply exceeds \(maximumBytes) bytes") }
        switch type {
        case REDIS_REPLY_STATUS: add(.status(String(decoding: content, as: UTF8.self)))
        case REDIS_REPLY_ERROR: add(.error(String(decoding: content, as: UTF8.self)))
        default: add(.string(Array(content)))
        }
        return true
    }

    private func addArray(_ count: Int) -> Bool {
        elements += count
        guard elements <= maximumElements else { return exceeds("a reply has more than \(maximumElements) elements") }
        guard count > 0 else {
            add(.array([]))
            return true
        }
        var frame = Frame(elements: [], remaining: count)
        // The announced count is the server's word only; memory is taken as elements arrive.
        frame.elements.reserveCapacity(min(count, 1024))
        open.append(frame)
        return true
    }

    private func exceeds(_ message: String) -> Bool {
        exceeded = message
        return false
    }

    /// hiredis' table of callbacks; each finds its builder in the task and answers with a pointer to it, or null.
    static let functions = redisReplyObjectFunctions(
        createString: { task, content, length in
            ReplyBuilder.build(task) { builder, type in
                builder.addString(type, UnsafeRawBufferPointer(start: content, count: length))
            }
        },
        createArray: { task, count in
            ReplyBuilder.build(task) { builder, _ in builder.addArray(Int(count)) }
        },
        createInteger: { task, value in
            ReplyBuilder.build(task) { builder, _ in
                builder.add(.integer(value))
                return true
            }
        },
        createNil: { task in
            ReplyBuilder.build(task) { builder, _ in
                builder.add(.null)
                return true
            }
        },
        freeObject: { _ in }
    )

    private static func build(
        _ task: UnsafePointer<redisReadTask>?,
        _ body: (ReplyBuilder, Int32) -> Bool
    ) -> UnsafeMutableRawPointer? {
        guard let task, let privdata = task.pointee.privdata else { return nil }
        let builder = Unmanaged<ReplyBuilder>.fromOpaque(privdata).takeUnretainedValue()
        return body(builder, task.pointee.type) ? privdata : nil
    }
}
