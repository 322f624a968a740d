import Testing

@testable import RedisClient

struct RedisPushTests {
    private func array(_ parts: String...) -> RedisReply { .array(parts.map { .string(Array($0.utf8)) }) }

    @Test func `recognises what a server pushes`() {
        #expect(RedisPush(array("message", "news", "hi")) == .message(channel: "news", payload: Array("hi".utf8)))
        #expect(
            RedisPush(array("pmessage", "n*", "news", "hi"))
                == .patternMessage(pattern: "n*", channel: "news", payload: Array("hi".utf8))
        )
    }

    @Test func `recognises invalidations and the loss of all keys`() {
        let channel = RedisReply.string(Array(RedisPush.invalidationChannel.utf8))
        let kind = RedisReply.string(Array("message".utf8))
        #expect(RedisPush(.array([kind, channel, array("a", "b")])) == .invalidated(keys: ["a", "b"]))
        #expect(RedisPush(.array([kind, channel, .null])) == .invalidated(keys: nil))
    }

    @Test func `leaves the replies to its own commands alone`() {
        let confirmation = RedisReply.array([.string(Array("subscribe".utf8)), .string([97]), .integer(1)])
        for reply in [confirmation, array("pong", ""), .status("PONG"), .array([]), .null, array("message", "only")] {
            #expect(RedisPush(reply) == nil)
        }
        #expect(RedisPush(.array([.string(Array("message".utf8)), .integer(1), .integer(2)])) == nil)
    }
}
