/// Reads what finished tasks have left.
///
/// All calls throw ``InspectionError``. Nothing here writes, or asks the server for more than what is new since the last
/// time.
public protocol HistoryReading: Sendable {
    /// The finished tasks that a query is about.
    func finished(_ query: HistoryQuery) async throws -> HistoryPage

    /// The newest end of a task; `nil` when none is kept.
    func finished(taskID: String) async throws -> FinishedTask?

    /// How many have ended, by queue.
    func counts() async throws -> [String: HistoryCounts]

    /// How long the runs took, by queue and task.
    func durations() async throws -> [TaskDurations]
}
