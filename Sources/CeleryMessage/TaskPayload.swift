/// What a task is called with: the body of its message, arguments still as JSON text.
///
/// The texts are valid JSON, a list and an object; ``TaskMessage/decode(_:codecs:limits:)`` has checked them. They are
/// read into values only where the task runs.
public struct TaskPayload: Sendable, Hashable {
    /// The positional arguments: JSON text of a list.
    public var args: [UInt8]
    /// The keyword arguments: JSON text of an object.
    public var kwargs: [UInt8]
    /// What follows the task.
    public var embed: Embed

    /// Makes a payload from JSON texts.
    public init(args: [UInt8] = Array("[]".utf8), kwargs: [UInt8] = Array("{}".utf8), embed: Embed = .init()) {
        self.args = args
        self.kwargs = kwargs
        self.embed = embed
    }

    /// Makes a payload from values.
    public init(arguments: [JSONValue], keywords: JSONObject = .init(), embed: Embed = .init()) {
        self.init(args: JSONWriter.bytes(.array(arguments)), kwargs: JSONWriter.bytes(.object(keywords)), embed: embed)
    }

    /// The positional arguments as values.
    public func arguments(limits: JSONLimits = .init()) throws(JSONError) -> [JSONValue] {
        try JSONReader.value(args, limits: limits).array ?? []
    }

    /// The keyword arguments as values.
    public func keywords(limits: JSONLimits = .init()) throws(JSONError) -> JSONObject {
        try JSONReader.value(kwargs, limits: limits).object ?? JSONObject()
    }
}
