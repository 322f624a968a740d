import YAML

/// Reads a configuration: `tasks.yaml`, then `REDIS_*`, then `CELERY_*`, then the command line, each beating what came before.
///
/// Reading never stops at a problem: all of them are reported together, and there is a configuration only when none is an error.
public struct ConfigurationLoader: Sendable {
    /// Which file to read.
    public enum File: Sendable, Hashable {
        /// `tasks.yaml` of the working folder, if it is there.
        case standard
        /// This file, which has to be there.
        case named(String)
        /// This text, as if it stood in a file of that name in the working folder: for a default that a program brings along.
        case text(String, name: String)
        /// No file: defaults, environment and command line only.
        case none
    }

    /// A setting given on the command line.
    public struct Override: Sendable, Hashable {
        /// The setting; an option of a transport as `broker_transport_options.visibility_timeout`.
        public var key: String
        /// The value as typed; lists and blocks as YAML writes them on one line.
        public var value: String
        /// How it was given, for messages: `--broker`.
        public var option: String

        /// A setting given by an option; without one it is taken for a trailing `key=value`.
        public init(_ key: String, _ value: String, option: String? = nil) {
            self.key = key
            self.value = value
            self.option = option ?? key
        }
    }

    /// Which file to read.
    public var file: File
    /// The environment, for `REDIS_*`, `CELERY_*` and `${NAME}`.
    public var environment: [String: String]
    /// What the command line says, in its order.
    public var overrides: [Override]
    /// The names of all handlers, to check `handler:` against; `nil` checks nothing.
    public var handlers: [String]?
    /// Tasks that the program brings along; what the file says about one of them beats what is said here.
    public var tasks: [TaskSettings]
    /// The folder the program was started in, absolute.
    public var workingFolder: String

    /// The largest file read: 4 MiB.
    static let limits = YAMLLimits(bytes: 4 << 20, depth: 64, nodes: 200_000, expandedBytes: 16 << 20)

    /// Says what to read.
    public init(
        file: File = .standard,
        environment: [String: String],
        overrides: [Override] = [],
        handlers: [String]? = nil,
        tasks: [TaskSettings] = [],
        workingFolder: String
    ) {
        self.file = file
        self.environment = environment
        self.overrides = overrides
        self.handlers = handlers
        self.tasks = tasks
        self.workingFolder = workingFolder
    }

    /// Reads and checks everything.
    public func load() -> LoadedConfiguration {
        let source = chosenFile
        let absolute = source.map { FilePath.absolute($0, in: workingFolder) }
        let baseFolder = absolute.map(FilePath.folder) ?? workingFolder
        var configuration = CeleriacConfiguration(baseFolder: baseFolder)
        configuration.file = source
        var reader = SettingReader(source: .file(source ?? "tasks.yaml"), baseFolder: baseFolder)
        reader.declaredTasks = Dictionary(tasks.map { ($0.name, $0) }, uniquingKeysWith: { _, last in last })
        if let source, let absolute { read(source, at: absolute, into: &configuration, &reader) }
        readRedisVariables(into: &configuration, &reader)
        readCeleryVariables(into: &configuration, &reader)
        readOverrides(into: &configuration, &reader)
        configuration.places = reader.places
        configuration.declare(tasks)
        CrossChecks(handlers: handlers).complete(&configuration, &reader)
        let report = ConfigurationReport(reader.problems)
        return LoadedConfiguration(configuration: report.hasErrors ? nil : configuration, report: report)
    }

    private var chosenFile: String? {
        switch file {
        case .none: return nil
        case .named(let path): return path
        case .text(_, let name): return name
        case .standard:
            let path = FilePath.absolute("tasks.yaml", in: workingFolder)
            return FileBytes.exists(path) ? "tasks.yaml" : nil
        }
    }

    // MARK: The file

