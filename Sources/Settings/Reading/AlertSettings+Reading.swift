import YAML

extension AlertSettings {
    /// The keys of the block `alerts`.
    static let settings: [Setting<AlertSettings>] = [
        .value("group_for", "seconds", \.groupFor) { $0.seconds($1, least: 1) },
        .int("at_most_per_hour", \.mostPerHour, in: 1...100_000),
        .optional("link", "address", \.link) { $0.webAddress($1) },
        .block(
            "slack",
            \.slack,
            SlackAlertSettings.settings,
            from: SlackAlertSettings(),
            example: "a block with webhook_url",
            needed: ["webhook_url"]
        ),
        .block(
            "mail",
            \.mail,
            MailAlertSettings.settings,
            from: MailAlertSettings(),
            example: "a block with to, from and smtp",
            needed: ["to", "from", "smtp"],
            check: \.problem
        ),
        .block(
            "sentry",
            \.sentry,
            SentryAlertSettings.settings,
            from: SentryAlertSettings(),
            example: "a block with dsn",
            needed: ["dsn"]
        ),
    ]
}

extension SlackAlertSettings {
    /// The keys of the block `slack`.
    static let settings: [Setting<SlackAlertSettings>] = [
        .value("webhook_url", "address", \.webhookURL) { reader, node in reader.webAddress(node).map(Secret.init) }
    ]
}

extension MailAlertSettings {
    /// The keys of the block `mail`.
    static let settings: [Setting<MailAlertSettings>] = [
        .value("to", "list of addresses", \.to) { $0.strings($1) },
        .name("from", \.from),
        .block("smtp", \.server, AlertMailServerSettings.settings, example: "a block such as {host: smtp.example.com}"),
    ]

    /// What is wrong with the block as a whole.
    fileprivate var problem: String? {
        if to.isEmpty || to.count > 100 { return "'to' needs 1 to 100 addresses" }
        if server.host.isEmpty { return "the key 'smtp.host' is missing" }
        let isWhole = (server.username == nil) == (server.password == nil)
        return isWhole ? nil : "'smtp.username' and 'smtp.password' need each other"
    }
}

extension AlertMailServerSettings {
    /// The keys of the block `smtp`.
    static let settings: [Setting<AlertMailServerSettings>] = [
        .name("host", \.host),
        .int("port", \.port, in: 1...65_535),
        .choice("security", \.security),
        .name("username", \.username),
        .optional("password", "text", \.password) { reader, node in reader.string(node).map(Secret.init) },
        .path("ca_file", \.authorityFile),
        .value("timeout", "seconds", \.timeout) { $0.seconds($1, least: 1) },
    ]
}

extension SentryAlertSettings {
    /// The keys of the block `sentry`.
    static let settings: [Setting<SentryAlertSettings>] = [
        .value("dsn", "address", \.dsn) { reader, node in reader.webAddress(node).map(Secret.init) },
        .name("environment", \.environment),
        .name("release", \.release),
    ]
}

extension SettingReader {
    /// The block `alerts`.
    mutating func alerts(_ node: YAMLNode, into alerts: inout AlertSettings) {
        let example = "a block such as {slack: {webhook_url: …}}"
        alerts = block(node, AlertSettings.settings, from: alerts, expected: example) ?? alerts
    }

    /// An address of the web, without a slash at its end; messages never repeat it, since it may hold a secret.
    fileprivate mutating func webAddress(_ node: YAMLNode) -> String? {
        let text = node.scalar?.text ?? ""
        let rest = ["https://", "http://"].first { text.hasPrefix($0) }.map { text.dropFirst($0.count) } ?? ""
        guard !rest.isEmpty, rest.first != "/", text.utf8.count <= 2000,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") })
        else {
            error(node, "expected an address that begins with https:// or http://")
            return nil
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
