import AdminGateway
import Logging
import Settings
import Synchronization
import SynchronousRuns
import WorkerCommandLine

/// Reads the configuration again while the gateway runs, on HUP.
final class GatewayReload: Sendable {
    /// What is told of a configuration that was read again.
    struct Parts: Sendable {
        var assembly: GatewayAssembly
        var server: GatewayServer
        var alerts: AlertService
    }

    private struct State {
        var configuration: CeleriacConfiguration
        /// `nil` until the gateway has been put together.
        var parts: Parts?
        /// Whether somebody asked before that.
        var isWanted = false
    }

    private let source: GatewaySource
    private let logFile: LogFile
    private let logger: Logger
    private let state: Mutex<State>

    init(_ source: GatewaySource, _ configuration: CeleriacConfiguration, _ logFile: LogFile, _ logger: Logger) {
        self.source = source
        self.logFile = logFile
        self.logger = logger
        state = Mutex(State(configuration: configuration))
    }

    /// From now on these are told, also of what was asked for while they were being put together.
    func begin(_ parts: Parts) {
        let isWanted = state.withLock { state in
            state.parts = parts
            return state.isWanted
        }
        if isWanted { perform() }
    }

    /// Opens the log again and reads the configuration; a bad one is reported, and the old one stays whole.
    func perform() {
        do {
            try logFile.reopen()
        } catch {
            logger.error("\(error)")
        }
        // Who reads the configuration again wants to know that it was, whatever the log level.
        var loud = logger
        loud.logLevel = min(logger.logLevel, .info)
        do {
            guard let (notes, differing) = try read() else { return }
            for note in notes { logger.warning("\(note)") }
            loud.info("The configuration was read again and is in use")
            if !differing.isEmpty {
                logger.warning("Takes effect at the next start only: \(differing.joined(separator: ", "))")
            }
        } catch {
            logger.error("The configuration was not taken, the old one stays: \(error)")
        }
    }

    /// Everything that may fail comes before the first thing that is changed.
    private func read() throws -> (notes: [String], differing: [String])? {
        try state.withLock { state in
            guard let parts = state.parts else {
                state.isWanted = true
                return nil
            }
            var (fresh, notes) = try source.load()
            let differing = FixedSettings.keep(from: state.configuration, in: &fresh)
            let alerts = try parts.alerts.wiring(fresh)
            let gateway = try parts.assembly.gateway(fresh)
            let runner = RunnerWiring(configuration: fresh, logger: logger)
            try parts.assembly.serve(gateway, fresh, by: parts.server)
            parts.assembly.runner.change(to: runner.runnerConfiguration)
            if let alerts { parts.alerts.change(to: alerts) }
            state.configuration = fresh
            return (notes, differing)
        }
    }
}
