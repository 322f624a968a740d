import Settings
import Synchronization
import WorkerCommandLine

/// The schedule's file as it stands: read again only when it has changed.
final class ScheduleCache: Sendable {
    private struct State {
        var stamp: ScheduleSource.Stamp?
        var file: ScheduleFile?
    }

    private let source: ScheduleSource
    private let timezone: String?
    private let state = Mutex(State())

    init(source: ScheduleSource, timezone: String?) {
        self.source = source
        self.timezone = timezone
    }

    /// The schedule; `nil` where there is no file.
    ///
    /// - Throws: what is wrong with it.
    func file() throws -> ScheduleFile? {
        try state.withLock { state in
            guard let stamp = source.stamp else { return nil }
            if stamp != state.stamp || state.file == nil {
                state.file = try source.load(timezone: timezone)
                state.stamp = stamp
            }
            return state.file
        }
    }
}
