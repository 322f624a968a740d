/// The headers of a task message, protocol 2 (`celery/app/amqp.py`).
public struct TaskHeaders: Sendable, Hashable {
    /// The producer's language, which Celery's workers ignore; `py` by default, so that messages look alike.
    public var lang = "py"
    /// The registered name of the task.
    public var task: String
    /// The task's id, a UUID unless the caller chose otherwise.
    public var id: String
    /// The name to show in logs and events instead of the task's own.
    public var shadow: String?
    /// Not before this moment: ISO 8601 as it came, read as UTC without an offset; see ``etaInstant``.
    public var eta: String?
    /// Not after this moment: ISO 8601 as it came; see ``expiresInstant``.
    public var expires: String?
    /// The group the task belongs to.
    public var group: String?
    /// The place in the group or chord header.
    public var groupIndex: Int?
    /// How many times the task has been retried.
    public var retries = 0
    /// Seconds until the task is killed.
    public var hardTimeLimit: Double?
    /// Seconds until the task is told to stop.
    public var softTimeLimit: Double?
    /// The first task of the workflow; see ``root``.
    public var rootID: String?
    /// The task that sent this one.
    public var parentID: String?
    /// The arguments as text, for people only.
    public var argsrepr: String?
    /// The keyword arguments as text, for people only.
    public var kwargsrepr: String?
    /// Who sent the task first: `gen<pid>@<host>`.
    public var origin: String?
    /// Whether to store no result; `nil` leaves it to the task's own setting.
    public var ignoreResult: Bool?
    /// How often the task was replaced by another.
    public var replacedTaskNesting = 0
    /// The names of the stamps.
    public var stampedHeaders: [String]?
    /// The stamps by name.
    public var stamps = JSONObject()
    /// What the body is compressed with, a mime name; on reading also one of Kombu's aliases.
    public var compression: String?
    /// Whether the message went back to its queue before.
    public var redelivered = false
    /// Every other header in order; they travel on with retries.
    public var extra = JSONObject()

    /// Makes the headers of a plain task that is its own root.
    public init(task: String, id: String) {
        self.task = task
        self.id = id
        rootID = id
    }

    /// Headers to be read into.
    init() {
        task = ""
        id = ""
    }

    /// The root of the workflow: ``rootID``, or the task's own id where a producer left it out.
    public var root: String { rootID ?? id }
    /// ``eta`` as a moment.
    public var etaInstant: Instant? { eta.flatMap(ISO8601.date) }
    /// ``expires`` as a moment.
    public var expiresInstant: Instant? { expires.flatMap(ISO8601.date) }
    /// Name and id as Celery's log lines have them: `name[id]`.
    public var label: String { "\(displayName)[\(id)]" }
    /// The name to show: ``shadow`` where it is set.
    public var displayName: String {
        guard let shadow, !shadow.isEmpty else { return task }
        return shadow
    }
}
