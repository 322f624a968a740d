import YAML

extension GatewaySettings {
    /// The keys of the block `gateway`.
    static let settings: [Setting<GatewaySettings>] = [
        .name("host", \.host),
        .int("port", \.port, in: 0...65_535),
        .path("unix_socket", \.unixSocket),
        .value("base_path", "path such as /jobs", \.basePath) { $0.basePath($1) },
        .choice("locale", \.locale),
        .choice("status_access", \.statusAccess),
        .choice("metrics_access", \.metricsAccess),
        .value("metrics_families", "list of queues, exporter, flower", \.metricsFamilies) { $0.metricsFamilies($1) },
        .value("polling_interval", "seconds", \.pollingInterval) { $0.seconds($1, least: 1) },
        Setting("users", "block") { node, gateway, reader in gateway.users = reader.gatewayUsers(node) },
        Setting("start_routes", "block") { node, gateway, reader in gateway.startRoutes = reader.startRoutes(node) },
        .optional("session_key", "text of 16 bytes or more", \.sessionKey) { $0.token($1) },
        .optional("downloads", "block", \.downloads) { $0.downloads($1) },
        .block("sync", \.sync, SyncSettings.settings, example: "a block such as {processes: 2}"),
        .bool("any_task", \.anyTask),
        .int("tasks_per_minute", \.tasksPerMinute, in: 1...10_000_000),
        .int("max_bulk_items", \.bulkItems, in: 1...10_000),
        .int("max_queue_depth", \.queueDepth, in: 1...Int.max),
        .value("unique_for", "seconds", \.uniqueFor) { $0.seconds($1, least: 1) },
        .value("cors_origins", "list of origins", \.origins) { $0.origins($1) },
        .block(
            "tls",
            \.tls,
            GatewayTLSSettings.settings,
            from: GatewayTLSSettings(),
            example: "a block with certificate and key",
            check: { $0.isWhole ? nil : "needs both 'certificate' and 'key'" }
        ),
        .int("max_body_bytes", \.bodyBytes, in: 1024...(64 << 20)),
        .int("max_header_bytes", \.headerBytes, in: 1024...(80 << 10)),
        .int("max_connections", \.connections, in: 1...1_000_000),
        .value("idle_timeout", "seconds", \.idleTimeout) { $0.seconds($1, least: 1) },
        .value("max_wait", "seconds", \.longestWait) { $0.seconds($1, least: 1) },
        .int("max_followers", \.followers, in: 0...1_000_000),
        .int("failed_tokens_per_minute", \.failedTokensPerMinute, in: 1...1_000_000),
        .seconds("shutdown_timeout", \.shutdownTimeout),
    ]
}

extension DownloadSettings {
    /// The keys of the block `downloads`.
    static let settings: [Setting<DownloadSettings>] = [
        .value("folders", "list of paths", \.folders) { $0.downloadFolders($1) },
        .value("link_lifetime", "seconds", \.linkLifetime) { $0.seconds($1, least: 1) },
        .value("signing_key", "text of 16 bytes or more, or a list", \.signingKeys) { $0.signingKeys($1) },
        .path("signing_key_file", \.signingKeyFile),
        .choice("access", \.access),
        .int("max_downloads", \.simultaneous, in: 1...100_000),
    ]
}

extension SyncSettings {
    /// The keys of the block `sync`.
    static let settings: [Setting<SyncSettings>] = [
        .path("program", \.program),
        .int("processes", \.processes, in: 1...1000),
        .int("waiting", \.waiting, in: 0...100_000),
        .value("idle_timeout", "seconds", \.idleTimeout) { $0.seconds($1, least: 1) },
        .int("max_result_bytes", \.resultBytes, in: 1024...(64 << 20)),
    ]
}

extension StartRouteSettings {
    /// The keys of the block of an address that starts a task.
    static let settings: [Setting<StartRouteSettings>] = [
        .name("task", \.task),
        .name("queue", \.queue),
        .optional("arguments", "list of names", \.arguments) { $0.strings($1) },
        .choice("access", \.access),
    ]
}

extension GatewayUserSettings {
    /// The keys of a user's block.
    static let settings: [Setting<GatewayUserSettings>] = [
        .choice("role", \.role),
        .value("token", "text of 16 bytes or more", \.token) { $0.token($1) },
        .optional("token_sha256", "64 hexadecimal digits", \.tokenDigest) { $0.digest($1) },
    ]
}

extension GatewayTLSSettings {
    /// The keys of the block `tls`.
    static let settings: [Setting<GatewayTLSSettings>] = [
        .value("certificate", "path", \.certificateFile) { $0.path($1) },
        .value("key", "path", \.keyFile) { $0.path($1) },
    ]

    fileprivate var isWhole: Bool { !certificateFile.isEmpty && !keyFile.isEmpty }
}

extension SettingReader {
    /// The block `gateway`.
    mutating func gateway(_ node: YAMLNode, into gateway: inout GatewaySettings) {
        let example = "a block such as {port: 5000}"
        gateway = block(node, GatewaySettings.settings, from: gateway, expected: example) ?? gateway
    }

    fileprivate mutating func startRoutes(_ node: YAMLNode) -> [StartRouteSettings] {
        named(node, "a block of addresses such as /api/reports/start").compactMap { entry in
            under(entry.key, at: place(entry.keyPosition)) { $0.startRoute(entry) }
        }
    }

