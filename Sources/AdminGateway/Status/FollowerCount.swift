import HTTPTypes
import Synchronization

/// Bounds how many clients wait or follow at once: each costs memory for as long as it stays.
final class FollowerCount: Sendable {
    private let most: Int
    private let state = Mutex(0)

    init(most: Int) { self.most = most }

    /// How many there are.
    var count: Int { state.withLock { $0 } }

    /// Takes a place; 503 when there is none.
    func enter() throws -> Place {
        let isFull = state.withLock { count in
            guard count < most else { return true }
            count += 1
            return false
        }
        guard !isFull else {
            throw GatewayError(
                .serviceUnavailable,
                "too_many_followers",
                "Too many clients wait or follow events; poll instead.",
                retryAfter: 5
            )
        }
        return Place(counter: self)
    }

    /// One client's place; it is given back when it is left, or when nobody has it any more.
    final class Place: Sendable {
        private let counter: FollowerCount
        private let isTaken = Mutex(true)

        fileprivate init(counter: FollowerCount) { self.counter = counter }

        deinit { leave() }

        func leave() {
            let wasTaken = isTaken.withLock { taken in
                defer { taken = false }
                return taken
            }
            if wasTaken { counter.state.withLock { $0 -= 1 } }
        }
    }
}
