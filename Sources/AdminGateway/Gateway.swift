package import Alerts
package import CeleryMessage
import HTTPTypes
package import Hummingbird
package import Inspection

/// The routes of the gateway over one deployment.
package struct Gateway: Sendable {
    private let configuration: GatewayConfiguration
    private let inspector: TaskInspector
    private let reading: any TaskReading & DeploymentReading
    private let feed: any ResultFeed
    private let enqueuer: TaskEnqueuer
    private let runner: (any TaskRunning)?
    private let dashboard: Dashboard?
    private let administration: Administration
    private let history: (any HistoryReading)?
    private let downloads: Downloads?
    private let alerts: AlertCounter?

    /// A gateway that reads what `inspector`, `reading` and `history` find, sends with `enqueuer` and changes by
    /// `administration`.
    ///
    /// - Parameters:
    ///   - runner: runs tasks that allow it where no queue can be reached.
    ///   - now: the wall clock, for links to files.
    package init(
        configuration: GatewayConfiguration,
        inspector: TaskInspector,
        reading: any TaskReading & DeploymentReading,
        feed: any ResultFeed,
        enqueuer: TaskEnqueuer,
        runner: (any TaskRunning)? = nil,
        administration: Administration,
        history: (any HistoryReading)? = nil,
        dashboard: Dashboard? = nil,
        alerts: AlertCounter? = nil,
        now: @escaping @Sendable () -> Instant = { .now() }
    ) {
        self.configuration = configuration
        self.inspector = inspector
        self.reading = reading
        self.feed = feed
        self.enqueuer = enqueuer
        self.runner = runner
        self.dashboard = dashboard
        self.administration = administration
        self.history = history
        downloads = configuration.downloads.map { Downloads($0, basePath: configuration.basePath, now: now) }
        self.alerts = alerts
    }

    /// Everything that is served.
    package func router() -> Router<GatewayContext> {
        let router = Router(context: GatewayContext.self, options: .autoGenerateHeadEndpoints)
        let methods = FilledLater<MethodTable>()
        let requests = RequestMetrics()
        let followers = FollowerCount(most: configuration.limits.followers)
        router.add(
            middleware: AnswerEverything(
                isEncrypted: configuration.isEncrypted,
                methods: methods,
                requests: requests
            )
        )
        if !configuration.origins.isEmpty { router.add(middleware: CrossOrigin(origins: configuration.origins)) }
        HealthRoutes(reading: reading).add(to: router)
        let routes = router.group(RouterPath(configuration.basePath))
        let door = Doorkeeper(
            users: configuration.users,
            failuresPerMinute: configuration.limits.failedTokensPerMinute
        )
        StatusRoutes(
            inspector: inspector,
            feed: feed,
            configuration: configuration,
            followers: followers,
            downloads: downloads
        ).add(to: guarded(routes, configuration.statusAccess, .viewer, door))
        MetricsRoutes(deployment: metrics, requests: requests, followers: followers, alerts: alerts)
            .add(to: guarded(routes, configuration.metricsAccess, .viewer, door))
        addEnqueueing(to: routes, door)
        addDownloads(to: routes, door)
        if let dashboard {
            dashboard.routes(configuration, inspector, feed, door, followers, downloads).add(to: routes.group())
        }
        AdministrationRoutes(administration: administration, history: history, configuration: configuration)
            .add { guarded(routes, .token, $0, door) }
        OpenAPIDocument(configuration: configuration, catalog: enqueuer.catalog).add(to: routes)
        methods.fill(MethodTable(router))
        return router
    }

    /// Keeps what the dashboard says of the last hour up to date, until its task is cancelled.
    func keepWatch() async {
        guard let dashboard else { return }
        while (try? await Task.sleep(for: Dashboard.lookEvery)) != nil {  // throws when it is cancelled
            // Without Redis there is nothing to count; the next look counts what this one missed.
            try? await dashboard.look()
        }
    }

    private var metrics: DeploymentMetrics {
        DeploymentMetrics(
            reading: reading,
            queues: administration.queues,
            workers: administration.workers,
            history: history,
            families: configuration.metricsFamilies
        )
    }

    private func addEnqueueing(to routes: RouterGroup<GatewayContext>, _ door: Doorkeeper) {
        let enqueueing = EnqueueRoutes(enqueuer: enqueuer, runner: runner, configuration: configuration)
        enqueueing.add(to: guarded(routes, .token, .operator, door))
        for start in configuration.starts {
            enqueueing.add(start, to: guarded(routes, start.access, .operator, door))
        }
    }

    private func addDownloads(to routes: RouterGroup<GatewayContext>, _ door: Doorkeeper) {
        guard let downloads else { return }
        let downloading = DownloadRoutes(
            downloads: downloads,
            inspector: inspector,
            auditor: Auditor(trail: administration.audit),
            limits: configuration.limits
        )
        downloading.addFiles(to: guarded(routes, downloads.configuration.access, .viewer, door))
        downloading.addLinks(to: guarded(routes, .token, .operator, door))
    }

    private func guarded(
        _ routes: RouterGroup<GatewayContext>,
        _ access: GatewayConfiguration.Access,
        _ role: GatewayUser.Role,
        _ door: Doorkeeper
    ) -> RouterGroup<GatewayContext> {
        guard access == .token else { return routes }
        return routes.group().add(middleware: RequireRole(doorkeeper: door, role: role))
    }
}
