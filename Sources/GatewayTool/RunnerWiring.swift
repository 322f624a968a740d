import FoundationEssentials
import Glibc
import Logging
import NIOPosix
import ServiceLifecycle
import Settings
import SynchronousRuns
import WorkerCommandLine
import WorkerPool

/// Makes what runs tasks with `sync_fallback` where no queue can be reached.
struct RunnerWiring {
    let configuration: CeleriacConfiguration
    let logger: Logger

    /// A runner that starts no process before a task needs one.
    var runner: PoolTaskRunner {
        PoolTaskRunner(
            configuration: runnerConfiguration,
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: logger
        )
    }

    /// Which tasks may run here, and how.
    var runnerConfiguration: RunnerConfiguration {
        let allowed = configuration.tasks.filter { task in
            policy(task.name, configuration.queueName(forTask: task.name)).isAllowed
                || configuration.queues.contains { policy(task.name, $0.name).isAllowed }
        }
        let program = configuration.gateway.sync.program ?? Self.worker
        if !allowed.isEmpty, !FileManager.default.isExecutableFile(atPath: program) {
            logger.warning("Tasks with sync_fallback cannot run here: \(program) is no program (gateway.sync.program)")
        }
        var runner = RunnerConfiguration(
            program: program,
            arguments: [Program.poolProcessArgument],
            setup: setup(allowed),
            policy: policy
        )
        let settings = configuration.gateway.sync
        runner.processes = settings.processes
        runner.waiting = settings.waiting
        runner.idleTime = settings.idleTimeout
        runner.resultBytes = settings.resultBytes
        return runner
    }

    private var policy: @Sendable (String, String) -> RunnerConfiguration.Policy {
        let configuration = configuration
        return { task, queue in
            guard configuration.task(named: task) != nil else { return .init(isAllowed: false) }
            let policy = configuration.policy(forTask: task, from: queue)
            return RunnerConfiguration.Policy(
                isAllowed: policy.syncFallback == true,
                softTimeLimit: policy.softTimeLimit.map { $0 / .seconds(1) },
                timeLimit: policy.timeLimit.map { $0 / .seconds(1) }
            )
        }
    }

    private func setup(_ tasks: [TaskSettings]) -> PoolSetup {
        PoolSetup(
            tasks: tasks.map {
                .init(task: $0.name, handler: $0.handler, options: $0.options, baseFolder: configuration.baseFolder)
            },
            logLevel: logger.logLevel,
            hostname: "gateway@\(Environment.hostname)"
        )
    }

    /// The worker's program in the gateway's own folder.
    private static var worker: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let own = String(decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/celeriac"
    }
}

/// Lets tasks that run here end before the gateway does: it stops after the server.
struct RunningTasks: Service {
    let runner: PoolTaskRunner

    func run() async throws {
        // Cancelled when the time for an orderly end is over: then nothing is waited for.
        try? await gracefulShutdown()
        await runner.stop()
    }
}
