public import CeleriacTasks
public import CeleryMessage
import Synchronization

/// Remembers what a handler reports.
public final class RecordingReporter: TaskReporter {
    /// One reported state.
    public struct Update: Sendable {
        /// The state's name.
        public var state: String
        /// What was reported with it.
        public var meta: JSONValue
    }

    private let state = Mutex<(updates: [Update], enqueued: [Signature])>(([], []))

    /// Starts with nothing.
    public init() {}

    /// The states so far, in order.
    public var updates: [Update] { state.withLock { $0.updates } }
    /// The tasks to be published with the run's end, in order.
    public var enqueued: [Signature] { state.withLock { $0.enqueued } }

    /// Takes note of a state.
    public func update(state name: String, meta: JSONValue) {
        state.withLock { $0.updates.append(Update(state: name, meta: meta)) }
    }

    /// Takes note of a task.
    public func enqueue(_ signature: Signature) { state.withLock { $0.enqueued.append(signature) } }
}
