import CeleryMessage
import Glibc
import RedisClient
import RedisTransport
import Settings
import WorkerCommandLine

/// Sends one of each of the nine tasks and shows their progress until all have ended.
struct Demo {
    let dataFolder: String
    let configuration: CeleriacConfiguration

    /// Answers whether all succeeded.
    func run(on broker: RedisBroker) async throws -> Bool {
        let keys = try RedisWiring.transport(configuration).keys
        let calls = DemoTasks.calls(uploadedFile: DemoUpload.name)
        var rows: [DemoRow] = []
        for call in calls {
            let queue = configuration.queueName(forTask: call.task)
            var message = TaskMessage(
                task: call.task,
                kwargs: call.kwargs,
                queue: queue,
                origin: "gen\(getpid())@\(Environment.hostname)",
                replyTo: Identifier.uuid()
            )
            message.headers.rootID = message.headers.id
            let item = try message.encode()
            let list = keys.list(queue: queue, step: keys.step(priority: 0))
            _ = try await broker.client.send(RedisCommand("LPUSH", list, item)).get()
            rows.append(DemoRow(task: call.task, id: message.headers.id))
        }
        let screen = ProgressScreen()
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(600)
        while rows.contains(where: { !$0.hasEnded }), clock.now < deadline {
            try await refresh(&rows, keys: keys, client: broker.client)
            screen.show(rows)
            if rows.contains(where: { !$0.hasEnded }) { try await clock.sleep(for: .milliseconds(100)) }
        }
        screen.finish(rows)
        showFiles(rows)
        return rows.allSatisfy { $0.state == .success }
    }

    private func refresh(_ rows: inout [DemoRow], keys: RedisKeys, client: RedisClient) async throws {
        for place in rows.indices where !rows[place].hasEnded {
            let reply = try await client.send(RedisCommand("GET", keys.result(taskID: rows[place].id))).get()
            guard let bytes = reply.bytes, let record = try? ResultRecord(decoding: bytes, codecs: .celeryDefaults)
            else {
                continue  // nothing stored yet
            }
            rows[place].update(record)
        }
    }

    private func showFiles(_ rows: [DemoRow]) {
        Terminal.out(
            """

            Look at
              statements (PDF)   \(dataFolder)/pdf
              mails (.eml)       \(dataFolder)/outbox/mail
              text messages      \(dataFolder)/outbox/sms
              upload reports     \(dataFolder)/reports
              demo database      \(dataFolder)/demo.sqlite


            """
        )
        for row in rows {
            for file in row.files { Terminal.out("  \(row.shortName): \(file)\n") }
        }
    }
}
