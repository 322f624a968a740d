import YAML

extension SentinelSettings {
    /// The keys among the transport options of a broker or result backend.
    static let settings: [Setting<SentinelSettings>] = [
        .name("master_name", \.masterName),
        .int("min_other_sentinels", \.leastOthers, in: 0...31),
        Setting("sentinel_kwargs", "block") { node, sentinel, reader in
            guard let entries = reader.entries(node, expected: "a block of options") else { return }
            var options = Options()
            reader.block(entries, Options.settings, into: &options)
            sentinel.username = options.username
            sentinel.password = options.password
            sentinel.patience = [options.connectTimeout, options.timeout].compactMap(\.self).min()
            switch options.isEncrypted {
            case false: sentinel.tls = .off
            case true: sentinel.tls = .on(options.tls)
            default: sentinel.tls = nil
            }
        },
    ]

    /// What `sentinel_kwargs` may hold: arguments of redis-py's connection to a sentinel.
    fileprivate struct Options {
        var username: String?
        var password: String?
        var isEncrypted: Bool?
        var tls = TLSSettings()
        var timeout: Duration?
        var connectTimeout: Duration?

        static let settings: [Setting<Options>] =
            [
                .optional("username", "text", \.username) { $0.string($1) },
                .optional("password", "text", \.password) { $0.string($1) },
                .bool("ssl", \.isEncrypted),
                .seconds("socket_timeout", \.timeout, zeroIsNone: true),
                .seconds("socket_connect_timeout", \.connectTimeout, zeroIsNone: true),
            ] + TLSSettings.settings.map { $0.within(\.tls) }
    }
}
