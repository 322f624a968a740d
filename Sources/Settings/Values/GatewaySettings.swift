/// How `celeriac-gateway` serves: the block `gateway`.
public struct GatewaySettings: Sendable, Hashable {
    /// Who may ask for something.
    public enum Access: String, Sendable, Hashable, CaseIterable {
        /// Everybody who can reach the port.
        case everyone = "public"
        /// Those with a token.
        case token
    }

    /// Whose names metrics are told by.
    public enum MetricsFamily: String, Sendable, Hashable, CaseIterable {
        /// By queue, as back ends with BullMQ have them.
        case queues
        /// celery-exporter's.
        case exporter
        /// Flower's.
        case flower
    }

    /// A language.
    public enum Locale: String, Sendable, Hashable, CaseIterable {
        /// Turkish.
        case turkish = "tr"
        /// English.
        case english = "en"
    }

    /// `host`: the address to listen on; default the loopback.
    public var host = "127.0.0.1"
    /// `port`: where to listen, 0 for any free port; default 5000.
    public var port = 5000
    /// `unix_socket`: a socket to listen on instead, absolute.
    public var unixSocket: String?
    /// `base_path`: what stands before every path but those of health; default nothing.
    public var basePath = ""
    /// `locale`: the language of a status' texts; default Turkish.
    public var locale = Locale.turkish
    /// `status_access`: who may see a task's status; default everybody.
    public var statusAccess = Access.everyone
    /// `metrics_access`: who may see the metrics; default those with a token.
    public var metricsAccess = Access.token
    /// `metrics_families`: whose names metrics are told by; default `queues` and `exporter`.
    public var metricsFamilies: [MetricsFamily] = [.queues, .exporter]
    /// `polling_interval`: the `Retry-After` of a status; default one second.
    public var pollingInterval: Duration = .seconds(1)
    /// `users`, in the order of the file.
    public var users: [GatewayUserSettings] = []
    /// `start_routes`: addresses that start tasks, in the order of the file.
    public var startRoutes: [StartRouteSettings] = []
    /// `session_key`: what the dashboard's sessions are signed with; default a key of each start's own.
    public var sessionKey: Secret?
    /// `downloads`: which files of results can be downloaded; default none.
    public var downloads: DownloadSettings?
    /// `sync`: how tasks with `sync_fallback` run where no queue can be reached.
    public var sync = SyncSettings()
    /// `any_task`: whether tasks and queues may be sent to that are not in the file; default false.
    public var anyTask = false
    /// `tasks_per_minute`: how many tasks a user may send; default 600.
    public var tasksPerMinute = 600
    /// `max_bulk_items`: how many tasks a request may send at once; default 1000.
    public var bulkItems = 1000
    /// `max_queue_depth`: with as many waiting messages a queue takes no more from here; default 100,000.
    public var queueDepth: Int? = 100_000
    /// `unique_for`: for how long no second task of the same id is sent; default a day.
    public var uniqueFor: Duration = .seconds(86_400)
    /// `cors_origins`: whose pages may ask; default none.
    public var origins: [String] = []
    /// `tls`: the certificate to serve HTTPS with; default plain HTTP.
    public var tls: GatewayTLSSettings?
    /// `max_body_bytes`: the largest body; default 1 MiB.
    public var bodyBytes = 1 << 20
    /// `max_header_bytes`: the largest head of a request; default 16 KiB.
    public var headerBytes = 16 << 10
    /// `max_connections`; default 10,000.
    public var connections = 10_000
    /// `idle_timeout`: how long a request may take to arrive and a connection may stay unused; default 30 seconds.
    public var idleTimeout: Duration = .seconds(30)
    /// `max_wait`: the longest long poll; default 60 seconds.
    public var longestWait: Duration = .seconds(60)
    /// `max_followers`: how many may wait or follow events at once; default 5000.
    public var followers = 5000
    /// `failed_tokens_per_minute`: how many wrong tokens an address may send; default 20.
    public var failedTokensPerMinute = 20
    /// `shutdown_timeout`: how long requests may still take at the end; default 10 seconds.
    public var shutdownTimeout: Duration = .seconds(10)

    /// The defaults.
    public init() {}
}

/// An address that starts a task: a block under `start_routes`.
public struct StartRouteSettings: Sendable, Hashable {
    /// The address: the block's key.
    public var path: String
    /// `task`: the name of the task.
    public var task = ""
    /// `queue`; default the task's own.
    public var queue: String?
    /// `arguments`: the keyword arguments it takes, each of them needed; default any.
    public var arguments: [String]?
    /// `access`: who may use it; default those with a token.
    public var access = GatewaySettings.Access.token

    /// An address without a task yet.
    public init(path: String) { self.path = path }
}

/// A user of the gateway: a block under `users`.
public struct GatewayUserSettings: Sendable, Hashable {
    /// What a user may do.
    public enum Role: String, Sendable, Hashable, CaseIterable {
        /// See.
        case viewer
        /// Send tasks and change single ones.
        case `operator`
        /// Change queues and workers.
        case admin
    }

    /// The name: the block's key.
    public var name: String
    /// `role`; default viewer.
    public var role = Role.viewer
    /// `token`: what the user sends as `Authorization: Bearer …`.
    public var token = Secret("")
    /// `token_sha256`: the token's SHA-256 instead of the token, 64 hexadecimal digits in lower case.
    public var tokenDigest: String?

    /// A user without a token yet.
    public init(name: String) { self.name = name }
}

/// The certificate the gateway serves with: the block `tls`.
public struct GatewayTLSSettings: Sendable, Hashable {
    /// `certificate`: a PEM file of the certificate and those that lead to its authority, absolute.
    public var certificateFile = ""
    /// `key`: a PEM file of its private key, absolute.
    public var keyFile = ""

    /// No files yet.
    public init() {}
}

/// A text that no description shows.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// The text.
    public let text: String

    /// Hides a text.
    public init(_ text: String) { self.text = text }

    /// Two stars.
    public var description: String { "**" }
    /// A mirror without the text.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
