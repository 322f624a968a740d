import CeleryMessage
import Testing

@Suite struct `A retry that a sender asks for` {
    @Test(arguments: [
        (#"{"attempts": 3}"#, RequestedRetry(attempts: 3)),
        (#"{"attempts": 3.0, "backoff": null}"#, RequestedRetry(attempts: 3)),
        (#"{"backoff": 500}"#, RequestedRetry(backoff: .fixed(0.5))),
        (#"{"backoff": {"type": "fixed", "delay": 5000}}"#, RequestedRetry(backoff: .fixed(5))),
        (
            #"{"attempts": 1000, "backoff": {"type": "exponential", "delay": 1}}"#,
            RequestedRetry(attempts: 1000, backoff: .exponential(0.001))
        ), ("{}", RequestedRetry()),
    ])
    func `is read as BullMQ writes it, and written so that it is read again`(json: String, wanted: RequestedRetry)
        throws
    {
        let read = try RequestedRetry(try JSONReader.value(Array(json.utf8)))
        #expect(read == wanted)
        #expect(try RequestedRetry(read.json) == wanted)
    }

    @Test(arguments: [
        ("3", ""), (#"{"attempts": 0}"#, "attempts"), (#"{"attempts": 1001}"#, "attempts"),
        (#"{"attempts": 1.5}"#, "attempts"), (#"{"attempts": "3"}"#, "attempts"), (#"{"attempts": true}"#, "attempts"),
        (#"{"backoff": -1}"#, "backoff"), (#"{"backoff": "1s"}"#, "backoff"), (#"{"backoff": 1e300}"#, "backoff"),
        (#"{"backoff": {"type": "fixed"}}"#, "backoff.delay"), (#"{"backoff": {"delay": 1}}"#, "backoff.type"),
        (#"{"backoff": {"type": "sometimes", "delay": 1}}"#, "backoff.type"),
        (#"{"backoff": {"type": "fixed", "delay": 1, "jitter": 2}}"#, "backoff.jitter"),
        (#"{"tries": 3}"#, "tries"),
    ])
    func `is refused with the name of what is wrong`(json: String, member: String) throws {
        let value = try JSONReader.value(Array(json.utf8))
        #expect { try RequestedRetry(value) } throws: { ($0 as? RequestedRetry.Refusal)?.member == member }
    }

    @Test func `waits the same each time, or twice as long, a day at most`() {
        #expect((0..<3).map { RequestedRetry.Backoff.fixed(5).delay(retries: $0) } == [5, 5, 5])
        #expect((0..<4).map { RequestedRetry.Backoff.exponential(0.5).delay(retries: $0) } == [0.5, 1, 2, 4])
        #expect(RequestedRetry.Backoff.exponential(5).delay(retries: 999) == 86_400)
        #expect(RequestedRetry.Backoff.exponential(100_000).delay(retries: 3) == 100_000)
        #expect(RequestedRetry.Backoff.exponential(0).delay(retries: Int.max) == 0)
    }
}
