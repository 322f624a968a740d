import Synchronization

/// At which of several servers a program's connections are: all of them at one.
///
/// A connection that fails goes elsewhere only when none of the others is connected any more. So one that is refused for a
/// moment does not take what it sends to a server where the others do not look.
final class ServerChoice: Sendable {
    /// What becomes of a connection that was made.
    enum Arrival {
        /// It is the first of all, at the server that was tried first.
        case first
        /// It is where the others are.
        case joined
        /// It is the first one at another server than before, or than the one that was tried first.
        case moved
        /// The others have gone elsewhere meanwhile.
        case tooLate
    }

    private struct State {
        /// Where in the order the connections are.
        var turn = 0
        /// How many are connected there.
        var connected = 0
        /// Where they were the last time that one was connected; `nil` before the first.
        var last: Int?
    }

    private let order: [Int]
    private let state = Mutex(State())

    /// A choice among servers by their places in a list, in the order in which they are tried.
    init(_ order: [Int]) { self.order = order }

    /// The server to connect to.
    var server: Int { order[state.withLock { $0.turn }] }

    /// Counts a connection to a server.
    func arrive(at server: Int) -> Arrival {
        state.withLock { state in
            guard order[state.turn] == server else { return .tooLate }
            state.connected += 1
            defer { state.last = state.turn }
            guard let last = state.last else { return state.turn == 0 ? .first : .moved }
            return last == state.turn ? .joined : .moved
        }
    }

    /// A connection that was counted has ended.
    func leave() { state.withLock { $0.connected -= 1 } }

    /// A server could not be reached; answers whether it is another one's turn now.
    func giveUp(_ server: Int) -> Bool {
        state.withLock { state in
            guard order[state.turn] == server else { return true }
            guard state.connected == 0 else { return false }
            state.turn = (state.turn + 1) % order.count
            return order.count > 1
        }
    }
}
