import CeleryMessage
import Inspection

/// A task in a list, wherever what is known of it comes from.
struct TaskRow: Sendable, Hashable {
    /// Where it is, in the words of the pages.
    enum State: String, Sendable {
        case waiting, active, delayed, completed, failed, revoked, rejected, ignored

        /// The state of a task that has ended.
        init(ended state: TaskState) {
            switch state {
            case .success: self = .completed
            case .revoked: self = .revoked
            case .rejected: self = .rejected
            case .ignored: self = .ignored
            default: self = .failed
            }
        }

        init(_ state: JobState) {
            switch state {
            case .waiting: self = .waiting
            case .active: self = .active
            case .delayed: self = .delayed
            case .completed: self = .completed
            case .failed: self = .failed
            }
        }
    }

    var id: String
    var task: String?
    var queue: String
    var state: State
    var attempts = 0
    var tenant: String?
    var worker: String?
    var arguments = ""
    var error: String?
    var progress: JobProgress?
    var runtime: Double?
    /// When it ended, began, or will.
    var moment: Instant?
    var position: Int?

    init(_ job: JobSummary) {
        id = job.id
        task = job.task
        queue = job.queue
        state = State(job.state)
        attempts = job.attempts
        tenant = job.tenant
        worker = job.worker
        arguments = job.arguments
        error = job.state == .completed ? nil : job.failedReason
        progress = job.state == .active ? job.progress : nil
        runtime = job.runtime
        switch job.state {
        case .waiting: position = job.position
        case .active: moment = job.startedAt
        case .delayed: moment = job.until
        case .completed, .failed: moment = job.finishedAt
        }
    }

    init(_ task: FinishedTask) {
        id = task.id
        self.task = task.name
        queue = task.queue
        state = State(ended: task.state)
        attempts = task.attempts
        tenant = task.tenant
        worker = task.worker
        arguments = Self.arguments(task)
        error = Self.error(task)
        runtime = task.runtime.map { $0 / .seconds(1) }
        moment = task.finishedAt
    }

    /// The arguments in one line.
    static func arguments(_ task: FinishedTask) -> String {
        switch (task.arguments, task.keywords) {
        case ("[]", "{}"): ""
        case (let arguments, "{}"): arguments
        case ("[]", let keywords): keywords
        case (let arguments, let keywords): "\(arguments) \(keywords)"
        }
    }

    /// Why a task failed, in one line.
    static func error(_ task: FinishedTask) -> String? {
        task.failure.map { $0.message.isEmpty ? $0.type : "\($0.type): \($0.message)" }
    }

    /// What the table shows.
    func context(_ frame: PageFrame) -> [String: Any] {
        let (words, humanizer) = (frame.words, frame.humanizer)
        let name = task ?? words["unreadable"]
        return [
            "id": id, "key": PageFrame.key("\(id) \(state.rawValue)"), "task": name,
            "shortTask": PageFrame.short(name),
            "href": frame.path(task: id, queue: queue), "queue": queue, "queueHref": frame.path(queue: queue),
            "state": state.rawValue, "stateText": words["state.\(state.rawValue)"],
            "asksWhy": state == .waiting || state == .delayed,
            "attempts": attempts > 0 ? humanizer.count(attempts) : "–", "tenant": maybe(tenant),
            "worker": maybe(state == .active ? worker : nil), "arguments": maybe(arguments), "error": maybe(error),
            "progress": progress.map { Self.progress($0, humanizer) } ?? false as Any,
            "runtime": runtime.map { humanizer.duration($0) } ?? "–",
            "when": moment.map { humanizer.time($0) } ?? false as Any,
            "whenLabel": words[
                state == .delayed ? "due" : state == .active ? "started" : state == .waiting ? "position" : "finished"
            ],
            "position": position.map { "#" + humanizer.count($0) } ?? false as Any,
            // An id has no white space.
            "pick": "\(id) \(queue)", "pickLabel": "\(PageFrame.short(name)) \(id)",
        ]
    }

    /// A bar.
    static func progress(_ progress: JobProgress, _ humanizer: Humanizer) -> [String: Any] {
        let isFit = progress.total.isFinite && progress.total > 0 && progress.current.isFinite
        return [
            "current": isFit ? "\(min(max(0, progress.current), progress.total))" : "0",
            "total": isFit ? "\(progress.total)" : "100",
            "percent": humanizer.share(isFit ? progress.percent / 100 : 0), "text": progress.status ?? "",
        ]
    }
}
