import Settings
import Testing

@Suite struct `Tasks that a program brings along` {
    private static let resize: TaskSettings = {
        var task = TaskSettings(name: "photo.resize", handler: "photo.resize")
        task.queue = "photos"
        task.policy.maxRetries = .times(5)
        task.policy.softTimeLimit = .seconds(10)
        return task
    }()

    private func load(_ text: String, handlers: [String]? = ["photo.resize", "debug.echo"]) -> LoadedConfiguration {
        ConfigurationLoader(
            file: .text(text, name: "tasks.yaml"),
            environment: [:],
            handlers: handlers,
            tasks: [Self.resize],
            workingFolder: "/nowhere"
        ).load()
    }

    @Test func `need no block, and their queue is consumed`() throws {
        let configuration = try #require(load("tasks: {proj.echo: {handler: debug.echo}}").configuration)
        #expect(configuration.tasks.map(\.name) == ["proj.echo", "photo.resize"])
        #expect(configuration.queues.map(\.name) == ["celery", "photos"])
        #expect(configuration.queueName(forTask: "photo.resize") == "photos")
        let policy = configuration.policy(forTask: "photo.resize", from: "photos")
        #expect(policy.maxRetries == .times(5))
        #expect(policy.softTimeLimit == .seconds(10))
    }

    @Test func `are beaten by their block, setting by setting`() throws {
        let configuration = try #require(
            load("tasks: {photo.resize: {queue: fast, soft_time_limit: 3}}").configuration
        )
        #expect(configuration.tasks.count == 1)
        #expect(configuration.queueName(forTask: "photo.resize") == "fast")
        let policy = configuration.policy(forTask: "photo.resize", from: "fast")
        #expect(policy.maxRetries == .times(5))
        #expect(policy.softTimeLimit == .seconds(3))
    }

    @Test func `beat the queue's block and the defaults`() throws {
        let text = "{task_soft_time_limit: 60, queues: {photos: {max_retries: 1, time_limit: 100}, celery: {}}}"
        let configuration = try #require(load(text).configuration)
        let policy = configuration.policy(forTask: "photo.resize", from: "photos")
        #expect(policy.maxRetries == .times(5))
        #expect(policy.softTimeLimit == .seconds(10))
        #expect(policy.timeLimit == .seconds(100))
    }

    @Test func `may be run by another handler, if their block says so`() throws {
        let configuration = try #require(load("tasks: {photo.resize: {handler: debug.echo}}").configuration)
        #expect(configuration.task(named: "photo.resize")?.handler == "debug.echo")
    }

    @Test func `do not excuse other blocks from naming a handler`() {
        let report = load("tasks: {photo.crop: {max_retries: 1}}").report
        #expect(report.hasErrors)
        #expect(report.description.contains("the key 'handler' is missing"))
    }

    @Test func `are checked like those of the file`() {
        let report = load("tasks: {photo.resize: {time_limit: 5}}").report
        #expect(report.description.contains("the soft limit must be shorter than the hard one"))
    }
}