    private func read(
        _ name: String,
        at path: String,
        into configuration: inout CeleriacConfiguration,
        _ reader: inout SettingReader
    ) {
        let bytes: [UInt8]
        do {
            bytes = try content(at: path)
        } catch {
            let place = SourcePlace.file(path: name, line: 0, column: 0)
            reader.add(.error, at: place, "cannot be read: \(error.reason)")
            return
        }
        do {
            let root = try YAMLReader.node(bytes, limits: Self.limits)
            var substitution = VariableSubstitution(environment: environment)
            let replaced = substitution.apply(root)
            reader.hidden = substitution.replaced
            for problem in substitution.problems {
                let place = reader.place(problem.position)
                reader.add(ConfigurationProblem(.error, at: place, key: problem.keys, problem.message))
            }
            guard let entries = reader.entries(replaced, expected: "a block of settings such as 'broker_url: …'") else {
                return
            }
            // Keys that begin with x- hold anchors for others to use.
            apply(entries.filter { !$0.key.hasPrefix("x-") }, to: &configuration, &reader)
            reader.hidden = []
        } catch {
            reader.add(.error, at: reader.place(error.position), error.message)
        }
    }

    private func content(at path: String) throws(FileBytes.Failure) -> [UInt8] {
        if case .text(let text, _) = file { return Array(text.utf8) }
        return try FileBytes.read(path, limit: Self.limits.bytes)
    }

    private func apply(
        _ entries: [YAMLEntry],
        to configuration: inout CeleriacConfiguration,
        _ reader: inout SettingReader
    ) {
        reader.block(
            entries,
            CeleriacConfiguration.settings,
            into: &configuration,
            ignoring: KnownSettings.ignored,
            hint: KnownSettings.hint
        )
    }

    // MARK: The environment

    private func readRedisVariables(into configuration: inout CeleriacConfiguration, _ reader: inout SettingReader) {
        guard let (variable, url) = redisURL(&reader) else { return }
        reader.source = .environment(variable)
        let text = YAMLNode(.scalar(YAMLScalar(url, style: .doubleQuoted)), position: Self.nowhere)
        let place = reader.place(Self.nowhere)
        if configuration.broker.isConfigured {
            reader.add(.note, at: place, "replaces the broker and result backend of the file")
        }
        guard let urls = reader.under("broker_url", at: place, { $0.urls(text) }) else { return }
        configuration.broker.urls = urls
        configuration.broker.readURLs = []
        configuration.broker.writeURLs = []
        // A file that switches results off means it, wherever the broker is.
        if configuration.results.backend != .disabled { configuration.results.backend = .sameAsBroker }
    }

    /// The URL that `REDIS_URL`, or `REDIS_HOST` and its companions, make.
    private func redisURL(_ reader: inout SettingReader) -> (variable: String, url: String)? {
        if let url = set("REDIS_URL") { return ("REDIS_URL", url) }
        // REDIS_PORT alone is what Kubernetes and Docker set for a service named redis; nobody chose a broker by it.
        guard let host = set("REDIS_HOST") else { return nil }
        if host.firstRange(of: "://") != nil { return ("REDIS_HOST", host) }
        var port = set("REDIS_PORT") ?? "6379"
        if port.hasPrefix("tcp://"), let colon = port.lastIndex(of: ":") {
            port = String(port[port.index(after: colon)...])
        }
        guard let number = UInt16(port), number > 0 else {
            let place = SourcePlace.environment(name: "REDIS_PORT")
            reader.add(.error, at: place, "expected a port from 1 to 65535")
            return nil
        }
        let database = set("REDIS_DB") ?? "0"
        guard let index = UInt32(database) else {
            reader.add(.error, at: .environment(name: "REDIS_DB"), "expected the number of a database")
            return nil
        }
        let name = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        return ("REDIS_HOST", "redis://\(credentials)\(name):\(number)/\(index)")
    }

