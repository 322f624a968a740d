public import CeleryMessage

/// Why a task does not run, or what became of it.
public struct Explanation: Sendable, Hashable {
    /// One thing that is true of the task, an open set.
    public struct Reason: Sendable, Hashable {
        /// A stable name, such as `queue_paused`.
        public var code: String
        /// A sentence for people.
        public var text: String
        /// What the sentence is about: a queue, a worker, numbers, times.
        public var facts: JSONObject

        /// A reason.
        public init(_ code: String, _ text: String, _ facts: JSONObject = JSONObject()) {
            self.code = code
            self.text = text
            self.facts = facts
        }
    }

    /// The task's id.
    public var taskID: String
    /// Its state in Celery's words.
    public var state: TaskState
    /// Its name.
    public var task: String?
    /// Its queue.
    public var queue: String?
    /// Whether it has ended, and nothing is to be waited for.
    public var isFinished: Bool
    /// What is true of it; what weighs most is first.
    public var reasons: [Reason]

    /// An explanation.
    public init(
        taskID: String,
        state: TaskState,
        task: String? = nil,
        queue: String? = nil,
        isFinished: Bool = false,
        reasons: [Reason] = []
    ) {
        self.taskID = taskID
        self.state = state
        self.task = task
        self.queue = queue
        self.isFinished = isFinished
        self.reasons = reasons
    }
}

/// Finds out why a task does not run.
///
/// Throws ``InspectionError``.
public protocol Explaining: Sendable {
    /// What is true of a task.
    func explain(_ taskID: String) async throws -> Explanation
}
