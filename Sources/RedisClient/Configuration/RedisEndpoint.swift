/// Where a Redis server is: at a fixed place, at the first of several that can be reached, or wherever sentinels say.
///
/// Every connection asks it anew each time it connects, so nothing else knows the difference.
public enum RedisEndpoint: Sendable, Hashable {
    /// Always there.
    case server(RedisConfiguration.Address)
    /// The first of several that can be reached.
    case servers(RedisServers)
    /// The present master of a name that sentinels watch over.
    case sentinels(RedisSentinels)

    /// A server at a host name or address, and a port.
    public static func tcp(host: String, port: Int) -> RedisEndpoint { .server(.tcp(host: host, port: port)) }

    /// A server at the path of a unix domain socket.
    public static func unix(path: String) -> RedisEndpoint { .server(.unix(path: path)) }

    /// The fixed place; `nil` where it is one of several, or sentinels know it.
    public var server: RedisConfiguration.Address? { if case .server(let address) = self { address } else { nil } }

    /// The servers one of which serves; `nil` where there is but one.
    public var servers: RedisServers? { if case .servers(let servers) = self { servers } else { nil } }

    /// The sentinels; `nil` for fixed places.
    public var sentinels: RedisSentinels? { if case .sentinels(let sentinels) = self { sentinels } else { nil } }

    /// The first address there is to know: of the server, of the servers or of the sentinels.
    public var firstAddress: RedisConfiguration.Address? {
        switch self {
        case .server(let address): address
        case .servers(let servers): servers.list.first?.address
        case .sentinels(let sentinels): sentinels.addresses.first
        }
    }
}
