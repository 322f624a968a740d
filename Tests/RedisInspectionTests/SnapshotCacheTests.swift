import Synchronization
import Testing

@testable import RedisInspection

@Suite(.timeLimit(.minutes(1))) struct `Snapshots that many share` {
    private final class Source: Sendable {
        private let state = Mutex(State())

        private struct State {
            var taken = 0
            var isOpen = true
        }

        var taken: Int { state.withLock { $0.taken } }
        var isOpen: Bool {
            get { state.withLock { $0.isOpen } }
            set { state.withLock { $0.isOpen = newValue } }
        }

        func take() async -> Int {
            let number = state.withLock { state in
                state.taken += 1
                return state.taken
            }
            while !isOpen { await Task.yield() }
            return number
        }
    }

    @Test func `serve those who asked before they were begun, and others wait for the next`() async throws {
        for _ in 0..<50 {
            let source = Source()
            source.isOpen = false
            let cache = SnapshotCache(pause: .zero) { await source.take() }
            let first = Task { try await cache.snapshot(since: .now).snapshot }
            while source.taken == 0 { await Task.yield() }
            // It has begun: these want what is so from now on.
            let others = (0..<20).map { _ in Task { try await cache.snapshot(since: .now).snapshot } }
            for _ in 0..<100 { await Task.yield() }
            source.isOpen = true
            #expect(try await first.value == 1)
            for other in others { #expect(try await other.value >= 2) }
        }
    }

    @Test func `are kept for those who want none newer`() async throws {
        let source = Source()
        let cache = SnapshotCache(pause: .zero) { await source.take() }
        let start = ContinuousClock.now
        #expect(try await cache.snapshot(since: start).snapshot == 1)
        #expect(try await cache.snapshot(since: start).snapshot == 1)
        #expect(try await cache.snapshot(since: .now).snapshot == 2)
    }

    @Test func `tell a failure to all who waited for it, and are taken again`() async throws {
        struct Failure: Error {}
        let fails = Mutex(true)
        let cache = SnapshotCache(pause: .zero) { () async throws -> Int in
            if fails.withLock({ $0 }) { throw Failure() }
            return 1
        }
        await #expect(throws: Failure.self) { try await cache.snapshot(since: .now) }
        fails.withLock { $0 = false }
        #expect(try await cache.snapshot(since: .now).snapshot == 1)
    }
}
