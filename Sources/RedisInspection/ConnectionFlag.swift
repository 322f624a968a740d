import Synchronization

/// Whether a connection is up just now.
final class ConnectionFlag: Sendable {
    private let state = Mutex(false)

    var isUp: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