    private var credentials: String {
        let user = set("REDIS_USERNAME").map(Self.escaped) ?? ""
        guard let password = set("REDIS_PASSWORD") else { return user.isEmpty ? "" : user + "@" }
        return "\(user):\(Self.escaped(password))@"
    }

    /// Percent-encoded, so that any password fits into a URL.
    private static func escaped(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return out
    }

    private func readCeleryVariables(into configuration: inout CeleriacConfiguration, _ reader: inout SettingReader) {
        for (variable, key) in EnvironmentNames.settings {
            guard let value = set(variable) else { continue }
            reader.source = .environment(variable)
            let node = YAMLNode(.scalar(YAMLScalar(value, style: .doubleQuoted)), position: Self.nowhere)
            apply(key, node, to: &configuration, &reader)
        }
        for (variable, key) in EnvironmentNames.switches {
            guard let value = set(variable) else { continue }
            reader.source = .environment(variable)
            apply(key, YAMLNode(.scalar(YAMLScalar(value)), position: Self.nowhere), to: &configuration, &reader)
        }
        for name in environment.keys.sorted() where name.hasPrefix("CELERY_") && !EnvironmentNames.isKnown(name) {
            let setting = name.dropFirst(7).lowercased()
            let place = SourcePlace.environment(name: name)
            if KnownSettings.names.contains(setting) {
                let message =
                    "is not read from the environment; write \(setting) into tasks.yaml or on the command line"
                reader.add(.warning, at: place, message)
            } else {
                reader.add(
                    .warning,
                    at: place,
                    "unknown, has no effect",
                    suggestion: NearestName.find(name, in: EnvironmentNames.all)
                )
            }
        }
    }

    /// The value of a variable that is set and not empty.
    private func set(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

    // MARK: The command line

    private func readOverrides(into configuration: inout CeleriacConfiguration, _ reader: inout SettingReader) {
        // The broker's URL resets the read and write URLs, so it has to come before them.
        let ordered = overrides.filter { $0.key == "broker_url" } + overrides.filter { $0.key != "broker_url" }
        for override in ordered {
            reader.source = .commandLine(override.option)
            guard let node = typed(override.value, &reader) else { continue }
            let parts = override.key.split(separator: ".", maxSplits: 1).map(String.init)
            if parts.count == 2, parts[0].hasSuffix("_transport_options") {
                let entry = YAMLEntry(key: parts[1], keyStyle: .plain, keyPosition: Self.nowhere, value: node)
                apply(parts[0], YAMLNode(.mapping([entry]), position: Self.nowhere), to: &configuration, &reader)
            } else {
                apply(override.key, node, to: &configuration, &reader)
            }
        }
    }

    /// A value as typed: a scalar, or a list or block in YAML's one-line form.
    private func typed(_ text: String, _ reader: inout SettingReader) -> YAMLNode? {
        guard text.hasPrefix("[") || text.hasPrefix("{") else {
            return YAMLNode(.scalar(YAMLScalar(text)), position: Self.nowhere)
        }
        do {
            return try YAMLReader.node(text, limits: Self.limits)
        } catch {
            reader.add(.error, at: reader.place(error.position), error.message)
            return nil
        }
    }

    private func apply(
        _ key: String,
        _ node: YAMLNode,
        to configuration: inout CeleriacConfiguration,
        _ reader: inout SettingReader
    ) {
        if key == "broker_url" {
            configuration.broker.readURLs = []
            configuration.broker.writeURLs = []
        }
        let entry = YAMLEntry(key: key, keyStyle: .plain, keyPosition: Self.nowhere, value: node)
        apply([entry], to: &configuration, &reader)
    }

    private static let nowhere = YAMLPosition(line: 1, column: 1)
}

/// What reading a configuration gave.
public struct LoadedConfiguration: Sendable {
    /// The configuration; `nil` when the report has errors.
    public let configuration: CeleriacConfiguration?
    /// Every problem found.
    public let report: ConfigurationReport
}
