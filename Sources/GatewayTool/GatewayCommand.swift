import ArgumentParser
import Glibc
import Logging
import Settings
import WorkerCommandLine

/// `celeriac-gateway`: the status of tasks, and sending them, over HTTP.
struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "celeriac-gateway",
        abstract: "Serve the status of tasks, an API for operators, a dashboard and metrics over HTTP, and send tasks.",
        discussion: """
            Reads what the workers read: tasks.yaml and the environment; with REDIS_URL alone it runs without a file. Settings may \
            follow as key=value, for example result_expires=3600. Who may see the dashboard stands in the block gateway.users.

            HUP reads the configuration again, TERM ends it. Codes: 0 ended, 1 the port is taken or Redis refuses the login, \
            2 a wrong command line or configuration, 73 a file that cannot be written. See Docs/Gateway.md.
            """,
        version: Program.version
    )

    @Option(name: .long, help: "The configuration file (default: tasks.yaml, if there is one).")
    var config: String?
    @Option(name: [.customShort("b"), .long], help: "The broker's URL.")
    var broker: String?
    @Option(name: .long, help: "The result backend's URL.")
    var resultBackend: String?
    @Option(name: .long, help: "The address to listen on (default: 127.0.0.1, this machine alone).")
    var host: String?
    @Option(name: [.customShort("p"), .long], help: "The port to listen on (default: 5000); 0 takes any free one.")
    var port: UInt16?
    @Option(
        name: [.customShort("s"), .long],
        help: "The schedule of beat, to show and pause its entries (default: beat.yaml)."
    )
    var schedule: String?
    @Option(name: .long, help: "The folder to work in; CELERY_WORKDIR says the same.")
    var workdir: String?
    @Option(name: [.short, .long], help: "DEBUG, INFO, WARNING (default), ERROR, CRITICAL or FATAL.")
    var loglevel: String?
    @Option(name: .long, help: "text or json.")
    var logFormat: String?
    @Flag(name: .customLong("json-logs"), help: "The same as --log-format json.")
    var jsonLogs = false
    @Option(name: [.customShort("f"), .long], help: "Where log lines go instead of standard error.")
    var logfile: String?
    @Option(name: .long, help: "A file to hold the process id while the gateway runs.")
    var pidfile: String?
    @Flag(name: [.short, .long], help: "No notes about the configuration.")
    var quiet = false
    @Flag(name: .long, help: "Check everything that a start or HUP would, connect to nothing, and end.")
    var check = false
    @Flag(name: .long, help: "Send a test alert to each hook of the block alerts, say what it answered, and end.")
    var testAlerts = false
    @Argument(help: "Settings that override the file: key=value.")
    var settings: [String] = []

    mutating func run() async throws {
        try enterFolder()
        let source = GatewaySource(config: config, overrides: try overrides, host: host, port: port)
        let configuration = try load(source)
        let alerts = try AlertWiring(configuration)
        if testAlerts {
            guard await alerts.test() else { throw ExitCode(1) }
            return
        }
        // What is only checked leaves no file behind.
        let file = try LogFile(path: check ? nil : logfile)
        let program = GatewayProgram(
            source: source,
            configuration: configuration,
            logger: try logger(configuration, file),
            logFile: file,
            schedule: scheduleSource,
            alerts: alerts
        )
        if check {
            try program.check()
            if !quiet { Terminal.out("The configuration is good\n") }
            return
        }
        let pidFile = try pidfile.map(PidFile.init)
        defer { pidFile?.remove() }
        let code = try await program.run()
        guard code == 0 else { throw ExitCode(code) }
    }

    private var scheduleSource: ScheduleSource {
        var source = ScheduleSource(path: schedule)
        source.isQuiet = true
        return source
    }

    private func enterFolder() throws {
        guard let folder = workdir ?? Environment.all["CELERY_WORKDIR"], !folder.isEmpty else { return }
        guard chdir(folder) == 0 else {
            throw Complaint("--workdir: \(folder): \(String(cString: strerror(errno)))", code: .usage)
        }
    }

    // MARK: Configuration

    /// The loaded configuration; warnings go to standard error, errors end the program with code 2.
    private func load(_ source: GatewaySource) throws -> CeleriacConfiguration {
        do {
            let (configuration, notes) = try source.load()
            if !quiet { for note in notes { Terminal.error(note) } }
            return configuration
        } catch let error as BadConfiguration {
            throw error.complaint
        }
    }

    private var overrides: [ConfigurationLoader.Override] {
        get throws {
            var all: [ConfigurationLoader.Override] = []
            if let broker { all.append(.init("broker_url", broker, option: "--broker")) }
            if let resultBackend { all.append(.init("result_backend", resultBackend, option: "--result-backend")) }
            for setting in settings {
                guard let equals = setting.firstIndex(of: "=") else {
                    throw Complaint("unexpected argument '\(setting)'; settings are written key=value", code: .usage)
                }
                all.append(.init(String(setting[..<equals]), String(setting[setting.index(after: equals)...])))
            }
            return all
        }
    }

    // MARK: Log

    private func logger(_ configuration: CeleriacConfiguration, _ file: LogFile) throws -> Logger {
        let level = loglevel.map { $0.uppercased() } ?? configuration.log.level.rawValue
        guard let chosen = LogLevel.named(level) else {
            throw Complaint("--loglevel: \(level) is no log level; known are \(LogLevel.names)", code: .usage)
        }
        let format = jsonLogs ? "json" : logFormat ?? configuration.log.format.rawValue
        guard let shape = CeleryLogHandler.Format(rawValue: format) else {
            throw Complaint("--log-format: expected text or json, got \(format)", code: .usage)
        }
        let handler = CeleryLogHandler(format: shape, level: chosen, file: file)
        return Logger(label: "celeriac.gateway") { _ in handler }
    }
}
