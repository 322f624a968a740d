import Synchronization

/// A few connections that tasks borrow in turn, opened when first needed.
///
/// Borrowers beyond the limit wait in order. A cancelled waiter leaves the line and throws `CancellationError`.
final class ConnectionPool<Connection: Sendable>: Sendable {
    private let limit: Int
    private let open: @Sendable () async throws -> Connection
    private let state = Mutex(State())

    private struct State {
        var idle: [Connection] = []
        /// Connections that are lent or being opened, idle ones not counted.
        var lent = 0
        var waiters: [Waiter] = []
        var nextWaiter = 0
        /// Waiters cancelled before they stood in line.
        var cancelledEarly: Set<Int> = []
    }

    private struct Waiter {
        let id: Int
        let continuation: CheckedContinuation<Connection?, any Error>
    }

    /// What a borrower gets: a connection, leave to open one, or a place in the line.
    private enum Turn {
        case connection(Connection)
        case open
        case wait(id: Int)
    }

    init(limit: Int, open: @escaping @Sendable () async throws -> Connection) {
        self.limit = limit
        self.open = open
    }

    func withConnection<Value>(_ body: (Connection) async throws -> Value) async throws -> Value {
        let connection = try await borrow()
        defer { giveBack(connection) }
        return try await body(connection)
    }

    private func borrow() async throws -> Connection {
        switch takeTurn() {
        case .connection(let connection): connection
        case .open: try await openOne()
        case .wait(let id):
            // Nil: the connection the line waited for could not be opened; this borrower tries itself.
            if let connection = try await wait(id) { connection } else { try await openOne() }
        }
    }

    private func takeTurn() -> Turn {
        state.withLock { state in
            guard state.lent < limit else {
                state.nextWaiter += 1
                return .wait(id: state.nextWaiter)
            }
            state.lent += 1
            return state.idle.popLast().map(Turn.connection) ?? .open
        }
    }

    private func openOne() async throws -> Connection {
        do {
            return try await open()
        } catch {
            release(nil)
            throw error
        }
    }

    private func wait(_ id: Int) async throws -> Connection? {
        // A cancellation that came too late to matter leaves its mark.
        defer { state.withLock { _ = $0.cancelledEarly.remove(id) } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome = state.withLock { state -> Result<Connection?, any Error>? in
                    if state.cancelledEarly.contains(id) { return .failure(CancellationError()) }
                    // A place may have come free between the two locks.
                    if state.lent < limit {
                        state.lent += 1
                        return .success(state.idle.popLast())
                    }
                    state.waiters.append(Waiter(id: id, continuation: continuation))
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
                    state.cancelledEarly.insert(id)
                    return nil
                }
                return state.waiters.remove(at: index)
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    private func giveBack(_ connection: Connection) {
        release(connection)
    }

    /// Hands a place, with its connection if it has one, to the first in line, or keeps it.
    private func release(_ connection: Connection?) {
        let waiter = state.withLock { state -> Waiter? in
            guard state.waiters.isEmpty else { return state.waiters.removeFirst() }
            state.lent -= 1
            if let connection { state.idle.append(connection) }
            return nil
        }
        waiter?.continuation.resume(returning: connection)
    }
}
