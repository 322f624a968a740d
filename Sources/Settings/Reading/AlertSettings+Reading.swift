import YAML

extension AlertSettings {
    /// The keys of the block `alerts`.
    static let settings: [Setting<AlertSettings>] = [
        .value("group_for", "seconds", \.groupFor) { $0.seconds($1, least: 1) },
        .int("at_most_per_hour", \.mostPerHour, in: 1...100_000),
        .optional("link", "address", \.link) { $0.webAddress($1) },
        .optional("slack", "block", \.slack) { $0.slackAlerts($1) },
        .optional("mail", "block", \.mail) { $0.mailAlerts($1) },
        .optional("sentry", "block", \.sentry) { $0.sentryAlerts($1) },
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
        Setting("smtp", "block") { node, mail, reader in
            guard let entries = reader.entries(node, expected: "a block such as {host: smtp.example.com}") else {
                return
            }
            reader.block(entries, AlertMailServerSettings.settings, into: &mail.server)
        },
    ]
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
        guard let entries = entries(node, expected: "a block such as {slack: {webhook_url: …}}") else { return }
        block(entries, AlertSettings.settings, into: &alerts)
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

    fileprivate mutating func slackAlerts(_ node: YAMLNode) -> SlackAlertSettings? {
        guard let entries = entries(node, expected: "a block with webhook_url") else { return nil }
        var slack = SlackAlertSettings()
        block(entries, SlackAlertSettings.settings, into: &slack)
        return hasAll(["webhook_url"], entries, node) ? slack : nil
    }

    fileprivate mutating func mailAlerts(_ node: YAMLNode) -> MailAlertSettings? {
        guard let entries = entries(node, expected: "a block with to, from and smtp") else { return nil }
        var mail = MailAlertSettings()
        block(entries, MailAlertSettings.settings, into: &mail)
        guard hasAll(["to", "from", "smtp"], entries, node) else { return nil }
        guard !mail.to.isEmpty, mail.to.count <= 100 else {
            error(node, "'to' needs 1 to 100 addresses")
            return nil
        }
        guard !mail.server.host.isEmpty else {
            error(node, "the key 'smtp.host' is missing")
            return nil
        }
        guard (mail.server.username == nil) == (mail.server.password == nil) else {
            error(node, "'smtp.username' and 'smtp.password' need each other")
            return nil
        }
        return mail
    }

    fileprivate mutating func sentryAlerts(_ node: YAMLNode) -> SentryAlertSettings? {
        guard let entries = entries(node, expected: "a block with dsn") else { return nil }
        var sentry = SentryAlertSettings()
        block(entries, SentryAlertSettings.settings, into: &sentry)
        return hasAll(["dsn"], entries, node) ? sentry : nil
    }

    private mutating func hasAll(_ names: [String], _ entries: [YAMLEntry], _ node: YAMLNode) -> Bool {
        guard let missing = names.first(where: { name in !entries.contains { $0.key == name } }) else { return true }
        error(node, "the key '\(missing)' is missing")
        return false
    }
}