    private mutating func startRoute(_ entry: YAMLEntry) -> StartRouteSettings? {
        guard entry.key.hasPrefix("/"), !entry.key.hasSuffix("/"), Self.isPlainPath(entry.key) else {
            add(.error, at: place(entry.keyPosition), "expected an address such as /api/reports/start")
            return nil
        }
        guard !["/api/tasks", "/api/tasks/bulk", "/tasks"].contains(entry.key),
            !["/api/v1/admin/", "/admin/"].contains(where: entry.key.hasPrefix)
        else {
            add(.error, at: place(entry.keyPosition), "the gateway itself answers at this address")
            return nil
        }
        guard let entries = entries(entry.value, expected: "a block such as {task: reports.make}") else { return nil }
        var route = StartRouteSettings(path: entry.key)
        block(entries, StartRouteSettings.settings, into: &route)
        if !entries.contains(where: { $0.key == "task" }) {
            add(.error, at: place(entry.keyPosition), "the key 'task' is missing: what does this address start?")
        }
        return route
    }

    /// Whether a path consists of plain words.
    private static func isPlainPath(_ path: String) -> Bool {
        path.firstRange(of: "//") == nil
            && path.utf8.allSatisfy { byte in
                "/-_.".utf8.contains(byte) || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte)
            }
    }

    fileprivate mutating func downloads(_ node: YAMLNode) -> DownloadSettings? {
        let example = "a block such as {folders: [results/pdf]}"
        guard let downloads = block(node, DownloadSettings.settings, from: DownloadSettings(), expected: example) else {
            return nil
        }
        if downloads.folders.isEmpty {
            error(node, "needs 'folders': the files of which folders may be downloaded?")
        }
        if !downloads.signingKeys.isEmpty, downloads.signingKeyFile != nil {
            error(node, "has both 'signing_key' and 'signing_key_file'")
        }
        return downloads
    }

    /// Folders whose files may be downloaded.
    fileprivate mutating func downloadFolders(_ node: YAMLNode) -> [String]? {
        let nodes = node.sequence ?? [node]
        return nodes.compactMap { node in
            guard let path = path(node) else { return nil }
            guard path != "/" else {
                error(node, "would let every file of this machine be downloaded; name a folder")
                return nil
            }
            return path
        }
    }

    /// One key, or several.
    fileprivate mutating func signingKeys(_ node: YAMLNode) -> [Secret]? {
        (node.sequence ?? [node]).compactMap { token($0) }
    }

    fileprivate mutating func gatewayUsers(_ node: YAMLNode) -> [GatewayUserSettings] {
        let users = named(node, "a block of users by their names").compactMap { entry in
            under(entry.key, at: place(entry.keyPosition)) { $0.gatewayUser(entry) }
        }
        return users
    }

    private mutating func gatewayUser(_ entry: YAMLEntry) -> GatewayUserSettings? {
        guard let entries = entries(entry.value, expected: "a block such as {role: admin, token: ${GATEWAY_TOKEN}}")
        else { return nil }
        var user = GatewayUserSettings(name: entry.key)
        block(entries, GatewayUserSettings.settings, into: &user)
        let given = entries.filter { ["token", "token_sha256"].contains($0.key) }
        if given.count != 1 {
            add(.error, at: place(entry.keyPosition), "needs either 'token' or 'token_sha256'")
        }
        return user
    }

    /// A token long enough not to be guessed; messages never repeat it.
    fileprivate mutating func token(_ node: YAMLNode) -> Secret? {
        guard let text = node.scalar?.text, (16...4096).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            error(node, "expected a text of 16 to 4096 letters, digits and signs without spaces")
            return nil
        }
        return Secret(text)
    }

    fileprivate mutating func digest(_ node: YAMLNode) -> String? {
        guard let text = node.scalar?.text.lowercased(), text.utf8.count == 64, text.allSatisfy(\.isHexDigit) else {
            error(node, "expected the SHA-256 of a token: 64 hexadecimal digits")
            return nil
        }
        return text
    }

    /// A path of plain words, without the slash at its end.
    fileprivate mutating func basePath(_ node: YAMLNode) -> String? {
        guard let text = string(node) else { return nil }
        let path = text.hasSuffix("/") ? String(text.dropLast()) : text
        guard path.isEmpty || path.hasPrefix("/") && Self.isPlainPath(path) else {
            error(node, "expected a path of letters, digits, '-' and '_' such as /jobs")
            return nil
        }
        return path
    }

    fileprivate mutating func metricsFamilies(_ node: YAMLNode) -> [GatewaySettings.MetricsFamily]? {
        guard let names = strings(node) else { return nil }
        let families = names.compactMap(GatewaySettings.MetricsFamily.init(rawValue:))
        guard families.count == names.count else {
            error(node, "expected some of queues, exporter, flower")
            return nil
        }
        return families
    }

    fileprivate mutating func origins(_ node: YAMLNode) -> [String]? {
        guard let texts = strings(node) else { return nil }
        for text in texts {
            let rest = ["https://", "http://"].first { text.hasPrefix($0) }.map { text.dropFirst($0.count) }
            if text == "*" {
                error(node, "'*' would let every page on the web ask; name the origins")
                return nil
            }
            guard let rest, !rest.isEmpty, !rest.contains("/") else {
                error(node, "expected origins such as https://app.example.com, without a path")
                return nil
            }
        }
        return texts
    }
}
