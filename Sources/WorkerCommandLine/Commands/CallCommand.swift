import ArgumentParser
import CeleryMessage
import Glibc
import RedisClient
import RedisTransport
import Settings
import Transport

/// `celeriac call`: sends one task as a Celery producer would and prints its id.
struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "call", abstract: "Send a task and print its id.")

    @ParentCommand var global: CeleriacCommand
    @Argument(help: "The task's name on the wire.")
    var task: String
    @Option(name: [.short, .long], help: "Positional arguments as a JSON list.")
    var args = "[]"
    @Option(name: [.short, .long], help: "Keyword arguments as a JSON object.")
    var kwargs = "{}"
    @Option(name: .long, help: "When to run it, ISO 8601.")
    var eta: String?
    @Option(name: .long, help: "Seconds until it runs.")
    var countdown: Double?
    @Option(name: .long, help: "Seconds or the ISO 8601 time after which it is not run any more.")
    var expires: String?
    @Option(name: .long, help: "json, yaml or msgpack.")
    var serializer: String?
    @Option(name: .long, help: "The queue; by default what the configuration says about the task.")
    var queue: String?
    @Option(name: .long, help: "The priority from 0, the most urgent, to 9.")
    var priority = 0
    @Option(name: .long, help: "Accepted for Celery's sake: the queue is what counts on Redis.")
    var exchange: String?
    @Option(name: .long, help: "Accepted for Celery's sake: the queue is what counts on Redis.")
    var routingKey: String?

    mutating func run() async throws {
        let configuration = try ConfigurationSource(global: global).load()
        let message = try message(configuration)
        let item = try message.encode(codecs: .celeryDefaults, serializer: chosenSerializer(configuration).rawValue)
        let transport = try RedisWiring.transport(configuration)
        let properties = message.properties
        try await RedisSession(transport.broker).use { client in
            try await RedisProducer(broker: client, results: nil, keys: transport.keys).publish([
                Publication(queue: properties.routingKey, priority: properties.priority, item: item)
            ])
        }
        print(message.headers.id)
    }

    private func chosenSerializer(_ configuration: CeleriacConfiguration) throws -> Serializer {
        guard let serializer else { return configuration.taskSerializer }
        guard let known = Serializer(rawValue: serializer) else {
            let names = Serializer.allCases.map(\.rawValue).joined(separator: ", ")
            throw Complaint("--serializer: expected one of \(names), got \(serializer)", code: .usage)
        }
        return known
    }

    private func message(_ configuration: CeleriacConfiguration) throws -> TaskMessage {
        guard let positional = try json(args, "--args").array else {
            throw Complaint("--args: expected a JSON list", code: .usage)
        }
        guard let keyword = try json(kwargs, "--kwargs").object else {
            throw Complaint("--kwargs: expected a JSON object", code: .usage)
        }
        var message = TaskMessage(
            task: task,
            args: positional,
            kwargs: keyword,
            queue: queue ?? routingKey ?? configuration.queueName(forTask: task),
            origin: "gen\(getpid())@\(Environment.hostname)",
            replyTo: Identifier.uuid()
        )
        let now = Instant.now()
        guard (0...9).contains(priority) else {
            throw Complaint("--priority: expected 0 (the most urgent) to 9, got \(priority)", code: .usage)
        }
        message.headers.rootID = message.headers.id
        message.properties.priority = priority
        if let countdown { message.headers.eta = ISO8601.string(now + (try Seconds.read(countdown, "--countdown"))) }
        if let eta { message.headers.eta = try moment(eta, "--eta") }
        if let expires {
            let text =
                try Double(expires).map { ISO8601.string(now + (try Seconds.read($0, "--expires"))) }
                ?? moment(expires, "--expires")
            message.setExpires(text, now: now)
        }
        return message
    }

    private func json(_ text: String, _ option: String) throws -> JSONValue {
        do throws(JSONError) {
            return try JSONReader.value(text)
        } catch {
            throw Complaint("\(option): not JSON: \(error)", code: .usage)
        }
    }

    private func moment(_ text: String, _ option: String) throws -> String {
        guard ISO8601.date(text) != nil else {
            throw Complaint("\(option): expected an ISO 8601 time, got \(text)", code: .usage)
        }
        return text
    }
}
