/// The handlers a program has, by the names `tasks.yaml` uses.
public struct HandlerRegistry: Sendable {
    private var factories: [String: HandlerFactory] = [:]

    /// Holds these factories; a later one of the same name replaces an earlier one.
    public init(_ factories: [HandlerFactory] = []) {
        for factory in factories { self.factories[factory.name] = factory }
    }

    /// The factory of that name, or `nil`.
    public subscript(name: String) -> HandlerFactory? { factories[name] }

    /// All names, sorted.
    public var names: [String] { factories.keys.sorted() }
}
