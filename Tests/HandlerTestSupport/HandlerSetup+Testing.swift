public import CeleriacTasks
public import CeleryMessage
import Logging

extension TaskContext {
    /// The context of a run that logs nowhere.
    public static func testing(
        _ task: String,
        id: String,
        queue: String,
        retries: Int = 0,
        reporter: RecordingReporter = RecordingReporter()
    ) -> TaskContext {
        var headers = TaskHeaders(task: task, id: id)
        headers.retries = retries
        return TaskContext(
            request: TaskRequest(headers: headers, queue: queue, hostname: "celery@test"),
            logger: .silent,
            reporter: reporter
        )
    }
}

extension HandlerSetup {
    /// The setup of a handler whose relative paths start in `folder`, and that logs nowhere.
    public static func testing(_ task: String, _ options: JSONObject, folder: String) -> HandlerSetup {
        HandlerSetup(taskName: task, options: options, baseFolder: folder, logger: .silent)
    }
}

extension Logger {
    fileprivate static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
