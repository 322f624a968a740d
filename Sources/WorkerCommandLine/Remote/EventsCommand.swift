import ArgumentParser
import CeleryMessage
import Logging
import NIOPosix
import RedisClient
import RedisTransport
import RemoteControl
import Settings
import Transport

/// `celeriac events`: prints events as they come.
struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Print the events of workers and tasks as they come, one a line.",
        discussion: "Task events come from workers started with -E, or after `celeriac control enable_events`."
    )

    @ParentCommand var global: CeleriacCommand
    @Flag(name: [.short, .long], help: "Accepted for Celery's sake: events are always printed.")
    var dump = false
    @Flag(name: [.short, .long], help: "Print each event as JSON.")
    var json = false
    @Option(name: .long, help: "Only events whose type begins so, for example task- or worker-heartbeat.")
    var type = ""
    @Option(name: [.customShort("n"), .long], help: "End after so many events.")
    var count: Int?

    mutating func run() async throws {
        let configuration = try ConfigurationSource(global: global).load()
        let transport = try RedisWiring.transport(configuration)
        let (events, continuation) = AsyncStream<[UInt8]>.makeStream(bufferingPolicy: .bufferingNewest(100_000))
        var logger = Logger(label: "celeriac.tool")
        logger.logLevel = .critical
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let subscriber = RedisSubscriber(
            configuration: transport.broker,
            eventLoop: loop,
            logger: logger,
            onMessage: { push in
                if case .patternMessage(_, _, let payload) = push { continuation.yield(payload) }
            }
        )
        try await listen(subscriber, configuration, transport)
        if !json, !global.quiet { Terminal.error("-> evdump: starting capture...") }
        let connection = Task { [subscriber] in
            // Reconnects until the command ends; a refusal for good ends the stream.
            try? await subscriber.run()
            continuation.finish()
        }
        defer { connection.cancel() }
        try await ask(configuration, transport)
        await show(events)
        await subscriber.close()
    }

    private func listen(
        _ subscriber: RedisSubscriber,
        _ configuration: CeleriacConfiguration,
        _ transport: RedisTransportConfiguration
    ) async throws {
        let channel = transport.keys.channel(
            exchange: configuration.messaging.eventExchange,
            routingKey: transport.keys.fanoutPatterns ? "*" : "",
            database: transport.broker.database
        )
        do {
            try await subscriber.connect()
            try await subscriber.psubscribe([channel])
        } catch {
            let place = transport.broker.redactedURL
            throw Complaint("Cannot connect to \(place): \(error.message)", code: .unavailable)
        }
    }

    /// Has all workers show themselves at once, as every receiver of Celery's does.
    private func ask(_ configuration: CeleriacConfiguration, _ transport: RedisTransportConfiguration) async throws {
        try await RedisSession(transport.broker).use { client in
            try await ControlClient(
                client: client,
                transport: transport,
                exchange: configuration.messaging.controlExchange + ".pidbox"
            ).cast("heartbeat")
        }
    }

    private func show(_ events: AsyncStream<[UInt8]>) async {
        var text = EventText()
        var left = count ?? .max
        for await payload in events {
            // What is no event is passed over.
            guard let body = try? BroadcastMessage(decoding: payload, largest: BroadcastMessage.largestReply).value()
            else { continue }
            for event in body.array ?? [body] where left > 0 {
                guard event["type"]?.string?.hasPrefix(type) == true else { continue }
                let line = json ? JSONWriter.string(event) : text.line(event)
                guard let line else { continue }
                Terminal.out(line + "\n")
                left -= 1
            }
            if left == 0 { return }
        }
    }
}
