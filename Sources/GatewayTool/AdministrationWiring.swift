import AdminGateway
import BeatRuntime
import CeleryMessage
import Inspection
import MessageCodecs
import RedisInspection
import Schedules
import Settings
import Transport
import WorkerCommandLine

/// Puts the administration of a deployment on Redis together.
struct AdministrationWiring {
    let configuration: CeleriacConfiguration
    let schedule: ScheduleSource
    let inspector: RedisInspector
    let workers: RedisWorkerAdministration
    /// What finished tasks have left.
    let history: RedisHistory
    /// What is remembered of queues.
    let memory: QueueMemory
    /// What failed for good.
    let deadLetters: RedisDeadLetters

    init(
        configuration: CeleriacConfiguration,
        schedule: ScheduleSource,
        inspector: RedisInspector,
        workers: RedisWorkerAdministration,
        history: RedisHistory,
        memory: QueueMemory
    ) {
        self.configuration = configuration
        self.schedule = schedule
        self.inspector = inspector
        self.workers = workers
        self.history = history
        self.memory = memory
        deadLetters = RedisDeadLetters(inspector)
    }

    func administration(_ tasks: TaskInspector) -> Administration {
        let queues = RedisQueueAdministration(
            inspector: inspector,
            history: history,
            cleaning: history,
            letters: deadLetters,
            workers: workers,
            options: options,
            memory: memory
        )
        return Administration(
            queues: queues,
            workers: workers,
            schedule: scheduleAdministration,
            audit: RedisAuditTrail(inspector: inspector),
            explaining: RedisExplainer(
                tasks: tasks,
                queues: queues,
                workers: workers,
                tenants: TenantNames(configuration.tenantNames)
            ),
            deadLetters: deadLetters,
            tenants: inspector.configuration.tenants.map {
                RedisTenantAdministration(inspector: inspector, plans: $0)
            }
        )
    }

    /// The pages for people, over the same.
    func dashboard(_ administration: Administration) -> Dashboard {
        Dashboard(administration: administration, history: history)
    }

    private var options: RedisQueueAdministration.Options {
        var options = RedisQueueAdministration.Options()
        options.codecs = .celeryDefaults
        options.resultSerializer = configuration.results.serializer.rawValue
        options.resultLifetime = configuration.results.expires
        options.mask = SecretNames(configuration.maskedArguments ?? SecretNames.usual)
        options.limits = MessageLimits(
            itemBytes: configuration.bounds.messageBytes,
            bodyBytes: configuration.bounds.messageBytes
        )
        return options
    }

    /// The file is read again each time it is asked for: there may be none yet, and it may change.
    private var scheduleAdministration: RedisScheduleAdministration {
        let (source, timezone) = (schedule, configuration.timezone)
        let cache = ScheduleCache(source: source, timezone: timezone)
        return RedisScheduleAdministration(
            inspector: inspector,
            name: { try cache.file()?.name ?? "" },
            entries: { try cache.file()?.entries ?? [] },
            writer: MessageWriter(configuration, replyTo: Identifier.uuid())
        )
    }
}
