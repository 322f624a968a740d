import CeleriacTasks
import Glibc
import Logging
package import Settings

/// Reads the configuration that a command line names, or complains about all of its problems at once.
package struct ConfigurationSource {
    /// The file that `--config` names.
    var config: String?
    /// Whether warnings are kept back.
    var isQuiet = false
    /// What `-A` names, for the banner.
    var app: String?
    package var overrides: [ConfigurationLoader.Override] = []
    package var environment: [String: String]
    var workingFolder = Environment.workingFolder
    /// Whether the program's shipped configuration serves where the working folder has none.
    package var fallsBackToShipped = false
    /// Whether the handlers that the file names have to exist; a program that runs none need not have them.
    package var checksHandlers = true
    /// The program whose handlers are configured; kept here because a reload happens outside the command's task.
    let program = Program.current

    package init(
        global: CeleriacCommand,
        overrides: [ConfigurationLoader.Override] = [],
        environment: [String: String] = Environment.all
    ) {
        self.init(
            config: global.config,
            broker: global.broker,
            resultBackend: global.resultBackend,
            overrides: overrides,
            environment: environment
        )
        isQuiet = global.quiet
        app = global.app
    }

    /// What is read where these stand on the command line.
    package init(
        config: String?,
        broker: String?,
        resultBackend: String?,
        overrides: [ConfigurationLoader.Override] = [],
        environment: [String: String] = Environment.all
    ) {
        self.config = config
        if let broker { self.overrides.append(.init("broker_url", broker, option: "--broker")) }
        if let resultBackend {
            self.overrides.append(.init("result_backend", resultBackend, option: "--result-backend"))
        }
        self.overrides += overrides
        self.environment = environment
    }

    /// The configuration as it is, for what has to be known before it is loaded; `nil` where it has errors.
    package var preview: CeleriacConfiguration? { loader.load().configuration }

    /// The loaded configuration; warnings go to standard error, errors end the program with code 2.
    ///
    /// - Parameter depth: How closely the handlers' options are looked at.
    package func load(_ depth: HandlerCheck.Depth = .options) throws -> CeleriacConfiguration {
        let loaded = loader.load()
        var report = loaded.report
        if checksHandlers, let configuration = loaded.configuration {
            report.add(HandlerCheck.problems(of: configuration, registry: program.registry, depth))
        }
        let text = report.description
        guard let configuration = loaded.configuration, !report.hasErrors else {
            throw Complaint(text.hasSuffix("\n") ? String(text.dropLast()) : text, code: .usage)
        }
        if !isQuiet { for line in report.lines { Terminal.error(line) } }
        return configuration
    }

    private var file: ConfigurationLoader.File {
        if let named = config { return .named(named) }
        guard fallsBackToShipped, let shipped = program.shippedConfiguration,
            access(workingFolder + "/tasks.yaml", R_OK) != 0
        else { return .standard }
        return .text(shipped(), name: "the shipped tasks.yaml")
    }

    var loader: ConfigurationLoader {
        ConfigurationLoader(
            file: file,
            environment: environment,
            overrides: overrides,
            handlers: checksHandlers ? program.registry.names : nil,
            tasks: program.tasks,
            workingFolder: workingFolder
        )
    }
}

/// Looks at the options of every configured handler, so that wrong ones are found before anything starts.
package enum HandlerCheck {
    /// How closely they are looked at.
    package enum Depth {
        /// As each handler's own check does, in no time: for every start.
        case options
        /// By making each handler, which may read what a machine has, fonts for example.
        case making
    }

    static func problems(
        of configuration: CeleriacConfiguration,
        registry: HandlerRegistry,
        _ depth: Depth
    ) -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        var logger = Logger(label: "celeriac.check")
        logger.logLevel = .critical
        for task in configuration.tasks {
            guard let factory = registry[task.handler] else { continue }
            let setup = HandlerSetup(
                taskName: task.name,
                options: task.options,
                baseFolder: configuration.baseFolder,
                logger: logger
            )
            do {
                switch depth {
                case .options: try factory.check(setup)
                case .making: _ = try factory.make(setup)
                }
            } catch let error as HandlerOptionError {
                problems.append(configuration.problem(inOptionsOf: task.name, path: error.path, error.message))
            } catch {
                problems.append(configuration.problem(inOptionsOf: task.name, path: [], "\(error)"))
            }
        }
        return problems
    }
}
