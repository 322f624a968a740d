import Hummingbird
import Inspection
import ServiceLifecycle

/// Waits for what becomes of a task.
struct ResultWait: Sendable {
    let feed: any ResultFeed
    let followers: Places
    /// How many may wait or follow at once.
    let most: Int

    /// Takes the place of one who waits; 503 when there is none.
    func enter() throws -> Places.Place { try followers.enter(most: most) }

    /// What `read` finds, at once or after a change of the task's record, when it is what is waited for; what it found last
    /// when the time is over or the gateway stops.
    func value<Value: Sendable>(
        _ id: String,
        within limit: Duration,
        until isAwaited: (Value) -> Bool,
        _ read: () async throws -> Value
    ) async throws -> Value {
        let changes = try await feed.changes(of: id)
        return try await withGracefulShutdownHandler {
            try await withDeadline(limit, onDeadline: { changes.finish() }) {
                var value = try await read()
                if isAwaited(value) { return value }
                for await _ in changes {
                    value = try await read()
                    if isAwaited(value) { break }
                }
                return value
            }
        } onGracefulShutdown: {
            changes.finish()
        }
    }
}
