import CeleryMessage
import Databases
import FoundationEssentials
import Glibc
import Logging
import RedisTransport
import Settings
import WorkerCommandLine

/// `celeriac up` from its folder to its exit code: private Redis, demo data, worker, demo.
struct UpProgram {
    let global: CeleriacCommand
    let dataFolder: String?
    let port: UInt16
    let showsDemo: Bool
    let endsAfterDemo: Bool
    let level: Logger.Level
    /// The schedule's file; by default that of the working folder, where there is one.
    let schedulePath: String?

    func run() async throws -> Int32 {
        var source = ConfigurationSource(global: global)
        source.fallsBackToShipped = true
        let chosen = try chosenFolder
        if let chosen { source.environment["CELERIAC_DATA"] = chosen }
        let first = try source.preview ?? source.load()
        let data = chosen ?? first.dataFolder
        source.environment["CELERIAC_DATA"] = data
        if showsDemo { try DemoTasks.check(first) }
        try prepare(data)

        var redis: EmbeddedRedis?
        if !first.broker.isConfigured {
            let started = try EmbeddedRedis(folder: data + "/redis", port: port)
            redis = started
            source.overrides += [
                .init("broker_url", started.url, option: "the private Redis"),
                .init("result_backend", started.url, option: "the private Redis"),
            ]
        }
        defer { redis?.stop() }
        let configuration = try source.load()
        if showsDemo { try makeDemoData(in: data) }
        Terminal.out(greeting(configuration, isPrivate: redis != nil, data: data))

        let demo = Demo(dataFolder: data, configuration: configuration)
        let endsAfterDemo = endsAfterDemo
        var program = WorkerProgram(
            source: source,
            options: WorkerOptions(),
            log: WorkerProgram.Log(level: level, format: .text, file: try LogFile(path: nil))
        )
        program.banner = .none
        program.readyLine = .quiet
        program.schedule = schedule
        if showsDemo {
            program.until = { broker in try await Self.show(demo, on: broker, thenEnd: endsAfterDemo) }
        }
        return try await program.run(configuration)
    }

    /// Shows the demo, then answers the exit code or waits for Ctrl-C.
    private static func show(_ demo: Demo, on broker: RedisBroker, thenEnd: Bool) async throws -> Int32 {
        let succeeded = try await demo.run(on: broker)
        if thenEnd { return succeeded ? 0 : 1 }
        Terminal.out("\nThe worker stays up. Ctrl-C ends it.\n")
        // Cancelled when a signal has stopped the worker, which is how this is meant to end.
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        return 0
    }

    private var schedule: ScheduleSource? {
        let source = ScheduleSource(path: schedulePath)
        return schedulePath != nil || source.exists ? source : nil
    }

    /// The folder that the command line names for everything that is written, made absolute.
    private var chosenFolder: String? {
        get throws {
            guard let dataFolder else { return nil }
            guard !dataFolder.isEmpty else { throw Complaint("--data: expected a folder, got nothing", code: .usage) }
            return dataFolder.hasPrefix("/") ? dataFolder : Environment.workingFolder + "/" + dataFolder
        }
    }

    private func prepare(_ path: String) throws {
        do {
            for folder in ["", "/uploads", "/logs"] {
                try FileManager.default.createDirectory(atPath: path + folder, withIntermediateDirectories: true)
            }
        } catch {
            throw Complaint("The data folder \(path) cannot be made: \(error.fileReason)")
        }
    }

    private func makeDemoData(in data: String) throws {
        try DemoDatabase.create(at: data + "/demo.sqlite")
        try DemoUpload.write(to: data + "/uploads/" + DemoUpload.name)
    }

    private func greeting(_ configuration: CeleriacConfiguration, isPrivate: Bool, data: String) -> String {
        let url = (configuration.broker.consumeURLs.first ?? BrokerSettings.defaultURL).redacted
        return """
            Celeriac \(Program.version)
              broker and results  \(url)\(isPrivate ? "  (private, append-only, in \(data)/redis)" : "")
              tasks               \(configuration.tasks.count), from \(configuration.file ?? "the shipped tasks.yaml")
              schedule            \(schedule?.path ?? "none: there is no beat.yaml here")
              data                \(data)


            """
    }
}
