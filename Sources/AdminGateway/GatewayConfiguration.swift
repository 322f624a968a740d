package import Exposition

/// How the gateway answers; whoever reads a file fills it.
package struct GatewayConfiguration: Sendable {
    /// Who may ask for something.
    package enum Access: String, Sendable, Hashable, CaseIterable {
        /// Everybody who can reach the port.
        case everyone = "public"
        /// Those with a token.
        case token
    }

    /// What stands before every path, `/jobs` for example; empty for nothing.
    package var basePath = ""
    /// The language of a status' texts where the client asks for none.
    package var locale = StatusLocale.turkish
    /// Who may see a task's status; its id is what protects it otherwise.
    package var statusAccess = Access.everyone
    /// Who may see the metrics.
    package var metricsAccess = Access.token
    /// Whose names the metrics are told by.
    package var metricsFamilies = MetricsFamilies.usual
    /// How often clients should poll, in whole seconds.
    package var pollingSeconds = 1
    /// Who may ask for more.
    package var users: [GatewayUser] = []
    /// What the dashboard's sessions are signed with: gateways that share it know each other's; `nil` makes a key at each
    /// start, after which everybody logs in again.
    package var sessionKey: String?
    /// Addresses that start tasks.
    package var starts: [StartRoute] = []
    /// Which files of tasks' results can be downloaded; `nil` for none.
    package var downloads: DownloadConfiguration?
    /// For how long no second task of the same id is sent.
    package var uniqueFor: Duration = .seconds(86_400)
    /// The origins whose pages may ask, `https://app.example.com`; none by default.
    package var origins: [String] = []
    /// What clients may ask for and for how long.
    package var limits = GatewayLimits()
    /// Whether clients come over TLS.
    package var isEncrypted = false

    /// The defaults.
    package init() {}
}
