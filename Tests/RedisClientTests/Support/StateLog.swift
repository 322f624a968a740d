import RedisClient
import Synchronization

/// The states a connection went through, to wait for and to look back at.
final class StateLog: Sendable {
    private let states = Mutex<[RedisConnectionState]>([])
    private let stream: AsyncStream<RedisConnectionState>
    private let continuation: AsyncStream<RedisConnectionState>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    /// What to pass as `onStateChange`.
    var observer: @Sendable (RedisConnectionState) -> Void {
        { state in
            self.states.withLock { $0.append(state) }
            self.continuation.yield(state)
        }
    }

    var all: [RedisConnectionState] { states.withLock { $0 } }

    var connections: Int { all.count { if case .connected = $0 { true } else { false } } }

    /// Waits for the next state like this; states before it are passed over, for good.
    @discardableResult
    func next(where matches: (RedisConnectionState) -> Bool) async throws -> RedisConnectionState {
        for await state in stream where matches(state) { return state }
        throw CancellationError()
    }

    /// Waits for the next connection and gives its id.
    @discardableResult
    func nextConnected() async throws -> Int64 {
        guard case .connected(let id?) = try await next(where: { if case .connected = $0 { true } else { false } })
        else {
            throw CancellationError()
        }
        return id
    }

    /// Waits for the next loss and gives its reason.
    @discardableResult
    func nextLost() async throws -> RedisError {
        guard case .lost(let error) = try await next(where: { if case .lost = $0 { true } else { false } }) else {
            throw CancellationError()
        }
        return error
    }
}
