import Settings
import WorkerCommandLine

/// Where the gateway's configuration is read, at the start and again on HUP: a file, the environment and the command line.
struct GatewaySource: Sendable {
    /// The file that `--config` names; without it `tasks.yaml` of the working folder, if it is there.
    var config: String?
    /// Settings of the command line.
    var overrides: [ConfigurationLoader.Override] = []
    /// `--host`.
    var host: String?
    /// `--port`.
    var port: UInt16?
    var environment = Environment.all
    var workingFolder = Environment.workingFolder

    /// The configuration, and what should be known about it.
    ///
    /// - Throws: a complaint that names every problem at its place.
    func load() throws -> (configuration: CeleriacConfiguration, notes: [String]) {
        let loaded = ConfigurationLoader(
            file: config.map { .named($0) } ?? .standard,
            environment: environment,
            overrides: overrides,
            workingFolder: workingFolder
        ).load()
        guard var configuration = loaded.configuration else { throw BadConfiguration(report: loaded.report) }
        if let host { configuration.gateway.host = host }
        if let port { configuration.gateway.port = Int(port) }
        if host != nil || port != nil { configuration.gateway.unixSocket = nil }
        return (configuration, loaded.report.lines)
    }
}

/// A configuration that cannot be used.
struct BadConfiguration: Error, CustomStringConvertible {
    let report: ConfigurationReport

    /// Every problem at its place, one a line.
    var description: String { report.lines.joined(separator: "\n") }

    /// For the start: the same, and that nothing was started.
    var complaint: Complaint { Complaint(description + "\n" + report.summary, code: .usage) }
}
