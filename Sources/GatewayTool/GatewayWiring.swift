import AdminGateway
import Exposition
import Inspection
import Settings

/// Turns the block `gateway` into the gateway's own configuration.
enum GatewayWiring {
    ///
    /// - Throws: when a file of keys cannot be read.
    static func configuration(_ settings: GatewaySettings, baseFolder: String) throws -> GatewayConfiguration {
        var gateway = GatewayConfiguration()
        gateway.basePath = settings.basePath
        gateway.locale = settings.locale == .turkish ? .turkish : .english
        gateway.statusAccess = settings.statusAccess == .token ? .token : .everyone
        gateway.metricsAccess = settings.metricsAccess == .token ? .token : .everyone
        gateway.metricsFamilies = settings.metricsFamilies.reduce(into: []) { families, family in
            switch family {
            case .queues: families.insert(.queues)
            case .exporter: families.insert(.exporter)
            case .flower: families.insert(.flower)
            }
        }
        gateway.pollingSeconds = max(1, Int(settings.pollingInterval.components.seconds))
        gateway.users = settings.users.map(user)
        gateway.sessionKey = settings.sessionKey?.text
        gateway.downloads = try settings.downloads.map { try downloads($0, baseFolder) }
        gateway.starts = settings.startRoutes.map(start)
        gateway.uniqueFor = settings.uniqueFor
        gateway.origins = settings.origins
        gateway.limits = limits(settings)
        gateway.isEncrypted = settings.tls != nil
        return gateway
    }

    private static func downloads(_ settings: DownloadSettings, _ baseFolder: String) throws -> DownloadConfiguration {
        var downloads = DownloadConfiguration(folders: settings.folders, baseFolder: baseFolder)
        downloads.linkLifetime = settings.linkLifetime
        downloads.signingKeys = try settings.signingKeyFile.map(SigningKeyFile.keys) ?? settings.signingKeys.map(\.text)
        downloads.access = settings.access == .token ? .token : .everyone
        downloads.simultaneous = settings.simultaneous
        return downloads
    }

    private static func start(_ settings: StartRouteSettings) -> StartRoute {
        var route = StartRoute(path: settings.path, task: settings.task)
        route.queue = settings.queue
        route.arguments = settings.arguments
        route.access = settings.access == .token ? .token : .everyone
        return route
    }

    /// The tasks and queues of the file.
    static func catalog(_ configuration: CeleriacConfiguration) -> TaskCatalog {
        TaskCatalog(
            queueOfTask: Dictionary(
                configuration.tasks.map { ($0.name, configuration.queueName(forTask: $0.name)) },
                uniquingKeysWith: { first, _ in first }
            ),
            queues: Set(configuration.queues.map(\.name)),
            allowsOthers: configuration.gateway.anyTask,
            defaultQueue: configuration.defaultQueue
        )
    }

    private static func user(_ settings: GatewayUserSettings) -> GatewayUser {
        let role = GatewayUser.Role(rawValue: settings.role.rawValue) ?? .viewer
        guard let digest = settings.tokenDigest else {
            return GatewayUser(name: settings.name, role: role, token: settings.token.text)
        }
        return GatewayUser(name: settings.name, role: role, tokenDigest: bytes(digest))
    }

    /// Hexadecimal digits that were checked when they were read.
    private static func bytes(_ digits: String) -> [UInt8] {
        let values = digits.compactMap(\.hexDigitValue)
        return stride(from: 0, to: values.count - 1, by: 2).map { UInt8(values[$0] * 16 + values[$0 + 1]) }
    }

    private static func limits(_ settings: GatewaySettings) -> GatewayLimits {
        var limits = GatewayLimits()
        limits.bodyBytes = settings.bodyBytes
        limits.headerBytes = settings.headerBytes
        limits.connections = settings.connections
        limits.idleTime = settings.idleTimeout
        limits.wait = settings.longestWait
        limits.followers = settings.followers
        limits.bulkItems = settings.bulkItems
        limits.tasksPerMinute = settings.tasksPerMinute
        limits.failedTokensPerMinute = settings.failedTokensPerMinute
        return limits
    }
}
