import CeleryMessage
import Inspection
import Logging
import MessageCodecs
import NIOPosix
import RedisInspection
import RedisTransport
import Settings
import Transport
import WorkerCommandLine

/// One look into a deployment from the command line.
struct Examination {
    let configuration: CeleriacConfiguration
    let inspector: RedisInspector
    let workers: RedisWorkerAdministration
    let queues: RedisQueueAdministration

    /// Connects, hands itself out and disconnects; a server that cannot be reached is said in one line, code 69.
    static func run<Value>(
        _ global: CeleriacCommand,
        _ body: (Examination) async throws -> Value
    ) async throws -> Value {
        let configuration = try ConfigurationSource(global: global).load()
        let examination = try Examination(configuration)
        do {
            try await examination.inspector.connect()
            try await examination.inspector.ping()
            let value = try await body(examination)
            await examination.inspector.close()
            return value
        } catch let error as InspectionError {
            await examination.inspector.close()
            throw Complaint("Redis: \(error.message)", code: .unavailable)
        } catch {
            await examination.inspector.close()
            throw error
        }
    }

    private init(_ configuration: CeleriacConfiguration) throws {
        self.configuration = configuration
        var logger = Logger(label: "celeriac.tool")
        logger.logLevel = .critical
        let transport = try RedisWiring.transport(configuration)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let names = configuration.queues.map(\.name)
        var inspection = RedisInspectionConfiguration(
            transport: transport,
            queues: names.isEmpty ? [configuration.defaultQueue] : names
        )
        inspection.tenants = configuration.tenants.map { TenantPlans($0) }
        inspector = RedisInspector(
            configuration: inspection,
            eventLoop: loop,
            logger: logger
        )
        workers = RedisWorkerAdministration(
            transport: transport,
            exchange: configuration.messaging.controlExchange + ".pidbox",
            eventLoop: loop,
            logger: logger
        )
        var options = RedisQueueAdministration.Options()
        options.codecs = .celeryDefaults
        options.resultSerializer = configuration.results.serializer.rawValue
        options.mask = SecretNames(configuration.maskedArguments ?? SecretNames.usual)
        // What these commands ask about has not ended.
        let history = InMemoryHistory()
        queues = RedisQueueAdministration(
            inspector: inspector,
            history: history,
            cleaning: history,
            letters: InMemoryDeadLetters(),
            workers: workers,
            options: options
        )
    }

    /// Why tasks do not run.
    var explainer: RedisExplainer {
        RedisExplainer(
            tasks: TaskInspector(
                reading: inspector,
                codecs: .celeryDefaults,
                serializer: configuration.results.serializer.rawValue
            ),
            queues: queues,
            workers: workers,
            tenants: TenantNames(configuration.tenantNames)
        )
    }

    /// What is wrong.
    ///
    /// - Parameter patience: how long workers have to send a heartbeat.
    func doctor(patience: Duration) -> RedisDoctor {
        let defaults = configuration.taskDefaults.filled(from: .celeryDefaults)
        let limits = configuration.tasks.map(\.policy.timeLimit) + [defaults.timeLimit]
        return RedisDoctor(
            inspector: inspector,
            workers: workers,
            queues: queues,
            longestTask: limits.compactMap(\.self).max(),
            eventExchange: configuration.messaging.eventExchange,
            patience: patience
        )
    }
}
