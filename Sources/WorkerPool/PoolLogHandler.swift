import Logging

/// Sends what task code logs to the controller, which prints every line in one format.
struct PoolLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level

    private let label: String
    private let job: UInt64?
    private let taskID: String?
    private let taskName: String?
    private let processName: String
    private let processID: Int32
    private let sink: any RunSink

    init(
        label: String,
        level: Logger.Level,
        job: UInt64?,
        taskID: String?,
        taskName: String?,
        processName: String,
        processID: Int32,
        sink: any RunSink
    ) {
        self.label = label
        logLevel = level
        self.job = job
        self.taskID = taskID
        self.taskName = taskName
        self.processName = processName
        self.processID = processID
        self.sink = sink
    }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadataProvider?.get() ?? [:]
        all.merge(metadata) { _, own in own }
        if let own = event.metadata { all.merge(own) { _, line in line } }
        if let error = event.error { all["error"] = "\(error)" }
        sink.log(
            PoolLogRecord(
                level: event.level,
                label: label,
                message: event.message.description,
                metadata: all,
                job: job,
                taskID: taskID,
                taskName: taskName,
                processName: processName,
                processID: processID
            )
        )
    }
}
