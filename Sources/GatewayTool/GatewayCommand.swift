import ArgumentParser
import Glibc
import Logging
import Settings
import WorkerCommandLine

/// `celeriac-gateway`: the status of tasks, and sending them, over HTTP.
struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "celeriac-gateway",
        abstract: "Serve the status of tasks and send tasks over HTTP.",
        discussion: "Settings may follow as key=value, for example result_expires=3600. See Docs/Gateway.md.",
        version: Program.version
    )

    @Option(name: .long, help: "The configuration file (default: tasks.yaml, if there is one).")
    var config: String?
    @Option(name: [.customShort("b"), .long], help: "The broker's URL.")
    var broker: String?
    @Option(name: .long, help: "The result backend's URL.")
    var resultBackend: String?
    @Option(name: .long, help: "The address to listen on.")
    var host: String?
    @Option(name: [.customShort("p"), .long], help: "The port to listen on; 0 takes any free one.")
    var port: UInt16?
    @Option(name: [.customShort("s"), .long], help: "The schedule of beat, to show and pause its entries.")
    var schedule: String?
    @Option(name: .long, help: "The folder to work in; CELERY_WORKDIR says the same.")
    var workdir: String?
    @Option(name: [.short, .long], help: "DEBUG, INFO, WARNING, ERROR, CRITICAL or FATAL.")
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
    @Flag(name: .long, help: "Check the configuration and end.")
    var check = false
    @Flag(name: .long, help: "Send a test alert to each hook of the block alerts, say what it answered, and end.")
    var testAlerts = false
    @Argument(help: "Settings that override the file: key=value.")
    var settings: [String] = []

    mutating func run() async throws {
        try enterFolder()
        let configuration = try load()
        let alerts = try AlertWiring(configuration)
        if testAlerts {
            guard await alerts.test() else { throw ExitCode(1) }
            return
        }
        if check { return }
        let file = try LogFile(path: logfile)
        let program = GatewayProgram(
            configuration: configuration,
            logger: try logger(configuration, file),
            logFile: file,
            schedule: scheduleSource,
            alerts: alerts
        )
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
    private func load() throws -> CeleriacConfiguration {
        let loaded = ConfigurationLoader(
            file: config.map { .named($0) } ?? .standard,
            environment: Environment.all,
            overrides: try overrides,
            workingFolder: Environment.workingFolder
        ).load()
        guard var configuration = loaded.configuration else {
            let text = loaded.report.description
            throw Complaint(text.hasSuffix("\n") ? String(text.dropLast()) : text, code: .usage)
        }
        if !quiet { for line in loaded.report.lines { Terminal.error(line) } }
        if let host { configuration.gateway.host = host }
        if let port { configuration.gateway.port = Int(port) }
        if host != nil || port != nil { configuration.gateway.unixSocket = nil }
        return configuration
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
