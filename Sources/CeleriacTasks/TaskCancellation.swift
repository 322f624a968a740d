import Synchronization

/// Why a run was cancelled.
public enum CancellationReason: String, Sendable {
    /// The soft time limit passed.
    case softTimeLimit
    /// The task was revoked with terminate.
    case revoked
    /// The worker stops cold; the message goes back to its queue.
    case shutdown
}

/// Tells a running handler why it was cancelled; set before the Swift task is cancelled.
public final class TaskCancellation: Sendable {
    private let state = Mutex<CancellationReason?>(nil)

    /// Makes a flag that is not set.
    public init() {}

    /// The reason, or `nil` while the run is not cancelled.
    public var reason: CancellationReason? { state.withLock { $0 } }

    /// Sets the reason; the first one stays.
    public func cancel(_ reason: CancellationReason) {
        state.withLock { if $0 == nil { $0 = reason } }
    }
}
