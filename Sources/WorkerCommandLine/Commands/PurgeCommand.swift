import ArgumentParser
import NIOPosix
import RedisClient
import RedisTransport
import Settings

/// `celeriac purge`: erases waiting messages.
struct PurgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Erase all messages that wait in queues. There is no way back."
    )

    @ParentCommand var global: CeleriacCommand
    @Flag(name: [.short, .long], help: "Do not ask.")
    var force = false
    @Option(name: [.customShort("Q"), .long], help: "The queues, separated by commas; all configured ones by default.")
    var queues: String?
    @Option(name: [.customShort("X"), .long], help: "The queues to leave as they are, separated by commas.")
    var excludeQueues: String?

    mutating func run() async throws {
        let configuration = try ConfigurationSource(global: global).load()
        let excluded = Set(list(excludeQueues))
        let names = (queues.map(list) ?? configured(configuration)).filter { !excluded.contains($0) }
        guard force || confirmed(names) else { throw Complaint("Nothing was erased.") }
        let transport = try RedisWiring.transport(configuration)
        let session = RedisSession(transport.broker)
        let erased = try await session.use { try await QueuePurge(client: $0, keys: transport.keys).run(names) }
        print(
            erased == 0
                ? "No messages purged from \(names.count) queue(s)"
                : "Purged \(erased) message(s) from \(names.count) queue(s)."
        )
    }

    private func configured(_ configuration: CeleriacConfiguration) -> [String] {
        configuration.queues.isEmpty ? [configuration.defaultQueue] : configuration.queues.map(\.name)
    }

    private func list(_ text: String?) -> [String] { text?.split(separator: ",").map(String.init) ?? [] }

    private func confirmed(_ names: [String]) -> Bool {
        Terminal.out("This erases all messages waiting in: \(names.joined(separator: ", "))\nType 'yes' to go on: ")
        return readLine() == "yes"
    }
}
