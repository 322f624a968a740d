import Celeriac
import HandlerTestSupport

/// Runs a task as a worker would, without one.
struct Running {
    var task: any TaskDeclaration
    var reporter = RecordingReporter()
    var headers: TaskHeaders

    init(_ task: any TaskDeclaration) {
        self.task = task
        headers = TaskHeaders(task: task.name, id: "id-1")
    }

    /// How the task ends when it is called with these arguments.
    func outcome(_ args: [JSONValue] = [], _ kwargs: JSONObject = [:]) async -> HandlerOutcome {
        let context = TaskContext(
            request: TaskRequest(headers: headers, queue: "celery", hostname: "celery@test"),
            logger: Logger(label: "test"),
            reporter: reporter
        )
        return await HandlerRun.outcome(
            of: task.handler,
            args: JSONWriter.bytes(.array(args)),
            kwargs: JSONWriter.bytes(.object(kwargs)),
            context: context
        )
    }

    /// What the task returns, or its failure thrown.
    func result(_ args: [JSONValue] = [], _ kwargs: JSONObject = [:]) async throws -> JSONValue {
        switch await outcome(args, kwargs) {
        case .success(let bytes): return try JSONReader.value(bytes)
        case .failure(let failure, _): throw failure
        case let other: throw TaskFailure.runtimeError("ended otherwise: \(other)")
        }
    }

    /// The failure the task ends with.
    func failure(_ args: [JSONValue] = [], _ kwargs: JSONObject = [:]) async throws -> TaskFailure {
        switch await outcome(args, kwargs) {
        case .failure(let failure, _): return failure
        case let other: throw TaskFailure.runtimeError("ended otherwise: \(other)")
        }
    }
}
