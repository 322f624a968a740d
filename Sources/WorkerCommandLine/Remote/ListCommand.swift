import ArgumentParser
import RedisClient
import RedisTransport
import Settings

/// `celeriac list`: what the broker knows.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show what the broker knows: bindings, or queues with their lengths."
    )

    enum Subject: String, ExpressibleByArgument, CaseIterable {
        case bindings
        case queues
    }

    @ParentCommand var global: CeleriacCommand
    @Argument(help: "bindings or queues.")
    var subject: Subject

    mutating func run() async throws {
        let configuration = try ConfigurationSource(global: global).load()
        let transport = try RedisWiring.transport(configuration)
        let subject = subject
        let rows = try await RedisSession(transport.broker).use { client in
            switch subject {
            case .bindings: try await bindings(client, transport.keys, configuration)
            case .queues: try await queues(client, transport.keys, configuration)
            }
        }
        for row in rows { Terminal.out(Self.columns(row) + "\n") }
    }

    private func names(_ configuration: CeleriacConfiguration) -> [String] {
        let names = configuration.queues.map(\.name)
        return names.isEmpty ? [configuration.defaultQueue] : names
    }

    private func bindings(
        _ client: RedisClient,
        _ keys: RedisKeys,
        _ configuration: CeleriacConfiguration
    ) async throws -> [[String]] {
        var rows = [["Queue", "Exchange", "Routing Key"], Self.rule(3)]
        for name in names(configuration) {
            let exchange = configuration.queue(named: name)?.exchange ?? name
            let members = try await client.send(RedisCommand("SMEMBERS", keys.binding(exchange: exchange)))
            for member in (members.array?.compactMap(\.text) ?? []).sorted() {
                let parts = member.split(separator: keys.separator, omittingEmptySubsequences: false)
                guard let key = parts.first, let queue = parts.last else { continue }
                rows.append([String(queue), exchange, String(key)])
            }
        }
        return rows
    }

    private func queues(
        _ client: RedisClient,
        _ keys: RedisKeys,
        _ configuration: CeleriacConfiguration
    ) async throws -> [[String]] {
        var rows = [["Queue", "Waiting"], Self.rule(2)]
        for name in names(configuration) {
            let lengths = try await client.send(
                keys.prioritySteps.map { RedisCommand("LLEN", keys.list(queue: name, step: $0)) }
            )
            rows.append([name, String(lengths.reduce(0) { $0 + ($1.int ?? 0) })])
        }
        return rows
    }

    private static func rule(_ columns: Int) -> [String] {
        Array(repeating: String(repeating: "-", count: 16), count: columns)
    }

    /// Three columns of Celery's width; the last one is as wide as it is.
    private static func columns(_ row: [String]) -> String {
        row.enumerated().map { place, text in
            let padding = place == row.count - 1 ? 0 : max(0, 28 - text.count)
            return ReplyText.safe(text) + String(repeating: " ", count: padding)
        }.joined(separator: " ")
    }
}
