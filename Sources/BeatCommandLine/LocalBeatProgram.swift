import BeatRuntime
import CeleryMessage
import Glibc
import Logging
import MetricsServer
import NIOPosix
import Schedules
import Settings
import Transport
import WorkerCommandLine

/// A beat without a server: tasks that are due run in this process, by the same worker that would take them from Redis.
struct LocalBeatProgram {
    let source: ScheduleSource
    let configuration: CeleriacConfiguration
    let log: WorkerProgram.Log
    let nodeName: String

    /// Where run state is kept: where the file says, else beside it.
    static func stateFile(_ schedule: ScheduleFile) -> String {
        schedule.stateFile ?? "\(schedule.baseFolder)/\(schedule.name).state"
    }

    /// Runs until a signal ends it.
    func run(_ schedule: ScheduleFile, metrics: MetricsAddress? = nil) async throws {
        let path = Self.stateFile(schedule)
        let lock = try FileLock(path + ".lock")
        defer { withExtendedLifetime(lock) {} }
        let logger = log.logger("celeriac.beat")
        let queues = InMemoryStore(resultLimit: max(1000, schedule.entries.count * 2))
        let store = try FileScheduleStore(
            path: path,
            isUnfinished: { !Self.isFinished(queues.storedRecord(taskID: $0)) },
            deliver: { emission in
                guard let message = emission.message else { return }
                queues.publish(Publication(queue: message.queue, priority: message.priority, item: message.item))
            }
        )
        let beat = Beat(
            configuration: BeatConfiguration(schedule: schedule.name, beatID: nodeName, name: nodeName),
            store: store,
            writer: writer(configuration),
            logger: logger
        )
        let worker = LocalWorker(configuration: configuration, queues: queues, log: log, nodeName: nodeName)
        let signals = Signals([SIGTERM, SIGINT, SIGQUIT, SIGHUP]) { number in
            guard number == SIGHUP else {
                logger.info("beat: Shutting down...")
                Task {
                    await beat.stop()
                    await worker.stop()
                }
                return
            }
            Task { await reload(beat, logger) }
        }
        defer { withExtendedLifetime(signals) {} }
        logger.info("beat: Starting...")
        let loops = MultiThreadedEventLoopGroup.singleton
        let metrics = try await MetricsServer.serving(metrics, of: beat, on: loops.next(), logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            group.addTask { await watch(beat, logger) }
            await beat.load(schedule.entries)
            await beat.run()
            await worker.stop()
            group.cancelAll()
            try await group.waitForAll()
        }
        await metrics?.stop()
    }

    private func writer(_ configuration: CeleriacConfiguration) -> MessageWriter {
        MessageWriter(configuration, replyTo: Identifier.uuid())
    }

    private static func isFinished(_ record: [UInt8]?) -> Bool {
        guard let record, let state = (try? JSONReader.value(record))?["status"]?.string else { return false }
        return ["SUCCESS", "FAILURE", "REVOKED", "REJECTED", "IGNORED"].contains(state)
    }

    // MARK: Edits

    private func watch(_ beat: Beat, _ logger: Logger) async {
        var watch = ScheduleWatch(source)
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))  // cancelled only at the end
            if watch.hasChanged(), !Task.isCancelled { await reload(beat, logger) }
        }
    }

    private func reload(_ beat: Beat, _ logger: Logger) async {
        do {
            try log.file.reopen()
            let fresh = try source.load(timezone: configuration.timezone)
            await beat.load(fresh.entries, writer: writer(configuration))
        } catch {
            logger.error("beat: The schedule was not reloaded, the old one stays: \(error)")
        }
    }
}
