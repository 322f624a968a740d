package import Alerts
import CeleryMessage

/// Tells Sentry, or what speaks like it, of each task that failed for good.
package struct SentryHook: AlertHook, CustomStringConvertible {
    package let name = "sentry"
    package let wants = AlertHookWants.each
    private let dsn: SentryDSN
    private let environment: String?
    private let release: String?
    private let home: String?
    private let client = HookClient()

    /// A project of Sentry.
    ///
    /// - Parameter home: the dashboard's address, for links.
    package init(dsn: SentryDSN, environment: String?, release: String?, home: String?) {
        self.dsn = dsn
        self.environment = environment
        self.release = release
        self.home = home
    }

    package func tell(_ alert: Alert) async throws(AlertHookError) -> String {
        let event = SentryEvent.json(alert, environment: environment, release: release, home: home)
        let key = "Sentry sentry_version=7, sentry_client=celeriac/1, sentry_key=\(dsn.key)"
        return try await client.post(
            dsn.endpoint,
            headers: [("Content-Type", "application/x-sentry-envelope"), ("X-Sentry-Auth", key)],
            body: SentryEvent.envelope(event)
        )
    }

    /// The name: the address is a secret.
    package var description: String { name }

    package func shutdown() async { await client.shutdown() }
}
