public import CeleryMessage

/// Thrown to give the task's place to another signature, as Celery's `self.replace()`.
///
/// The signature runs under this task's id, with its callbacks, errbacks and the rest of its chain, and as this task's part
/// of a chord; nothing is stored for this run. A group gives its list of results.
public struct TaskReplacement: Error, Sendable, Hashable {
    /// What runs instead.
    public var signature: Signature

    /// Gives the place of the task to `signature`.
    public init(by signature: Signature) { self.signature = signature }
}
