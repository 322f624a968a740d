import NIOCore
import Testing

@testable import RedisClient

/// Which reply belongs to whom, without a server.
struct RedisPipelineTests {
    private typealias Outcome = Result<RedisReply, RedisError>
    private typealias Waiter = UnsafeContinuation<Outcome, Never>

    private let start = NIODeadline.now()

    private func request(
        _ id: UInt64,
        _ waiter: Waiter? = nil,
        patience: TimeAmount? = nil,
        stallLimit: TimeAmount? = nil
    ) -> RedisRequest {
        RedisRequest(
            id: id,
            .one(RedisCommand("ECHO", Int(id))),
            waiter: waiter.map { .one($0) } ?? .nobody,
            deadline: patience.map { start + $0 },
            stallLimit: stallLimit
        )
    }

    /// What the waiter of request 5 is told when this happens to the pipeline.
    private func outcome(_ happen: (inout RedisPipeline, Waiter) -> Void) async -> Outcome {
        await withUnsafeContinuation { waiter in
            var pipeline = RedisPipeline()
            happen(&pipeline, waiter)
        }
    }

    private func write(_ pipeline: inout RedisPipeline) -> String {
        var bytes = ByteBuffer()
        while pipeline.writeNext(to: &bytes, at: start) != nil {}
        return String(buffer: bytes)
    }

    // MARK: Replies

