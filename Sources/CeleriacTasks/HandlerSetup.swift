public import CeleryMessage
public import Logging

/// What a handler is made from: its block's `options` and where relative paths start.
public struct HandlerSetup: Sendable {
    /// The task's name on the wire.
    public var taskName: String
    /// The handler's own options as `tasks.yaml` has them, `${NAME}` already replaced.
    public var options: OptionReader
    /// The folder that relative paths in options start from: that of the configuration file.
    public var baseFolder: String
    /// For what concerns the handler itself; a run has a logger of its own in its context.
    public var logger: Logger

    /// Gathers what a handler is made from.
    public init(taskName: String, options: JSONObject, baseFolder: String, logger: Logger) {
        self.taskName = taskName
        self.options = OptionReader(options)
        self.baseFolder = baseFolder
        self.logger = logger
    }

    /// A path from the options: itself when absolute, else below ``baseFolder``.
    public func path(_ text: String) -> String {
        text.hasPrefix("/") ? text : baseFolder + "/" + text
    }
}

/// An option of a handler that cannot be right: which one and why.
public struct HandlerOptionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The option's keys from the outermost, for example `["database", "sqlite"]`.
    public var path: [String]
    /// What is wrong and what was expected.
    public var message: String

    /// Says what is wrong with the option at `path`.
    public init(path: [String], message: String) {
        self.path = path
        self.message = message
    }

    /// `options.database.sqlite: …`.
    public var description: String { (["options"] + path).joined(separator: ".") + ": " + message }
}
