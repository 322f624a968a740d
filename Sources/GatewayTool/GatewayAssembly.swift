import AdminGateway
import Alerts
import CeleryMessage
import Glibc
import Inspection
import Logging
import MessageCodecs
import NIOPosix
import RedisInspection
import RedisTransport
import Settings
import SynchronousRuns
import Transport
import WorkerCommandLine

/// Makes gateways of configurations, over the connections and processes that outlive them.
struct GatewayAssembly: Sendable {
    /// The connections to Redis.
    let inspector: RedisInspector
    let workers: RedisWorkerAdministration
    /// Runs tasks with `sync_fallback` where no queue can be reached.
    let runner: PoolTaskRunner
    /// What became of alerts.
    let counter: AlertCounter
    /// What finished tasks have left, as far as it was read.
    private let history: RedisHistory
    private let memory = QueueMemory()
    private let schedule: ScheduleSource
    private let logger: Logger

    /// What a configuration's servers need; nothing is connected yet.
    ///
    /// - Throws: what is wrong with an address.
    init(_ configuration: CeleriacConfiguration, schedule: ScheduleSource, logger: Logger) throws {
        let transport = try RedisWiring.transport(configuration)
        var inspection = RedisInspectionConfiguration(
            transport: transport,
            queues: configuration.queues.map(\.name)
        )
        inspection.tenants = configuration.tenants.map { TenantPlans($0) }
        inspector = RedisInspector(
            configuration: inspection,
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: logger
        )
        workers = RedisWorkerAdministration(
            transport: transport,
            exchange: configuration.messaging.controlExchange + ".pidbox",
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: logger
        )
        runner = RunnerWiring(configuration: configuration, logger: logger).runner
        counter = AlertCounter(hooks: [])
        history = RedisHistory(inspector)
        self.schedule = schedule
        self.logger = logger
    }

    /// The gateway that a configuration describes.
    ///
    /// - Throws: a complaint about what cannot be used.
    func gateway(_ configuration: CeleriacConfiguration) throws -> Gateway {
        let inspector = inspector.looking(
            into: configuration.queues.map(\.name),
            tenants: configuration.tenants.map { TenantPlans($0) }
        )
        let wiring = AdministrationWiring(
            configuration: configuration,
            schedule: schedule,
            inspector: inspector,
            workers: workers,
            history: history,
            memory: memory
        )
        let tasks = taskInspector(configuration, inspector)
        let administration = wiring.administration(tasks)
        let gateway = Gateway(
            configuration: try GatewayWiring.configuration(
                configuration.gateway,
                baseFolder: configuration.baseFolder
            ),
            inspector: tasks,
            reading: inspector,
            feed: inspector,
            enqueuer: enqueuer(configuration, inspector),
            runner: runner,
            administration: administration,
            history: wiring.history,
            dashboard: wiring.dashboard(administration),
            alerts: counter
        )
        if let taken = gateway.takenStarts.first {
            let key = ["gateway", "start_routes", taken]
            throw Complaint(
                "\(configuration.place(of: key)): gateway.start_routes.\(taken): the gateway itself answers at this address",
                code: .usage
            )
        }
        return gateway
    }

    /// A server of a gateway that does not listen yet.
    ///
    /// - Throws: a complaint about the certificate.
    func server(
        _ gateway: Gateway,
        _ configuration: CeleriacConfiguration,
        onListening: @escaping @Sendable (Int?) -> Void
    ) throws -> GatewayServer {
        let settings = configuration.gateway
        do {
            return try GatewayServer(
                gateway: gateway,
                address: settings.unixSocket.map { .unix(path: $0) } ?? .tcp(host: settings.host, port: settings.port),
                certificate: Self.certificate(settings),
                logger: logger,
                onListening: onListening
            )
        } catch {
            throw Self.certificateComplaint(error)
        }
    }

    /// Has a server go on with another gateway.
    ///
    /// - Throws: a complaint about the certificate; then nothing has changed.
    func serve(_ gateway: Gateway, _ configuration: CeleriacConfiguration, by server: GatewayServer) throws {
        do {
            try server.serve(gateway, certificate: Self.certificate(configuration.gateway))
        } catch {
            throw Self.certificateComplaint(error)
        }
    }

    private static func certificate(_ settings: GatewaySettings) -> GatewayServer.Certificate? {
        settings.tls.map { .init(certificateFile: $0.certificateFile, keyFile: $0.keyFile) }
    }

    private static func certificateComplaint(_ error: any Error) -> Complaint {
        Complaint("gateway.tls: the certificate or its key cannot be used: \(error)", code: .usage)
    }

    // MARK: Parts

    private func taskInspector(_ configuration: CeleriacConfiguration, _ inspector: RedisInspector) -> TaskInspector {
        TaskInspector(
            reading: inspector,
            codecs: .celeryDefaults,
            serializer: configuration.results.serializer.rawValue,
            resultLifetime: Self.resultLifetime(configuration),
            limits: MessageLimits(
                itemBytes: configuration.bounds.messageBytes,
                bodyBytes: configuration.bounds.messageBytes
            )
        )
    }

    private func enqueuer(_ configuration: CeleriacConfiguration, _ inspector: RedisInspector) -> TaskEnqueuer {
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
    private static func resultLifetime(_ configuration: CeleriacConfiguration) -> Duration? {
        let policies = configuration.tasks.map(\.policy) + configuration.queues.map(\.policy)
        return policies.contains { $0.resultExpires != nil } ? nil : configuration.results.expires
    }
}
