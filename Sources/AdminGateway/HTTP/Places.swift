import HTTPTypes
import Synchronization

/// Bounds how many clients may do at once what costs memory or a file for as long as they stay.
final class Places: Sendable {
    private let code: String
    private let refusal: String
    private let state = Mutex(0)

    /// Places; who finds none is answered 503 with this code and this sentence.
    ///
    /// How many there are is said by whoever enters, because it may change while the gateway runs.
    init(code: String, refusal: String) {
        self.code = code
        self.refusal = refusal
    }

    /// How many are taken.
    var count: Int { state.withLock { $0 } }

    /// Takes one of so many places; 503 when there is none.
    func enter(most: Int) throws -> Place {
        let isFull = state.withLock { count in
            guard count < most else { return true }
            count += 1
            return false
        }
        guard !isFull else { throw GatewayError(.serviceUnavailable, code, refusal, retryAfter: 5) }
        return Place(of: self)
    }

    /// One client's place; it is given back when it is left, or when nobody has it any more.
    final class Place: Sendable {
        private let places: Places
        private let isTaken = Mutex(true)

        fileprivate init(of places: Places) { self.places = places }

        deinit { leave() }

        func leave() {
            let wasTaken = isTaken.withLock { taken in
                defer { taken = false }
                return taken
            }
            if wasTaken { places.state.withLock { $0 -= 1 } }
        }
    }
}
