/// Reads what is stored about tasks and where their messages are.
///
/// All calls throw ``InspectionError``. Nothing here writes, blocks the server or asks it for more than a bounded amount.
public protocol TaskReading: Sendable {
    /// The record of a task, or `nil` when nothing is stored.
    func record(taskID: String) async throws -> StoredRecord?

    /// Looks for a task's message in queues, among the parked and among the held ones.
    ///
    /// - Parameter thoroughly: whether to look after being asked, however often others ask; otherwise what was seen a
    ///   moment ago serves.
    func find(taskID: String, thoroughly: Bool) async throws -> SearchOutcome

    /// Whether the servers answer; throws when one does not.
    func ping() async throws
}
