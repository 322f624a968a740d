import ArgumentParser
import CeleryMessage
import Glibc
import Logging
import MetricsServer
import NIOCore
import NIOPosix
import Schedules
import Settings
import Synchronization
import WorkerCommandLine

/// `celeriac-beat`: sends what is due until it is told to stop.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "run", abstract: "Send what is due (the default).")

    @OptionGroup var options: ScheduleOptions
    @Option(name: [.customShort("S"), .long], help: "Accepted for Celery's sake: there is one scheduler.")
    var scheduler: String?
    @Option(name: .long, help: "The longest time between two looks at the clock, seconds.")
    var maxInterval: Double?
    @Option(name: [.short, .long], help: "DEBUG, INFO, WARNING, ERROR, CRITICAL or FATAL.")
    var loglevel: String?
    @Option(name: .long, help: "text or json.")
    var logFormat: String?
    @Flag(name: .customLong("json-logs"), help: "The same as --log-format json.")
    var jsonLogs = false
    @Option(name: [.customShort("f"), .long], help: "Where log lines go instead of standard error.")
    var logfile: String?
    @Option(name: .long, help: "A file to hold the process id while the beat runs; with -D celerybeat.pid.")
    var pidfile: String?
    @Flag(name: [.customShort("D"), .long], help: "Leave the terminal; needs --logfile or writes celerybeat.log.")
    var detach = false
    @Option(name: .long, help: "The user to run as.")
    var uid: String?
    @Option(name: .long, help: "The group to run as.")
    var gid: String?
    @Option(name: .long, help: "The file mask, octal.")
    var umask: String?
    @Flag(name: .long, help: "Answer celery inspect ping.")
    var enableRemoteControl = false
    @Option(name: [.customShort("n"), .long], help: "The node name; %h host, %n name, %d domain.")
    var hostname: String?
    @Option(name: .long, help: "Serve /metrics, /livez, /readyz and /startupz there: 9808, 0.0.0.0:9808.")
    var metrics: String?
    @Option(name: .long, help: "Accepted for Celery's sake.")
    var executable: String?
    @Flag(name: .long, help: "Accepted for Celery's sake.")
    var noColor = false

    mutating func run() async throws {
        try options.enterFolder()
        if detach, !BeatProgram.current.isDetached { return try leaveTerminal() }
        try Daemon(user: uid, group: gid, mask: umask).assume()
        let source = options.configurationSource
        let configuration = try source.load()
        let schedule = try options.scheduleSource.load(timezone: configuration.timezone)
        // Without a server beat sends nothing to a queue, so it goes on.
        guard configuration.queueEnabled || schedule.mode == .local else {
            return Terminal.error(WorkerProgram.queuesAreOff("beat"))
        }
        let log = try log(configuration)
        let metrics = try metrics.map(MetricsAddress.init(option:))
        let node = NodeName.expand(hostname ?? "celerybeat@%h", host: Environment.hostname)
        guard introduce(schedule, configuration, log, node) == .starts else { return }
        let pid = pidfile ?? (BeatProgram.current.isDetached ? "celerybeat.pid" : nil)
        let pidFile = try pid.map { try PidFile($0) }
        defer { pidFile?.remove() }
        guard schedule.mode == .local else {
            return try await send(schedule, configuration, source, log, node, metrics)
        }
        let program = LocalBeatProgram(
            source: options.scheduleSource,
            configuration: try checked(schedule, configuration, source),
            log: log,
            nodeName: node
        )
        try await program.run(schedule, metrics: metrics)
    }

    private enum Introduction { case starts, wasAll }

    /// Prints the banner, and where nothing is to be done, what would be.
    private func introduce(
        _ schedule: ScheduleFile,
        _ configuration: CeleriacConfiguration,
        _ log: WorkerProgram.Log,
        _ node: String
    ) -> Introduction {
        let banner = BeatBanner(
            schedule: schedule,
            configuration: configuration,
            nodeName: enableRemoteControl ? node : nil,
            log: "\(logfile ?? "[stderr]")@%\(CeleryLogHandler.name(log.level))",
            maxInterval: interval ?? schedule.maxLoopInterval ?? .seconds(300)
        )
        if !options.quiet { Terminal.out(banner.text) }
        guard Environment.all["APP_ENV"] == "test" else { return .starts }
        Terminal.out(banner.preview(at: .now()))
        return .wasAll
    }

    // MARK: Over Redis

    private func send(
        _ schedule: consuming ScheduleFile,
        _ configuration: CeleriacConfiguration,
        _ source: ConfigurationSource,
        _ log: WorkerProgram.Log,
        _ node: String,
        _ metrics: MetricsAddress?
    ) async throws {
        let logger = log.logger("celeriac.beat")
        let transport = try RedisWiring.transport(configuration)
        var setup = BeatService.Setup(schedule: options.scheduleSource, nodeName: node)
        setup.answersPing = enableRemoteControl
        setup.maxInterval = interval
        setup.metrics = metrics
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let service = BeatService(
            setup,
            configuration: configuration,
            transport: transport,
            eventLoop: group.next(),
            logger: logger
        )
        let signals = Signals([SIGTERM, SIGINT, SIGQUIT, SIGHUP]) { number in
            guard number == SIGHUP else {
                // The words that Celery's beat ends with are none; these say that the signal was heard.
                logger.info("beat: Shutting down...")
                Task { await service.stop() }
                return
            }
            do {
                try log.file.reopen()
                let fresh = try source.load()
                Task { await service.reload(configuration: fresh) }
            } catch {
                logger.error("beat: The configuration was not reloaded, the old one stays: \(error)")
            }
        }
        defer { withExtendedLifetime(signals) {} }
        logger.info("beat: Starting...")
        try await service.run(consume schedule)
        try await group.shutdownGracefully()
    }

    // MARK: Without a server

    /// The configuration with its handlers, which a local beat runs itself.
    private func checked(
        _ schedule: ScheduleFile,
        _ configuration: CeleriacConfiguration,
        _ source: ConfigurationSource
    ) throws -> CeleriacConfiguration {
        var source = source
        source.checksHandlers = true
        let configuration = try source.load()
        let problems = schedule.entries.indices.compactMap { index -> ConfigurationProblem? in
            let task = schedule.entries[index].task
            guard schedule.entries[index].isEnabled, configuration.task(named: task) == nil else { return nil }
            let file = configuration.file ?? "tasks.yaml, which is not there,"
            return schedule.problem(
                inEntry: index,
                "\(file) names no such task, and with mode: local nobody else can run it",
                suggestion: NearestName.find(task, in: configuration.tasks.map(\.name))
            )
        }
        let report = ConfigurationReport(problems)
        guard !report.hasErrors else {
            throw Complaint(String(report.description.dropLast()), code: .usage)
        }
        return configuration
    }

    // MARK: Options

    private var interval: Duration? { maxInterval.flatMap { $0 > 0 && $0 < 1e6 ? .seconds($0) : nil } }

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

    /// Starts the same command again, out of the terminal's reach.
    private func leaveTerminal() throws {
        let configuration = try options.configurationSource.load()
        _ = try options.scheduleSource.load(timezone: configuration.timezone)
        let words = [BeatProgram.detachedWord] + CommandLine.arguments.dropFirst()
        print(try Daemon.detach(words: words, log: logfile ?? "celerybeat.log"))
    }
}
