import Synchronization

/// What is to be subscribed on every new connection, and the present connection's id.
final class WantedSubscriptions: Sendable {
    private struct State {
        var channels: Set<String> = []
        var patterns: Set<String> = []
        var clientID: Int64?
    }

    private let state = Mutex(State())

    var clientID: Int64? { state.withLock { $0.clientID } }

    /// The commands for a new connection, at most two.
    var commands: [RedisCommand] {
        let (channels, patterns) = state.withLock { ($0.channels.sorted(), $0.patterns.sorted()) }
        return [("SUBSCRIBE", channels), ("PSUBSCRIBE", patterns)]
            .filter { !$0.1.isEmpty }
            .map { RedisCommand.subscription($0.0, $0.1) }
    }

    func note(_ change: RedisConnectionState) {
        state.withLock { state in
            if case .connected(let id) = change { state.clientID = id } else { state.clientID = nil }
        }
    }

    /// Adds them; answers with those that were not wanted before.
    func add(channels: [String]) -> [String] {
        state.withLock { state in channels.filter { state.channels.insert($0).inserted } }
    }

    /// Adds them; answers with those that were not wanted before.
    func add(patterns: [String]) -> [String] {
        state.withLock { state in patterns.filter { state.patterns.insert($0).inserted } }
    }

    func remove(channels: [String]) { state.withLock { $0.channels.subtract(channels) } }

    func remove(patterns: [String]) { state.withLock { $0.patterns.subtract(patterns) } }
}

extension RedisCommand {
    /// A command that the server confirms once per name.
    static func subscription(_ name: String, _ names: [String]) -> RedisCommand {
        var command = RedisCommand(name, arguments: names)
        command.replyCount = names.count
        return command
    }
}
