import AdminGateway
import Glibc
import Inspection
import Logging
import NIOCore
import RedisInspection
import ServiceLifecycle
import Settings
import SynchronousRuns
import UnixSignals
import WorkerCommandLine

/// The gateway from its configuration to its exit code: wiring and signals.
struct GatewayProgram {
    /// Where the configuration is read again.
    let source: GatewaySource
    let configuration: CeleriacConfiguration
    let logger: Logger
    let logFile: LogFile
    /// Where the schedule of beat is read.
    let schedule: ScheduleSource
    /// Who is told of tasks that failed for good.
    let alerts: AlertWiring

    /// Puts everything together and starts nothing.
    ///
    /// - Throws: a complaint about what would keep the gateway from starting.
    func check() throws {
        if schedule.exists { _ = try schedule.load(timezone: configuration.timezone) }
        let assembly = try GatewayAssembly(configuration, schedule: schedule, logger: logger)
        _ = try assembly.server(try assembly.gateway(configuration), configuration) { _ in }
    }

    /// Serves until a signal stops it; answers the exit code.
    func run() async throws -> Int32 {
        OpenFileLimit.raise()
        let reload = GatewayReload(source, configuration, logFile, logger)
        let hangUp = Signals([SIGHUP]) { _ in reload.perform() }
        defer { withExtendedLifetime(hangUp) {} }
        let assembly = try GatewayAssembly(configuration, schedule: schedule, logger: logger)
        let inspector = assembly.inspector
        do {
            try await inspector.connect()
        } catch let error as InspectionError {
            await inspector.close()
            throw Complaint("Cannot log in at \(configuration.broker.consumeURL.redacted): \(error.message)")
        }
        let gateway = try assembly.gateway(configuration)
        if configuration.gateway.downloads?.hasKeys == false {
            logger.info(
                "Links to files are signed with a key of this start: they end with it, and other gateways refuse them"
            )
        }
        let server = try assembly.server(gateway, configuration) { ready($0) }
        let alerts = AlertService(alerts, inspector, assembly.counter, logger)
        reload.begin(.init(assembly: assembly, server: server, alerts: alerts))
        return try await serve(server, alerts, assembly)
    }

    private func serve(
        _ server: GatewayServer,
        _ alerts: AlertService,
        _ assembly: GatewayAssembly
    ) async throws -> Int32 {
        let inspector = assembly.inspector
        // Stopped from the last one on: nobody asks any more, then nobody is told any more, then Redis is left.
        let services: [any Service] = [
            Connections(inspector: inspector), alerts, RunningTasks(runner: assembly.runner), server,
        ]
        var group = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint],
            cancellationSignals: [.sigquit],
            logger: quietLogger
        )
        group.maximumGracefulShutdownDuration = max(.milliseconds(1), configuration.gateway.shutdownTimeout)
        do {
            try await ServiceGroup(configuration: group).run()
        } catch is CancellationError {
            logger.warning("Requests that took longer than the shutdown_timeout were cut off")
        } catch {
            await inspector.close()
            throw Complaint("Cannot serve on \(addressText(configuration.gateway.port)): \(Self.reason(error))")
        }
        await inspector.close()
        logger.info("The gateway has stopped")
        return 0
    }

    /// The libraries' own lines are for whoever looks for a fault.
    private var quietLogger: Logger {
        var quiet = logger
        quiet.logLevel = logger.logLevel <= .debug ? .debug : .error
        return quiet
    }

    // MARK: Words

    private func ready(_ port: Int?) {
        // People and scripts wait for this line, whatever the log level.
        var loud = logger
        loud.logLevel = min(logger.logLevel, .info)
        let queues = configuration.queueEnabled ? "" : " (queues are off: QUEUE_ENABLED or queue_enabled is false)"
        let users = configuration.gateway.users.isEmpty ? " (nobody may log in: there are no gateway.users)" : ""
        loud.info("celeriac-gateway ready on \(addressText(port ?? configuration.gateway.port))\(queues)\(users)")
    }

    /// Why it does not listen, in the system's words.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case let error as SocketAddressError.UnknownHost: "there is no address of the name \(error.host)"
        default: "\(error)"
        }
    }

    private func addressText(_ port: Int) -> String {
        let settings = configuration.gateway
        if let path = settings.unixSocket { return path }
        let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
        return "\(settings.tls == nil ? "http" : "https")://\(host):\(port)\(settings.basePath)"
    }
}

/// Keeps the connections to Redis for as long as requests are served: it stops after the server.
private struct Connections: Service {
    let inspector: RedisInspector

    func run() async throws { await cancelWhenGracefulShutdown { await inspector.run() } }
}
