public import CeleryMessage
public import Logging

/// What a pool process is told at its start: which handler runs each task, and how to log.
public struct PoolSetup: Sendable, Hashable {
    /// A task's name on the wire bound to a handler.
    public struct Binding: Sendable, Hashable {
        /// The task's name on the wire.
        public var task: String
        /// The handler's name in the registry.
        public var handler: String
        /// The handler's own options.
        public var options: JSONObject
        /// The folder that relative paths in the options start from.
        public var baseFolder: String

        /// Binds a task to a handler.
        public init(task: String, handler: String, options: JSONObject = [:], baseFolder: String = ".") {
            self.task = task
            self.handler = handler
            self.options = options
            self.baseFolder = baseFolder
        }
    }

    /// The bindings; a later one of the same task replaces an earlier one.
    public var tasks: [Binding]
    /// The least serious level that task code logs.
    public var logLevel: Logger.Level
    /// The node's name.
    public var hostname: String

    /// Gathers what a pool process is told.
    public init(tasks: [Binding], logLevel: Logger.Level = .info, hostname: String = "") {
        self.tasks = tasks
        self.logLevel = logLevel
        self.hostname = hostname
    }

    /// As the hello frame carries it.
    public var json: JSONValue {
        let tasks: [JSONValue] = tasks.map { binding in
            [
                "task": .string(binding.task), "handler": .string(binding.handler),
                "options": .object(binding.options), "base_folder": .string(binding.baseFolder),
            ]
        }
        return ["tasks": .array(tasks), "log_level": .string(logLevel.rawValue), "hostname": .string(hostname)]
    }

    /// Reads what ``json`` wrote.
    ///
    /// - Throws: ``PoolError`` of code `malformedFrame` that names the wrong member.
    public init(json: JSONValue) throws(PoolError) {
        func refuse(_ what: String) -> PoolError {
            PoolError(code: .malformedFrame, message: "hello: wrong or missing \(what)")
        }
        guard let list = json["tasks"]?.array else { throw refuse("tasks") }
        guard let level = json["log_level"]?.string.flatMap(Logger.Level.init(rawValue:)) else {
            throw refuse("log_level")
        }
        guard let hostname = json["hostname"]?.string else { throw refuse("hostname") }
        var tasks: [Binding] = []
        tasks.reserveCapacity(list.count)
        for item in list {
            guard let task = item["task"]?.string, let handler = item["handler"]?.string,
                let options = item["options"]?.object, let folder = item["base_folder"]?.string
            else { throw refuse("member of tasks") }
            tasks.append(Binding(task: task, handler: handler, options: options, baseFolder: folder))
        }
        self.init(tasks: tasks, logLevel: level, hostname: hostname)
    }
}
