import ArgumentParser
import CeleryMessage
import Logging
import RedisClient
import RedisTransport

/// `celeriac result`: prints what a task returned.
struct ResultCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "result",
        abstract: "Print a task's result, waiting for it if need be."
    )

    @ParentCommand var global: CeleriacCommand
    @Argument(help: "The task's id.")
    var id: String
    @Option(name: [.short, .long], help: "Accepted for Celery's sake.")
    var task: String?
    @Flag(name: .long, help: "Print the traceback instead.")
    var traceback = false
    @Option(name: .long, help: "Seconds to wait for a task that has not ended (default 60; 0 prints what there is).")
    var timeout = 60.0
    @Flag(name: .long, help: "Print the whole record as JSON.")
    var json = false

    mutating func run() async throws {
        let limit = try Seconds.read(timeout, "--timeout")
        let configuration = try ConfigurationSource(global: global).load()
        let transport = try RedisWiring.transport(configuration)
        guard let results = transport.results else { throw Complaint("There is no result backend.", code: .usage) }
        let record = try await RedisSession(results).use { client in
            let listener = ResultListener(
                client: client,
                keys: transport.keys,
                codecs: .celeryDefaults,
                interval: .seconds(1),
                logger: Logger(label: "celeriac.tool") { _ in SwiftLogNoOpLogHandler() }
            )
            let record: Result<ResultRecord?, any Error>
            do {
                record = .success(try await listener.record(taskID: id, within: limit))
            } catch {
                record = .failure(error)
            }
            await listener.close()
            return try record.get()
        }
        guard let record else {
            throw Complaint("Nothing is stored for \(id): it has not ended, or nobody knows it.")
        }
        try show(record)
    }

    private func show(_ record: ResultRecord) throws {
        if json {
            print(String(decoding: record.encoded(), as: UTF8.self))
        } else if traceback {
            print(record.traceback ?? "")
        } else if let exception = record.exception {
            throw Complaint("\(record.status): \(exception)")
        } else {
            print(JSONWriter.pretty(try record.value()))
        }
        guard record.status.isPropagated else { return }
        throw ExitCode(1)
    }
}
