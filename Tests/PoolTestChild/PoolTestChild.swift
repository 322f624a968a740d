import CeleriacTasks
import CeleryMessage
import Glibc
import Logging
import NIOCore
import NIOPosix
import WorkerPool

/// What the tests of the pools start as pool processes: a good one, bad ones, a controller to be
/// killed, and a measurement.
@main
enum PoolTestChild {
    static func main() async throws {
        switch CommandLine.arguments.dropFirst().first {
        case "serve": exit(await PoolChild.run(registry: .forTests))
        case "garbage": talk([UInt8](repeating: 0xa5, count: 4096))
        case "huge": talk([0xff, 0xff, 0xff, 0x7f, 4, 0, 0, 0])
        case "old":
            // Ready, with version 0.
            talk([13, 0, 0, 0, 2, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        case "mute": pause()
        case "exit": exit(3)
        case "controller": try await control()
        case "bench": try await PoolBenchmark.run()
        default: exit(64)
        }
    }

    private static func talk(_ bytes: [UInt8]) {
        write(3, bytes, bytes.count)
        while true { pause() }
    }

    /// Runs a pool of two processes with a run that spins in each, says who they are, and waits to be killed.
    private static func control() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let configuration = PoolConfiguration(
            name: "orphans",
            processes: 2,
            executable: CommandLine.arguments[0],
            arguments: ["serve"],
            setup: PoolSetup(tasks: [.init(task: "spin", handler: "spin")])
        )
        let pool = ProcessPool(
            configuration: configuration,
            eventLoop: loop,
            logger: Logger(label: "controller"),
            onEvents: { _ in }
        )
        try await pool.start()
        let processIDs = try await loop.submit {
            pool.submit(
                [1, 2].map { job in
                    PoolTask(
                        job: job,
                        request: TaskRequest(
                            received: ReceivedMessage(
                                headers: TaskHeaders(task: "spin", id: "\(job)"),
                                args: Array("[1000]".utf8)
                            ),
                            queue: "",
                            hostname: ""
                        )
                    )
                }
            )
            return pool.processes.map(\.processID)
        }.get()
        let line = processIDs.map { "\($0)" }.joined(separator: " ") + "\n"
        // The test reads descriptor 3, and nothing else writes there.
        write(3, line, line.utf8.count)
        while true { pause() }
    }
}