    @Test func `writes in the order of arrival and answers in the order of writing`() async {
        let outcome = await outcome { pipeline, waiter in
            pipeline.hold(request(4))
            pipeline.hold(request(5, waiter))
            pipeline.hold(request(6))
            #expect(!pipeline.awaitsReply)
            #expect(
                write(&pipeline) == [4, 5, 6].map { "*2\r\n$4\r\nECHO\r\n$1\r\n\($0)\r\n" }.joined()
            )
            #expect(!pipeline.hasQueued)
            for number: Int64 in [4, 5, 6] { pipeline.receive(.integer(number)) }
            #expect(!pipeline.awaitsReply)
        }
        #expect(outcome == .success(.integer(5)))
    }

    @Test func `writes ahead of what is held`() async {
        let outcome = await outcome { pipeline, waiter in
            pipeline.hold(request(4))
            var bytes = ByteBuffer()
            pipeline.write(request(5, waiter), to: &bytes, at: start)
            #expect(pipeline.hasQueued)
            pipeline.receive(.status("first"))
        }
        #expect(outcome == .success(.status("first")))
    }

    @Test func `gathers the replies to several commands, errors among them`() async {
        let outcome: Result<[RedisReply], RedisError> = await withUnsafeContinuation { waiter in
            var pipeline = RedisPipeline()
            let commands = [RedisCommand("GET", "a"), RedisCommand("GET", "b"), RedisCommand("GET", "c")]
            pipeline.hold(RedisRequest(id: 1, .many(commands), waiter: .many(waiter)))
            _ = write(&pipeline)
            for reply: RedisReply in [.null, .error("WRONGTYPE no"), .integer(3)] {
                #expect(pipeline.awaitsReply)
                pipeline.receive(reply)
            }
            #expect(!pipeline.awaitsReply)
        }
        #expect(outcome == .success([.null, .error("WRONGTYPE no"), .integer(3)]))
    }

    @Test(arguments: [
        (["a", "b"], [RedisReply.integer(1), .integer(2)], RedisReply.integer(2)),
        (["a", "b"], [.error("NOPERM no")], .error("NOPERM no")),
    ])
    func `takes one confirmation a channel, or one refusal for all`(
        channels: [String],
        replies: [RedisReply],
        last: RedisReply
    ) async {
        let outcome = await outcome { pipeline, waiter in
            pipeline.hold(RedisRequest(id: 5, .one(.subscription("SUBSCRIBE", channels)), waiter: .one(waiter)))
            _ = write(&pipeline)
            for reply in replies {
                #expect(pipeline.awaitsReply)
                pipeline.receive(reply)
            }
            #expect(!pipeline.awaitsReply)
        }
        #expect(outcome == .success(last))
    }

    // MARK: Ends without a reply

    @Test(arguments: [true, false])
    func `finds among gaps the request that is given up`(isWritten: Bool) async {
        let outcome = await outcome { pipeline, waiter in
            for id: UInt64 in [2, 3, 8, 13] {
                if id == 8 { pipeline.hold(request(5, waiter)) }
                pipeline.hold(request(id))
            }
            if isWritten { _ = write(&pipeline) }
            for id: UInt64 in [0, 1, 4, 9, 14] { pipeline.fail(id, RedisError(.timeout, "another")) }
            pipeline.fail(5, RedisError(.cancelled, "given up"))
            // What was written keeps its place, or all later replies would go to the wrong ones.
            #expect(write(&pipeline).isEmpty == isWritten)
            for _ in 0..<(isWritten ? 5 : 4) {
                #expect(pipeline.awaitsReply)
                pipeline.receive(.null)
            }
            #expect(!pipeline.awaitsReply)
        }
        #expect(outcome == .failure(RedisError(.cancelled, "")))
    }

    @Test func `a lost connection ends what was written and keeps what was not`() async {
        let outcome = await outcome { pipeline, waiter in
            pipeline.hold(RedisRequest(id: 4, .many([RedisCommand("A"), RedisCommand("B")]), waiter: .nobody))
            pipeline.hold(request(5, waiter))
            _ = write(&pipeline)
            pipeline.receive(.integer(1))
            pipeline.hold(request(6))
            pipeline.failWritten(RedisError(.connectionClosed, "cut"))
            #expect(!pipeline.awaitsReply)
            #expect(pipeline.hasQueued)
            // Half an answer to a command of the old connection must not be counted for one of the new.
            pipeline.hold(RedisRequest(id: 7, .many([RedisCommand("C"), RedisCommand("D")]), waiter: .nobody))
            _ = write(&pipeline)
            pipeline.receive(.integer(6))
            pipeline.receive(.integer(7))
            #expect(pipeline.awaitsReply)
        }
        #expect(outcome == .failure(RedisError(.connectionClosed, "")))
    }

    @Test func `giving up for good ends what was not written`() async {
        let outcome = await outcome { pipeline, waiter in
            pipeline.hold(request(5, waiter))
            pipeline.failQueued(RedisError(.authenticationFailed, "wrong password"))
            #expect(!pipeline.hasQueued)
        }
        #expect(outcome == .failure(RedisError(.authenticationFailed, "")))
    }

    // MARK: Time

    @Test(arguments: [true, false])
    func `answers who waited in vain, and only them`(isWritten: Bool) async {
        let outcome = await outcome { pipeline, waiter in
            pipeline.hold(request(4, stallLimit: .seconds(9)))
            pipeline.hold(request(5, waiter, patience: .seconds(1)))
            if isWritten { _ = write(&pipeline) }
            #expect(pipeline.nextDeadline == start + .seconds(1))
            pipeline.failOverdue(at: start + .milliseconds(999))
            #expect(pipeline.nextDeadline == start + .seconds(1))
            pipeline.failOverdue(at: start + .seconds(1))
            #expect(pipeline.nextDeadline == nil)
        }
        #expect(outcome == .failure(RedisError(.timeout, "")))
    }

    @Test func `counts silence from the last sign of life, or from writing`() {
        var pipeline = RedisPipeline()
        #expect(pipeline.stallDeadline(lastReceived: start) == nil)
        pipeline.hold(request(1, stallLimit: .seconds(3)))
        // What was not written cannot be answered.
        #expect(pipeline.stallDeadline(lastReceived: start) == nil)
        _ = write(&pipeline)
        #expect(pipeline.stallDeadline(lastReceived: start - .seconds(60)) == start + .seconds(3))
        #expect(pipeline.stallDeadline(lastReceived: start + .seconds(60)) == start + .seconds(63))
        // One that may take for ever says nothing about the server.
        pipeline.receive(.null)
        pipeline.hold(request(2))
        _ = write(&pipeline)
        #expect(pipeline.stallDeadline(lastReceived: start) == nil)
    }
}
