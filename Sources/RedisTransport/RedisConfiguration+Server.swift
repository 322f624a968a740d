package import RedisClient

extension RedisConfiguration {
    /// Whether both name one server and one user on it, whatever the database.
    package func isSameServer(as other: RedisConfiguration) -> Bool {
        endpoint == other.endpoint && tls == other.tls && username == other.username && password == other.password
    }
}
