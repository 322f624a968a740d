package import Alerts
import CeleryMessage

/// Tells a webhook in Slack's form.
package struct SlackHook: AlertHook, CustomStringConvertible {
    package let name = "slack"
    package let wants = AlertHookWants.groups
    private let url: String
    private let home: String?
    private let client = HookClient()

    /// A webhook.
    ///
    /// - Parameter home: the dashboard's address, for links.
    package init(url: String, home: String?) {
        self.url = url
        self.home = home
    }

    package func tell(_ alert: Alert) async throws(AlertHookError) -> String {
        try await client.post(
            url,
            headers: [("Content-Type", "application/json; charset=utf-8")],
            body: JSONWriter.bytes(SlackMessage.json(alert, home: home))
        )
    }

    /// The name: the address is a secret.
    package var description: String { name }

    package func shutdown() async { await client.shutdown() }
}
