import AdminGateway
import CeleryMessage
import Glibc
import Inspection
import Logging
import MessageCodecs
import NIOPosix
import RedisClient
import RedisInspection
import RedisTransport
import ServiceLifecycle
import Settings
import SynchronousRuns
import Transport
import UnixSignals
import WorkerCommandLine

/// The gateway from its configuration to its exit code: wiring and signals.
struct GatewayProgram {
    let configuration: CeleriacConfiguration
    let logger: Logger
    let logFile: LogFile
    /// Where the schedule of beat is read.
    let schedule: ScheduleSource
    /// Who is told of tasks that failed for good.
    let alerts: AlertWiring

    /// Serves until a signal stops it; answers the exit code.
    func run() async throws -> Int32 {
        OpenFileLimit.raise()
        let hangUp = Signals([SIGHUP]) { _ in reopenLog() }
        defer { withExtendedLifetime(hangUp) {} }
        let transport = try RedisWiring.transport(configuration)
        var inspection = RedisInspectionConfiguration(
            transport: transport,
            queues: configuration.queues.map(\.name)
        )
        inspection.tenants = configuration.tenants.map { TenantPlans($0) }
        let inspector = RedisInspector(
            configuration: inspection,
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: logger
        )
        do {
            try await inspector.connect()
        } catch let error as InspectionError {
            await inspector.close()
            throw Complaint("Cannot log in at \(transport.broker.redactedURL): \(error.message)")
        }
        let runner = RunnerWiring(configuration: configuration, logger: logger).runner
        let server = try server(inspector, transport, runner)
        return try await serve(server, inspector, runner)
    }

    private func serve(
        _ server: GatewayServer,
        _ inspector: RedisInspector,
        _ runner: PoolTaskRunner?
    ) async throws -> Int32 {
        // Stopped from the last one on: nobody is told any more, then nobody asks any more, then Redis is left.
        var services: [any Service] = [Connections(inspector: inspector)]
        if let runner { services.append(RunningTasks(runner: runner)) }
        services.append(server)
        if let watch = alerts.service(inspector, logger) { services.append(watch) }
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
            throw Complaint("Cannot serve on \(addressText(configuration.gateway.port)): \(error)")
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

    private func reopenLog() {
        do {
            try logFile.reopen()
            logger.info("The log was opened again; a changed configuration takes effect at the next start")
        } catch {
            logger.error("\(error)")
        }
    }

    // MARK: Wiring

    private func server(
        _ inspector: RedisInspector,
        _ transport: RedisTransportConfiguration,
        _ runner: PoolTaskRunner?
    ) throws -> GatewayServer {
        let gateway = try GatewayWiring.configuration(configuration.gateway, baseFolder: configuration.baseFolder)
        if let downloads = gateway.downloads, downloads.signingKeys.isEmpty {
            logger.info(
                "Links to files are signed with a key of this start: they end with it, and other gateways refuse them"
            )
        }
        let settings = configuration.gateway
        let wiring = AdministrationWiring(
            configuration: configuration,
            schedule: schedule,
            inspector: inspector,
            logger: logger
        )
        let administration = wiring.administration(taskInspector(inspector))
        do {
            return try GatewayServer(
                gateway: Gateway(
                    configuration: gateway,
                    inspector: taskInspector(inspector),
                    reading: inspector,
                    feed: inspector,
                    enqueuer: enqueuer(inspector),
                    runner: runner,
                    administration: administration,
                    history: wiring.history,
                    dashboard: wiring.dashboard(administration),
                    alerts: alerts.counter
                ),
                address: settings.unixSocket.map { .unix(path: $0) } ?? .tcp(host: settings.host, port: settings.port),
                certificate: settings.tls.map {
                    .init(certificateFile: $0.certificateFile, keyFile: $0.keyFile)
                },
                limits: gateway.limits,
                logger: logger,
                onListening: { ready($0) }
            )
        } catch {
            throw Complaint("gateway.tls: the certificate or its key cannot be used: \(error)", code: .usage)
        }
    }

    private func taskInspector(_ inspector: RedisInspector) -> TaskInspector {
        TaskInspector(
            reading: inspector,
            codecs: .celeryDefaults,
            serializer: configuration.results.serializer.rawValue,
            resultLifetime: resultLifetime,
            limits: MessageLimits(
                itemBytes: configuration.bounds.messageBytes,
                bodyBytes: configuration.bounds.messageBytes
            )
        )
    }

    private func enqueuer(_ inspector: RedisInspector) -> TaskEnqueuer {
        TaskEnqueuer(
            catalog: GatewayWiring.catalog(configuration),
            sending: configuration.queueEnabled ? inspector : QueuesOff(),
            codecs: .celeryDefaults,
            serializer: configuration.taskSerializer.rawValue,
            origin: "gen\(getpid())@\(Environment.hostname)",
            depthLimit: configuration.gateway.queueDepth,
            tenants: configuration.tenants.map { _ in TenantNames(configuration.tenantNames) }
        )
    }

    /// The time to live that every record is written with; `nil` where tasks or queues have their own.
    private var resultLifetime: Duration? {
        let policies = configuration.tasks.map(\.policy) + configuration.queues.map(\.policy)
        return policies.contains { $0.resultExpires != nil } ? nil : configuration.results.expires
    }

    // MARK: Words

    private func ready(_ port: Int?) {
        // People and scripts wait for this line, whatever the log level.
        var loud = logger
        loud.logLevel = min(logger.logLevel, .info)
        let queues = configuration.queueEnabled ? "" : " (queues are off: QUEUE_ENABLED or queue_enabled is false)"
        loud.info("celeriac-gateway ready on \(addressText(port ?? configuration.gateway.port))\(queues)")
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
