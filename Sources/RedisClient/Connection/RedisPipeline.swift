import NIOCore

/// The requests of one connection: those still to be written, and those whose replies are due, oldest first.
///
/// A plain value that knows no socket and no timer. A server answers in the order of writing and says nothing about
/// which command a reply belongs to, so a request stays in its place until all its replies have come, also when nobody
/// waits for them any more.
struct RedisPipeline {
    /// Not yet written.
    private var queued = CircularBuffer<RedisRequest>(initialCapacity: 16)
    /// Written; the server answers in this order.
    private var inFlight = CircularBuffer<RedisRequest>(initialCapacity: 16)
    /// The replies so far to the first of them, when it has several.
    private var partial: [RedisReply] = []

    /// Whether requests wait to be written.
    var hasQueued: Bool { !queued.isEmpty }
    /// Whether replies are due.
    var awaitsReply: Bool { !inFlight.isEmpty }

    // MARK: On the way out

    /// Keeps a request until it can be written.
    mutating func hold(_ request: RedisRequest) { queued.append(request) }

    /// Writes the request that was held longest; `nil` when none is.
    mutating func writeNext(to out: inout ByteBuffer, at now: NIODeadline) -> RedisRequest? {
        guard var request = queued.popFirst() else { return nil }
        request.write(to: &out, at: now)
        inFlight.append(request)
        return request
    }

    /// Writes a request ahead of all that are held.
    mutating func write(_ request: RedisRequest, to out: inout ByteBuffer, at now: NIODeadline) {
        var request = request
        request.write(to: &out, at: now)
        inFlight.append(request)
    }

    // MARK: On the way back

    /// Gives a reply to the request it belongs to; the caller has looked whether a reply is due.
    mutating func receive(_ reply: RedisReply) {
        guard let head = inFlight.first else { return }
        if head.replyCount == 1 {
            inFlight.removeFirst()
            return head.finish(with: reply)
        }
        partial.append(reply)
        guard partial.count == head.replyCount || head.endsWithError && reply.isError else { return }
        inFlight.removeFirst()
        head.finish(with: partial)
        partial = []
    }

    // MARK: Ends without a reply

    /// Answers whoever waits for this request; its replies, if it was written, will be dropped.
    mutating func fail(_ id: UInt64, _ error: RedisError) {
        if let position = queued.position(of: id) {
            queued[position].fail(error)
            queued.remove(at: position)
        } else if let position = inFlight.position(of: id) {
            inFlight[position].fail(error)
        }
    }

    /// Ends everything that was written: its connection is gone.
    mutating func failWritten(_ error: RedisError) {
        partial = []
        Self.fail(&inFlight, error)
    }

    /// Ends everything that was not written.
    mutating func failQueued(_ error: RedisError) { Self.fail(&queued, error) }

    private static func fail(_ requests: inout CircularBuffer<RedisRequest>, _ error: RedisError) {
        var failed = CircularBuffer<RedisRequest>(initialCapacity: 16)
        swap(&failed, &requests)
        while var request = failed.popFirst() { request.fail(error) }
    }

    // MARK: Time

    /// Answers those who waited in vain.
    mutating func failOverdue(at now: NIODeadline) {
        for offset in 0..<inFlight.count where inFlight[offset: offset].isOverdue(at: now) {
            inFlight[offset: offset].fail(RedisError(.timeout, "no reply in time"))
        }
        guard queued.contains(where: { $0.isOverdue(at: now) }) else { return }
        for offset in 0..<queued.count where queued[offset: offset].isOverdue(at: now) {
            queued[offset: offset].fail(RedisError(.timeout, "no connection to Redis in time"))
        }
        queued.removeAll { !$0.isAwaited }
    }

    /// When the first of those who wait loses patience.
    var nextDeadline: NIODeadline? {
        let waiting = queued.lazy.compactMap(\.deadline).min()
        let written = inFlight.lazy.filter(\.isAwaited).compactMap(\.deadline).min()
        return [waiting, written].compactMap(\.self).min()
    }

    /// When the silence of the server will have lasted too long for the request that is next to be answered.
    func stallDeadline(lastReceived: NIODeadline) -> NIODeadline? {
        guard let head = inFlight.first, let limit = head.stallLimit else { return nil }
        return max(lastReceived, head.writtenAt) + limit
    }
}

extension CircularBuffer<RedisRequest> {
    /// The position of a request by its id; ids ascend.
    fileprivate func position(of id: UInt64) -> Index? {
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
