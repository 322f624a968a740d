/// How the log looks: `log_*`.
public struct LogSettings: Sendable, Hashable {
    /// The form of a line.
    public enum Format: String, Sendable, Hashable, CaseIterable {
        /// Lines as Celery writes them.
        case text
        /// One JSON object per line.
        case json
    }

    /// The least important line that is written, by Celery's names.
    public enum Level: String, Sendable, Hashable, CaseIterable {
        /// Everything.
        case debug = "DEBUG"
        /// The banner's tasks and what happens to each task.
        case info = "INFO"
        /// What may need somebody's attention.
        case warning = "WARNING"
        /// What failed.
        case error = "ERROR"
        /// What stops the worker.
        case critical = "CRITICAL"
        /// As `CRITICAL`.
        case fatal = "FATAL"
    }

    /// `log_format`; default text.
    public var format = Format.text
    /// `log_level`; default `WARNING`, as `-l`.
    public var level = Level.warning

    /// Celery's defaults.
    public init() {}
}
