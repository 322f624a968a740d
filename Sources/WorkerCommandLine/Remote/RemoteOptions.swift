import ArgumentParser
import CeleryMessage
import RedisTransport
import RemoteControl
import Settings
import WorkerRuntime

/// What `inspect`, `control` and `status` have in common.
struct RemoteOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "Seconds to wait for replies (default: 1).")
    var timeout: Double?
    @Option(name: [.short, .long], help: "The nodes to ask, separated by commas; all by default.")
    var destination: String?
    @Flag(name: [.short, .long], help: "Print JSON.")
    var json = false

    var nodes: [String] { destination?.split(separator: ",").map(String.init) ?? [] }
}

/// A request from the command line, its replies on the terminal.
struct RemoteCall {
    let global: CeleriacCommand
    let options: RemoteOptions

    /// Sends a command and prints the replies; code 69 when there is none or no broker.
    func run(_ command: ControlCommand, _ arguments: JSONObject, showsData: Bool) async throws -> Int {
        let configuration = try ConfigurationSource(global: global).load()
        let transport = try RedisWiring.transport(configuration)
        let json = options.json
        let replies = try await RedisSession(transport.broker).use { client in
            try await ControlClient(
                client: client,
                transport: transport,
                exchange: configuration.messaging.controlExchange + ".pidbox"
            ).call(
                [.init(command.rawValue, arguments)],
                destination: options.nodes,
                timeout: options.timeout ?? command.defaultTimeout
            ) { reply in
                if !json { Terminal.out(ReplyText.lines(reply, showsData: showsData) + "\n") }
            }
        }
        guard !replies.isEmpty else {
            throw Complaint("Error: No nodes replied within time constraint", code: .unavailable)
        }
        if json {
            var all = JSONObject()
            for reply in replies { all[reply.node] = reply.value }
            Terminal.out(JSONWriter.string(.object(all)) + "\n")
        }
        return replies.count
    }

    /// The line after the replies.
    func sayCount(_ count: Int) {
        guard !options.json, !global.quiet else { return }
        Terminal.out("\n\(count) \(count == 1 ? "node" : "nodes") online.\n")
    }

    /// Finds a command by its name, among those of a kind.
    static func command(_ name: String, _ kind: ControlCommand.Kind) throws -> ControlCommand {
        let shown = commands(kind)
        guard let command = shown.first(where: { $0.rawValue == name }) else {
            let names = shown.map(\.rawValue).joined(separator: ", ")
            throw Complaint(
                "Error: Command \(name) not recognized. Available \(kind.rawValue) commands: \(names)",
                code: .usage
            )
        }
        return command
    }

    static func commands(_ kind: ControlCommand.Kind) -> [ControlCommand] {
        ControlCommand.allCases.filter { $0.kind == kind && $0.isShown }.sorted { $0.rawValue < $1.rawValue }
    }

    /// The commands of a kind, one a line.
    static func list(_ kind: ControlCommand.Kind) -> String {
        commands(kind).map { command in
            let usage = command.usage.isEmpty ? command.rawValue : "\(command.rawValue) \(command.usage)"
            return "  \(usage)\n      \(command.summary)\n"
        }.joined()
    }

    static func arguments(_ command: ControlCommand, _ words: [String]) throws -> JSONObject {
        do {
            return try command.arguments(from: words)
        } catch {
            throw Complaint("Error: \(error.description)", code: .usage)
        }
    }
}
