import CeleriacTasks
import CeleryMessage
import Logging
import Synchronization
import TestSupport

@testable import HandlersMaintenance

/// Remembers what a run reports and enqueues.
final class RecordingReporter: TaskReporter {
    private let states = Mutex<[JSONValue]>([])
    private let signatures = Mutex<[Signature]>([])
    private let afterUpdate: @Sendable () -> Void

    init(afterUpdate: @escaping @Sendable () -> Void = {}) { self.afterUpdate = afterUpdate }

    var updates: [JSONValue] { states.withLock { $0 } }
    var enqueued: [Signature] { signatures.withLock { $0 } }

    func update(state: String, meta: JSONValue) {
        states.withLock { $0.append(meta) }
        afterUpdate()
    }

    func enqueue(_ signature: Signature) { signatures.withLock { $0.append(signature) } }
}

/// What a worker hands to a handler factory.
func setup(_ options: JSONObject, in folder: ScratchFolder) -> HandlerSetup {
    HandlerSetup(
        taskName: "backend.tasks.maintenance",
        options: options,
        baseFolder: folder.path,
        logger: Logger(label: "test")
    )
}

/// Runs a handler once.
func run(
    _ handler: any TaskHandler,
    _ kwargs: JSONObject = [:],
    id: String = "run-1",
    reporter: RecordingReporter = RecordingReporter(),
    cancellation: TaskCancellation = TaskCancellation()
) async throws -> JSONValue {
    let request = TaskRequest(
        headers: TaskHeaders(task: "backend.tasks.maintenance", id: id),
        queue: "maintenance",
        hostname: "celery@test"
    )
    let context = TaskContext(
        request: request,
        logger: Logger(label: "test"),
        cancellation: cancellation,
        reporter: reporter
    )
    return try await handler.run(TaskArguments(keyword: kwargs), context: context)
}

/// A moment that tests count from.
let noon = Instant(seconds: 1_800_014_400)
