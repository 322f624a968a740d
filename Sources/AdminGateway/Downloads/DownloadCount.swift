import HTTPTypes
import Synchronization

/// Bounds how many files are sent at once.
final class DownloadCount: Sendable {
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
                "too_many_downloads",
                "Too many files are being downloaded.",
                retryAfter: 5
            )
        }
        return Place(counter: self)
    }

    /// One download's place; it is given back when nobody has it any more.
    final class Place: Sendable {
        private let counter: DownloadCount

        fileprivate init(counter: DownloadCount) { self.counter = counter }

        deinit { counter.state.withLock { $0 -= 1 } }
    }
}
