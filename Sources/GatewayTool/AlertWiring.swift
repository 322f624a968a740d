import AlertHooks
import Alerts
import CeleryMessage
import Glibc
import Logging
import SMTP
import Settings
import WorkerCommandLine

/// Puts together who is told of tasks that failed for good.
struct AlertWiring: Sendable {
    let hooks: [any AlertHook]
    private let settings: AlertSettings
    private let basePath: String
    private let pacing: AlertPacing

    /// The hooks of the block `alerts`.
    ///
    /// - Throws: a complaint about an address that cannot be used.
    init(_ configuration: CeleriacConfiguration) throws {
        let settings = configuration.alerts
        let home = settings.link.map { $0 + configuration.gateway.basePath + "/admin/jobs" }
        var hooks: [any AlertHook] = []
        if let slack = settings.slack { hooks.append(SlackHook(url: slack.webhookURL.text, home: home)) }
        if let mail = settings.mail { hooks.append(try Self.mail(mail, home)) }
        if let sentry = settings.sentry { hooks.append(try Self.sentry(sentry, home)) }
        self.hooks = hooks
        self.settings = settings
        basePath = configuration.gateway.basePath
        var pacing = AlertPacing()
        pacing.groupFor = settings.groupFor
        pacing.mostPerHour = settings.mostPerHour
        self.pacing = pacing
    }

    /// Whether a configuration names the same hooks.
    func isSame(as configuration: CeleriacConfiguration) -> Bool {
        settings == configuration.alerts && basePath == configuration.gateway.basePath
    }

    /// What tells them; `nil` where nobody is to be told.
    func watch(_ ledger: some AlertLedger, _ counter: AlertCounter, _ logger: Logger) -> AlertWatch? {
        guard !hooks.isEmpty else { return nil }
        return AlertWatch(hooks: hooks, ledger: ledger, pacing: pacing, counter: counter, logger: logger)
    }

    /// Tells each hook something that has not happened, says what each answered, and whether all took it.
    func test() async -> Bool {
        guard !hooks.isEmpty else {
            Terminal.error("alerts: no hook is configured")
            return false
        }
        var isGood = true
        for hook in hooks {
            do {
                let answer = try await hook.tell(Alert(.test, AlertLetter(testAt: .now())))
                Terminal.out("\(hook.name): told, it answered: \(answer)\n")
            } catch {
                isGood = false
                Terminal.error("\(hook.name): not told: \(error)")
            }
            await hook.shutdown()
        }
        return isGood
    }

    private static func sentry(_ settings: SentryAlertSettings, _ home: String?) throws -> SentryHook {
        guard let dsn = SentryDSN(settings.dsn.text) else {
            throw Complaint(
                "alerts.sentry.dsn: expected an address such as https://key@sentry.example.com/1",
                code: .usage
            )
        }
        return SentryHook(dsn: dsn, environment: settings.environment, release: settings.release, home: home)
    }

    private static func mail(_ settings: MailAlertSettings, _ home: String?) throws -> MailHook {
        let from = try addresses("from", [settings.from])
        guard let sender = from.first, from.count == 1 else {
            throw Complaint("alerts.mail.from: expected one address", code: .usage)
        }
        return MailHook(
            server: try server(settings.server),
            from: sender,
            to: try addresses("to", settings.to),
            home: home
        )
    }

    private static func addresses(_ key: String, _ texts: [String]) throws -> [MailAddress] {
        do {
            return try texts.flatMap { text throws(MailFormatError) in try MailAddress.list(text) }
        } catch let error as MailFormatError {
            throw Complaint("alerts.mail.\(key): \(error)", code: .usage)
        }
    }

    private static func server(_ settings: AlertMailServerSettings) throws -> SMTPConfiguration {
        func wrong(_ key: String, _ message: String) -> Complaint {
            Complaint("alerts.mail.smtp.\(key): \(message)", code: .usage)
        }
        let security = MailSecurity(rawValue: settings.security.rawValue) ?? .startTLS
        var server = SMTPConfiguration(host: settings.host, port: settings.port, security: security)
        guard SMTPConfiguration.isHost(settings.host) else { throw wrong("host", "it is no host name or address") }
        if let user = settings.username, let password = settings.password?.text {
            guard security != .none || server.isLoopback else {
                throw wrong("username", "needs security starttls or tls: the password would travel in clear")
            }
            guard !user.utf8.contains(0), !password.utf8.contains(0) else { throw wrong("username", "it contains NUL") }
            server.credentials = SMTPCredentials(user: user, password: password)
        }
        if let file = settings.authorityFile, access(file, R_OK) != 0 {
            throw wrong("ca_file", "it cannot be read: \(file)")
        }
        server.authorityFile = settings.authorityFile
        server.timeout = settings.timeout
        server.maxConnections = 1
        return server
    }
}
