/// A task to be sent later: name, arguments and options, as canvases carry it (`celery/canvas.py`).
public struct Signature: Sendable, Hashable {
    /// The task's name; `celery.chain`, `celery.group` or `celery.chord` for a canvas.
    public var task: String
    /// Positional arguments; the parent's result goes in front unless ``immutable``.
    public var args: [JSONValue]
    /// Keyword arguments; a canvas keeps its parts here.
    public var kwargs: JSONObject
    /// The options of `apply_async`, such as `task_id`, `queue` and `countdown`.
    public var options: JSONObject
    /// `chain`, `group` or `chord` for a canvas.
    public var subtaskType: String?
    /// Whether the parent's result is not put in front of the arguments.
    public var immutable: Bool
    /// Unknown members in order, such as `chord_size` from older producers.
    public var extra: JSONObject

    /// Makes a signature.
    public init(
        task: String,
        args: [JSONValue] = [],
        kwargs: JSONObject = .init(),
        options: JSONObject = .init(),
        subtaskType: String? = nil,
        immutable: Bool = false,
        extra: JSONObject = .init()
    ) {
        self.task = task
        self.args = args
        self.kwargs = kwargs
        self.options = options
        self.subtaskType = subtaskType
        self.immutable = immutable
        self.extra = extra
    }

    /// Reads a signature; only `task` has to be there.
    public init(json: JSONValue) throws(MessageError) {
        guard let object = json.object, let task = object["task"]?.string else {
            throw MessageError(.invalidTask, "a signature has no task name")
        }
        self.init(
            task: task,
            args: try Self.list(object["args"]),
            kwargs: try Self.members(object["kwargs"]),
            options: try Self.members(object["options"]),
            subtaskType: object["subtask_type"]?.string,
            immutable: object["immutable"]?.bool ?? false
        )
        for (key, value) in object where !Self.keys.contains(key) { extra[key] = value }
    }

    private static let keys: Set<String> = ["task", "args", "kwargs", "options", "subtask_type", "immutable"]

    private static func list(_ value: JSONValue?) throws(MessageError) -> [JSONValue] {
        switch value {
        case nil, .null?: return []
        case .array(let values)?: return values
        default: throw MessageError(.invalidTask, "the arguments of a signature are not a list")
        }
    }

    private static func members(_ value: JSONValue?) throws(MessageError) -> JSONObject {
        switch value {
        case nil, .null?: return JSONObject()
        case .object(let object)?: return object
        default: throw MessageError(.invalidTask, "a part of a signature is not an object")
        }
    }

    /// The signature as on the wire, keys in Celery's order.
    public var json: JSONValue {
        var object: JSONObject = [
            "task": .string(task),
            "args": .array(args),
            "kwargs": .object(kwargs),
            "options": .object(options),
            "subtask_type": subtaskType.map(JSONValue.string) ?? .null,
            "immutable": .bool(immutable),
        ]
        for (key, value) in extra { object[key] = value }
        return .object(object)
    }
}
