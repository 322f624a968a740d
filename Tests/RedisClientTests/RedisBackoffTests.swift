import RedisClient
import Testing

struct RedisBackoffTests {
    let backoff = RedisBackoff(first: .milliseconds(100), ceiling: .seconds(2), jitter: 0.5)

    @Test(arguments: [(1, 100), (2, 200), (3, 400), (5, 1600), (6, 2000), (100, 2000), (Int.max, 2000)])
    func `doubles up to the ceiling`(failures: Int, milliseconds: Int) {
        #expect(backoff.delay(afterFailures: failures, random: 0) == .milliseconds(milliseconds))
    }

    @Test func `takes away at most the random part`() {
        #expect(backoff.delay(afterFailures: 2, random: 0.5) == .milliseconds(150))
        #expect(backoff.delay(afterFailures: 2, random: 0.999) > .milliseconds(100))
    }

    @Test func `keeps jitter between none and all`() {
        #expect(RedisBackoff(jitter: 7).jitter == 1)
        #expect(RedisBackoff(jitter: -1).jitter == 0)
    }
}
