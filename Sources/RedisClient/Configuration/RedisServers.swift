/// Several servers of which any one serves: not copies of each other, but stand-ins.
///
/// Connections that are made with copies of one value are all at one server: the first that could be reached. When it cannot
/// be reached any more they go to the next one, and after the last to the first again. A value of this type holds passwords;
/// its description and its mirror do not.
public struct RedisServers: Sendable {
    /// The most servers of one list; each may cost `connectTimeout` while one is looked for.
    public static let most = 32

    /// One of them.
    public struct Server: Sendable, Hashable {
        /// Where it listens.
        public var address: RedisConfiguration.Address
        /// The user of its access control lists; `nil` for the default user.
        public var username: String?
        /// Its password; `nil` sends no `AUTH`.
        public var password: String?

        /// A server.
        public init(address: RedisConfiguration.Address, username: String? = nil, password: String? = nil) {
            self.address = address
            self.username = username
            self.password = password
        }
    }

    /// In which order they are tried.
    public enum Order: Sendable, Hashable {
        /// As they stand.
        case listed
        /// Each program in another one.
        case shuffled
    }

    /// The servers, as they are listed.
    public let list: [Server]
    /// In which order they are tried.
    public let order: Order
    let choice: ServerChoice

    /// Servers; they are tried in turn.
    ///
    /// - Precondition: there is at least one.
    public init(_ list: [Server], order: Order = .listed) {
        precondition(!list.isEmpty, "a list of servers needs at least one")
        self.list = list
        self.order = order
        choice = ServerChoice(order == .listed ? Array(list.indices) : list.indices.shuffled())
    }
}

extension RedisServers: Hashable {
    /// Whether both list the same servers; where their connections are does not matter.
    public static func == (one: RedisServers, other: RedisServers) -> Bool { one.list == other.list }

    /// Hashes the list.
    public func hash(into hasher: inout Hasher) { hasher.combine(list) }
}

extension RedisServers.Server: CustomStringConvertible, CustomReflectable {
    /// The address.
    public var description: String { "\(address)" }
    /// A mirror without secrets.
    public var customMirror: Mirror { Mirror(self, children: ["address": address]) }
}
