import NIOCore
import NIOPosix
import Testing

@testable import WorkerPool

@Suite(.timeLimit(.minutes(1))) struct DeadlineTimerTests {
    private let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()

    @Test func `calls what is due in the order of its deadlines`() async throws {
        let order = try await loop.flatSubmit {
            let promise = self.loop.makePromise(of: [Int].self)
            let timer = DeadlineTimer<Int>(eventLoop: self.loop)
            var fired: [Int] = []
            timer.onDue { item, now in
                #expect(now >= .now() - .seconds(1))
                fired.append(item)
                if fired.count == 50 { promise.succeed(fired) }
            }
            let now = NIODeadline.now()
            for item in (0..<50).shuffled() { timer.add(item, at: now + .microseconds(Int64(item) * 300)) }
            // The timer is kept by what it has scheduled.
            return promise.futureResult
        }.get()
        #expect(order == Array(0..<50))
    }

    @Test func `forgets what was compacted away`() async throws {
        let fired = try await loop.flatSubmit {
            let promise = self.loop.makePromise(of: [Int].self)
            let timer = DeadlineTimer<Int>(eventLoop: self.loop)
            var fired: [Int] = []
            timer.onDue { item, _ in
                fired.append(item)
                if item == 99 { promise.succeed(fired) }
            }
            let now = NIODeadline.now()
            for item in (0..<100).shuffled() { timer.add(item, at: now + .microseconds(Int64(item) * 100)) }
            timer.compact { $0 % 3 != 0 }
            #expect(timer.count == 34)
            return promise.futureResult
        }.get()
        #expect(fired == Array(stride(from: 0, to: 100, by: 3)))
    }

    @Test func `calls nothing after its stop`() async throws {
        try await loop.flatSubmit {
            let timer = DeadlineTimer<Int>(eventLoop: self.loop)
            timer.onDue { item, _ in Issue.record("called with \(item)") }
            timer.add(1, at: .now())
            timer.stop()
            #expect(timer.count == 0)
            return self.loop.scheduleTask(in: .milliseconds(5)) {}.futureResult
        }.get()
    }
}
