import HTTPTypes
package import Hummingbird
package import Inspection

/// The routes of the gateway over one deployment.
package struct Gateway: Sendable {
    private let configuration: GatewayConfiguration
    private let inspector: TaskInspector
    private let reading: any TaskReading
    private let feed: any ResultFeed

    /// A gateway that reads what `inspector` and `reading` find.
    package init(
        configuration: GatewayConfiguration,
        inspector: TaskInspector,
        reading: any TaskReading,
        feed: any ResultFeed
    ) {
        self.configuration = configuration
        self.inspector = inspector
        self.reading = reading
        self.feed = feed
    }

    /// Everything that is served.
    package func router() -> Router<GatewayContext> {
        let router = Router(context: GatewayContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: AnswerEverything(isEncrypted: configuration.isEncrypted))
        if !configuration.origins.isEmpty { router.add(middleware: CrossOrigin(origins: configuration.origins)) }
        HealthRoutes(reading: reading).add(to: router)
        let routes = router.group(RouterPath(configuration.basePath))
        StatusRoutes(
            inspector: inspector,
            feed: feed,
            configuration: configuration,
            followers: FollowerCount(most: configuration.limits.followers)
        ).add(to: guarded(routes, configuration.statusAccess))
        return router
    }

    private func guarded(
        _ routes: RouterGroup<GatewayContext>,
        _ access: GatewayConfiguration.Access
    ) -> RouterGroup<GatewayContext> {
        guard access == .token else { return routes }
        let doorkeeper = Doorkeeper(
            users: configuration.users,
            failuresPerMinute: configuration.limits.failedTokensPerMinute
        )
        return routes.group().add(middleware: RequireRole(doorkeeper: doorkeeper, role: .viewer))
    }
}
