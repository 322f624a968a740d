import ArgumentParser
import Exposition
package import Logging
import MetricsServer
import Settings

/// `celeriac worker`: takes messages and runs their tasks.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Take messages from queues and run their tasks.",
        discussion: "Settings may follow as key=value, for example result_expires=3600."
    )

    @ParentCommand var global: CeleriacCommand

    @Option(name: [.customShort("n"), .long], help: "The node name; %h host, %n name, %d domain.")
    var hostname: String?
    @Option(name: [.customShort("Q"), .long], help: "The queues to take from, separated by commas.")
    var queues: String?
    @Option(name: [.customShort("X"), .long], help: "The queues not to take from, separated by commas.")
    var excludeQueues: String?
    @Option(name: [.short, .long], help: "How many tasks run at once; auto is the number of processors.")
    var concurrency: String?
    @Option(name: [.customShort("P"), .long], help: "prefork, solo, threads, gevent, eventlet or inline.")
    var pool: String?
    @Option(name: [.short, .long], help: "DEBUG, INFO, WARNING, ERROR, CRITICAL or FATAL.")
    var loglevel: String?
    @Option(name: .long, help: "text or json.")
    var logFormat: String?
    @Flag(name: .customLong("json-logs"), help: "The same as --log-format json.")
    var jsonLogs = false
    @Option(name: [.customShort("f"), .long], help: "Where log lines go instead of standard error.")
    var logfile: String?
    @Option(name: .long, help: "A file to hold the process id while the worker runs.")
    var pidfile: String?
    @Option(name: .long, help: "The most and the least processes: 10,3.")
    var autoscale: String?
    @Option(name: .long, help: "Tasks after which a pool process is replaced.")
    var maxTasksPerChild: Int?
    @Option(name: .long, help: "Resident KiB above which a pool process is replaced.")
    var maxMemoryPerChild: Int?
    @Option(name: .long, help: "Seconds after which a task's process is killed.")
    var timeLimit: Double?
    @Option(name: .long, help: "Seconds after which a task is cancelled.")
    var softTimeLimit: Double?
    @Option(name: .long, help: "The most messages held per slot.")
    var prefetchMultiplier: Int?
    @Flag(name: .long, help: "Hold no message that cannot run at once.")
    var disablePrefetch = false
    @Flag(name: [.customLong("purge"), .customLong("discard")], help: "Empty the queues first.")
    var purge = false
    @Flag(name: [.customShort("E"), .long], help: "Send task events.")
    var taskEvents = false
    @Flag(name: .long, help: "Take no part in other workers' elections.")
    var withoutGossip = false
    @Flag(name: .long, help: "Do not ask other workers for revoked tasks at the start.")
    var withoutMingle = false
    @Flag(name: .long, help: "Send no heartbeat events.")
    var withoutHeartbeat = false
    @Option(name: .long, help: "Seconds between heartbeat events (default: 2).")
    var heartbeatInterval: Double?
    @Option(name: .long, help: "Serve /metrics, /livez, /readyz and /startupz there: 9808, 0.0.0.0:9808.")
    var metrics: String?
    @Option(name: .long, help: "By whose names: queues, exporter, flower (default: queues,exporter).")
    var metricsFamilies: String?

    @Flag(name: [.customShort("D"), .long], help: "Leave the terminal; needs --logfile or writes celeriac.log.")
    var detach = false
    @Option(name: .long, help: "The user to run as.")
    var uid: String?
    @Option(name: .long, help: "The group to run as.")
    var gid: String?
    @Option(name: .long, help: "The file mask, octal.")
    var umask: String?
    @Flag(name: [.customShort("B"), .long], help: "Send what the schedule says, too; any number of workers may.")
    var beat = false

    // Accepted because people's service files have them; what they do in Celery has no counterpart here or is always on.
    @Option(name: [.customShort("O"), .long], help: "Accepted: tasks always go to a free slot.")
    var optimization: String?
    @Option(name: [.customShort("S"), .long], help: "Accepted: state is kept in Redis.")
    var statedb: String?
    @Option(name: [.customShort("I"), .long], help: "Accepted: there are no Python modules to import.")
    var include: [String] = []
    @Option(name: .long, help: "Accepted: pool processes are always started by posix_spawn.")
    var poolStartMethod: String?
    @Option(name: .long, help: "Accepted: pool processes are always this program.")
    var executable: String?
    @Option(
        name: [.customShort("s"), .customLong("schedule"), .customLong("schedule-filename")],
        help: "With -B: the schedule's file (default: beat.yaml)."
    )
    var schedule: String?
    @Option(name: .long, help: "Accepted: there is one scheduler.")
    var scheduler: String?

    @Argument(help: "Settings that override the file: key=value.")
    var settings: [String] = []

    mutating func run() async throws {
        if detach, !Program.current.isDetached { return try leaveTerminal() }
        try Daemon(user: uid, group: gid, mask: umask).assume()
        let options = try options
        let source = ConfigurationSource(global: global, overrides: try overrides)
        let configuration = try source.load()
        var program = WorkerProgram(source: source, options: options, log: try log(configuration))
        program.banner = global.quiet ? .none : .full
        program.purges = purge
        if beat { program.schedule = ScheduleSource(path: schedule) }
        let pidFile = try pidfile.map(PidFile.init)
        defer { pidFile?.remove() }
        for note in notes(configuration) { Terminal.error(note) }
        let code = try await program.run(configuration)
        guard code == 0 else { throw ExitCode(code) }
    }

    /// Starts the same command again, out of the terminal's reach.
    private func leaveTerminal() throws {
        _ = try ConfigurationSource(global: global, overrides: try overrides).load()
        let words = [CommandLineWords.detachedWord] + CommandLine.arguments.dropFirst()
        let pid = try Daemon.detach(words: words, log: logfile ?? "celeriac.log")
        print(pid)
    }

    private func log(_ configuration: CeleriacConfiguration) throws -> WorkerProgram.Log {
        let level = loglevel.map { $0.uppercased() } ?? configuration.log.level.rawValue
        guard let chosen = LogLevel.named(level) else {
            throw Complaint("--loglevel: \(level) is no log level; known are \(LogLevel.names)", code: .usage)
        }
        let format = jsonLogs ? "json" : logFormat ?? configuration.log.format.rawValue
        guard let shape = CeleryLogHandler.Format(rawValue: format) else {
            throw Complaint("--log-format: expected text or json, got \(format)", code: .usage)
        }
        return WorkerProgram.Log(level: chosen, format: shape, file: try LogFile(path: logfile))
    }

    private var options: WorkerOptions {
        get throws {
            var options = WorkerOptions()
            options.hostname = hostname
            options.queues = list(queues)
            options.excludedQueues = Set(list(excludeQueues))
            options.concurrency = try concurrency.map(count)
            options.pool = try pool.map(poolKind)
            options.autoscale = try autoscale.map(scale)
            options.maxTasksPerChild = maxTasksPerChild
            options.maxMemoryPerChild = maxMemoryPerChild
            options.timeLimit = timeLimit
            options.softTimeLimit = softTimeLimit
            options.prefetchMultiplier = prefetchMultiplier
            options.disablePrefetch = disablePrefetch
            options.taskEvents = taskEvents
            options.withoutGossip = withoutGossip
            options.withoutMingle = withoutMingle
            options.withoutHeartbeat = withoutHeartbeat
            options.heartbeatInterval = try heartbeatInterval.map(interval)
            options.metrics = try metrics.map(MetricsAddress.init(option:))
            options.metricsFamilies = try metricsFamilies.map(MetricsFamilies.init(option:)) ?? .usual
            return options
        }
    }

    private func list(_ text: String?) -> [String] { text?.split(separator: ",").map(String.init) ?? [] }

    private func count(_ text: String) throws -> Int {
        if text == "auto" { return Environment.processors }
        guard let number = Int(text), (1...10_000).contains(number) else {
            throw Complaint("--concurrency: expected a number from 1 to 10000 or auto, got \(text)", code: .usage)
        }
        return number
    }

    private func interval(_ seconds: Double) throws -> Double {
        guard seconds >= 0.1, seconds <= 86_400 else {
            throw Complaint("--heartbeat-interval: expected 0.1 to 86400 seconds, got \(seconds)", code: .usage)
        }
        return seconds
    }

    private func poolKind(_ text: String) throws -> String {
        let known = ["prefork", "processes", "solo", "threads", "gevent", "eventlet", "inline"]
        guard known.contains(text) else {
            throw Complaint("--pool: unknown pool \(text); known are \(known.joined(separator: ", "))", code: .usage)
        }
        return text
    }

    private func scale(_ text: String) throws -> (maximum: Int, minimum: Int) {
        let numbers = text.split(separator: ",").compactMap { Int($0) }.filter { $0 >= 0 }
        guard (1...2).contains(numbers.count), let most = numbers.max(), most > 0 else {
            throw Complaint("--autoscale: expected max,min, got \(text)", code: .usage)
        }
        return (most, numbers.count == 2 ? numbers.min() ?? 0 : 0)
    }

    private var overrides: [ConfigurationLoader.Override] {
        get throws {
            try settings.map { setting in
                guard let equals = setting.firstIndex(of: "=") else {
                    throw Complaint("unexpected argument '\(setting)'; settings are written key=value", code: .usage)
                }
                return .init(String(setting[..<equals]), String(setting[setting.index(after: equals)...]))
            }
        }
    }

    private func notes(_ configuration: CeleriacConfiguration) -> [String] {
        guard !global.quiet else { return [] }
        var notes: [String] = []
        if configuration.tasks.isEmpty {
            let why =
                configuration.file.map { "\($0) names no task" }
                ?? "there is no tasks.yaml in \(Environment.workingFolder)"
            notes.append("Note: \(why): this worker can run nothing, and keeps aside what it takes.")
        }
        if !include.isEmpty { notes.append("Note: --include names Python modules; tasks come from tasks.yaml.") }
        if schedule != nil, !beat { notes.append("Note: --schedule has no effect without -B.") }
        if statedb != nil { notes.append("Note: --statedb has no effect; the state of messages is kept in Redis.") }
        return notes
    }
}

/// Log levels by Celery's names.
package enum LogLevel {
    package static let names = "DEBUG, INFO, WARNING, ERROR, CRITICAL, FATAL"

    package static func named(_ name: String) -> Logger.Level? {
        switch name {
        case "DEBUG": .debug
        case "INFO": .info
        case "WARNING", "WARN": .warning
        case "ERROR": .error
        case "CRITICAL", "FATAL": .critical
        default: nil
        }
    }
}
