public import CeleryMessage

/// Puts what is stored about a task and where its message is together.
public struct TaskInspector: Sendable {
    private let reading: any TaskReading
    private let codecs: MessageCodecs
    private let serializer: String
    private let resultLifetime: Duration?
    private let limits: MessageLimits
    private let now: @Sendable () -> Instant

    /// An inspector of one deployment.
    ///
    /// - Parameters:
    ///   - codecs: what records may be written in.
    ///   - serializer: `result_serializer`.
    ///   - resultLifetime: with how much time to live every record is written, to tell when that was; `nil` where records
    ///     differ in it.
    ///   - limits: how large a record may be.
    ///   - now: the wall clock.
    public init(
        reading: any TaskReading,
        codecs: MessageCodecs = .json,
        serializer: String = "json",
        resultLifetime: Duration? = nil,
        limits: MessageLimits = .init(),
        now: @escaping @Sendable () -> Instant = { .now() }
    ) {
        self.reading = reading
        self.codecs = codecs
        self.serializer = serializer
        self.resultLifetime = resultLifetime
        self.limits = limits
        self.now = now
    }

    /// What is known about a task.
    ///
    /// - Parameter thoroughly: see ``TaskReading/find(taskID:thoroughly:)``.
    public func status(of taskID: String, thoroughly: Bool = false) async throws -> TaskStatus {
        let stored = try await reading.record(taskID: taskID)
        let record = try stored.map { try decoded($0.bytes, taskID: taskID) }
        var status = TaskStatus(id: taskID, record: record)
        status.updatedAt = stored.flatMap { updated($0, record) }
        if !status.state.isReady { status.search = try await reading.find(taskID: taskID, thoroughly: thoroughly) }
        return status
    }

    /// What is stored of a task; `nil` when nothing is.
    public func record(of taskID: String) async throws -> ResultRecord? {
        try await reading.record(taskID: taskID).map { try decoded($0.bytes, taskID: taskID) }
    }

    private func decoded(_ bytes: [UInt8], taskID: String) throws -> ResultRecord {
        do throws(MessageError) {
            return try ResultRecord(decoding: bytes, codecs: codecs, serializer: serializer, limits: limits)
        } catch {
            throw InspectionError(.undecodable, "the record of \(taskID): \(error.message)")
        }
    }

    /// A record has a date only when its task has ended; before, its remaining time to live tells its age.
    private func updated(_ stored: StoredRecord, _ record: ResultRecord?) -> Instant? {
        if let date = record?.dateDone { return date }
        guard let lifetime = resultLifetime, let left = stored.timeToLive, left <= lifetime else { return nil }
        let estimate = now() - (lifetime - left)
        return Instant(seconds: estimate.seconds.rounded())
    }
}
