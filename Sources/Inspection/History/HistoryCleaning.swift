public import CeleryMessage

/// Forgets finished tasks before their time.
///
/// All calls throw ``InspectionError``.
public protocol HistoryCleaning: Sendable {
    /// Forgets the tasks of a queue that ended before a moment; answers how many.
    func clean(queue: String, completed: Bool, failed: Bool, endedBefore moment: Instant) async throws -> Int

    /// Forgets what is kept of a task; false where nothing is.
    func forget(taskID: String, queue: String) async throws -> Bool
}
