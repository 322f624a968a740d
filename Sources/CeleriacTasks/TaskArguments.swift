public import CeleryMessage

/// What a task was called with: Python's `args` and `kwargs`.
public struct TaskArguments: Sendable, Hashable {
    /// The positional arguments in order.
    public var positional: [JSONValue]
    /// The keyword arguments in order.
    public var keyword: JSONObject

    /// Holds a call's arguments.
    public init(positional: [JSONValue] = [], keyword: JSONObject = [:]) {
        self.positional = positional
        self.keyword = keyword
    }
}
