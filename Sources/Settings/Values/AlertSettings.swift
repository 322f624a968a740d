/// Who is told of tasks that failed for good: the block `alerts`.
public struct AlertSettings: Sendable, Hashable {
    /// `group_for`: for how long further failures of a kind that was told are gathered; default a minute.
    public var groupFor: Duration = .seconds(60)
    /// `at_most_per_hour`: the most alerts of a hook in an hour, beyond which there is one summary; default 20.
    public var mostPerHour = 20
    /// `link`: where people reach the gateway, for links in alerts; default no links.
    public var link: String?
    /// `slack`; default nobody is told there.
    public var slack: SlackAlertSettings?
    /// `mail`; default nobody is told by mail.
    public var mail: MailAlertSettings?
    /// `sentry`; default it is not told.
    public var sentry: SentryAlertSettings?

    /// Nobody is told.
    public init() {}
}

/// A webhook in Slack's form: the block `slack`.
public struct SlackAlertSettings: Sendable, Hashable {
    /// `webhook_url`: the address, which is a secret.
    public var webhookURL = Secret("")

    /// No address yet.
    public init() {}
}

/// Mails about failures: the block `mail`.
public struct MailAlertSettings: Sendable, Hashable {
    /// `to`: addresses.
    public var to: [String] = []
    /// `from`: an address.
    public var from = ""
    /// `smtp`: the server.
    public var server = AlertMailServerSettings()

    /// Nobody yet.
    public init() {}
}

/// The server that mails about failures go to: the block `smtp`, with the keys that mail handlers have too.
public struct AlertMailServerSettings: Sendable, Hashable {
    /// How the connection is protected.
    public enum Security: String, Sendable, Hashable, CaseIterable {
        /// From STARTTLS on.
        case startTLS = "starttls"
        /// From the first byte.
        case tls
        /// Not at all.
        case none
    }

    /// `host`.
    public var host = ""
    /// `port`; default 587 for starttls, 465 for tls, 25 for none.
    public var port: Int?
    /// `security`; default starttls.
    public var security = Security.startTLS
    /// `username`; default no login.
    public var username: String?
    /// `password`.
    public var password: Secret?
    /// `ca_file`: a PEM file of authorities, absolute; default the system's.
    public var authorityFile: String?
    /// `timeout`: how long to wait for an answer; default 30 seconds.
    public var timeout: Duration = .seconds(30)

    /// No server yet.
    public init() {}
}

/// Sentry, or what speaks like it: the block `sentry`.
public struct SentryAlertSettings: Sendable, Hashable {
    /// `dsn`: the address with its key, which is a secret.
    public var dsn = Secret("")
    /// `environment`: what Sentry shows as that; default none.
    public var environment: String?
    /// `release`: what Sentry shows as that; default none.
    public var release: String?

    /// No address yet.
    public init() {}
}
