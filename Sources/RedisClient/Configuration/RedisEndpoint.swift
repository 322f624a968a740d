/// Where a Redis server is: at a fixed place, or wherever sentinels say.
///
/// Every connection asks it anew each time it connects, so nothing else knows the difference.
public enum RedisEndpoint: Sendable, Hashable {
    /// Always there.
    case server(RedisConfiguration.Address)
    /// The present master of a name that sentinels watch over.
    case sentinels(RedisSentinels)

    /// A server at a host name or address, and a port.
    public static func tcp(host: String, port: Int) -> RedisEndpoint { .server(.tcp(host: host, port: port)) }

    /// A server at the path of a unix domain socket.
    public static func unix(path: String) -> RedisEndpoint { .server(.unix(path: path)) }

    /// The fixed place; `nil` where sentinels know it.
    public var server: RedisConfiguration.Address? { if case .server(let address) = self { address } else { nil } }

    /// The sentinels; `nil` for a fixed place.
    public var sentinels: RedisSentinels? { if case .sentinels(let sentinels) = self { sentinels } else { nil } }
}
