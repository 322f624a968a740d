package import CeleryMessage
package import Inspection
import Logging
import RedisClient
import RedisTransport
import Synchronization
package import Transport

/// Shows what is in queues on Redis, and changes it: scripts that look at a bounded part each, and no command that walks over
/// the keyspace.
package final class RedisQueueAdministration: Sendable {
    /// How tasks' messages and records are read and written.
    package struct Options: Sendable {
        /// What messages and records may be written in.
        package var codecs = MessageCodecs.json
        /// `result_serializer`.
        package var resultSerializer = "json"
        /// `result_expires`, for the record of a task that was taken away; `nil` keeps it for good.
        package var resultLifetime: Duration?
        /// How large messages and records may be.
        package var limits = MessageLimits()
        /// What is hidden.
        package var mask = SecretNames()

        package init() {}
    }

    let inspector: RedisInspector
    let history: any HistoryReading
    let cleaning: any HistoryCleaning
    let letters: any DeadLetters
    let workers: RedisWorkerAdministration
    let options: Options
    let partitions: SnapshotCache<QueuePartition>
    let overviews: SnapshotCache<[QueueCounts]>
    /// The lists of all queues.
    let allLists: WaitingLists
    let memory: QueueMemory

    /// The administration of a deployment that `inspector` looks into.
    package init(
        inspector: RedisInspector,
        history: any HistoryReading,
        cleaning: any HistoryCleaning,
        letters: any DeadLetters,
        workers: RedisWorkerAdministration,
        options: Options,
        memory: QueueMemory = QueueMemory()
    ) {
        self.inspector = inspector
        self.history = history
        self.cleaning = cleaning
        self.letters = letters
        self.workers = workers
        self.options = options
        self.memory = memory
        allLists = WaitingLists(
            queues: inspector.configuration.queues.sorted(),
            keys: inspector.configuration.transport.keys
        )
        let pause = inspector.configuration.lookPause
        partitions = SnapshotCache(pause: pause) { try await QueuePartition.take(inspector) }
        let relay = Relay()
        overviews = SnapshotCache(pause: pause) { try await relay.overview() }
        relay.administration = self
    }

    var keys: RedisKeys { inspector.configuration.transport.keys }

    func lists(of queue: String) -> [String] { keys.prioritySteps.map { keys.list(queue: queue, step: $0) } }

    func run(_ script: RedisScript, keys: [String], _ arguments: RedisArguments) async throws -> RedisReply {
        try await inspector.translating { () async throws(RedisError) in
            try await inspector.broker.run(
                script,
                keys: keys,
                arguments: arguments,
                timeout: inspector.configuration.timeout
            ).get()
        }
    }

    /// Lets the cache, which is made before the administration exists, find it.
    private final class Relay: Sendable {
        private struct Weak { weak var administration: RedisQueueAdministration? }
        private let reference = Mutex(Weak())

        var administration: RedisQueueAdministration? {
            get { reference.withLock { $0.administration } }
            set { reference.withLock { $0.administration = newValue } }
        }

        func overview() async throws -> [QueueCounts] {
            guard let administration else { return [] }
            return try await administration.countAll()
        }
    }
}

extension InspectionError {
    static func unexpected(_ script: RedisScript) -> InspectionError {
        InspectionError(.undecodable, "the script \(script.name) answered something unexpected")
    }
}
