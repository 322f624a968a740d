package import Alerts
package import CeleryMessage
import HTTPTypes
package import Hummingbird
package import Inspection

/// The routes of the gateway over one deployment.
package struct Gateway: Sendable {
    private var configuration: GatewayConfiguration
    private let inspector: TaskInspector
    private let reading: any TaskReading & DeploymentReading
    private let feed: any ResultFeed
    private let enqueuer: TaskEnqueuer
    private let runner: (any TaskRunning)?
    private var dashboard: Dashboard?
    private let administration: Administration
    private let history: (any HistoryReading)?
    private let alerts: AlertCounter?
    private let now: @Sendable () -> Instant
    private var memory = GatewayMemory()

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
        self.alerts = alerts
        self.now = now
    }

    /// What clients may ask for.
    var limits: GatewayLimits { configuration.limits }

    /// The same gateway with what an earlier one remembers.
    func continuing(_ earlier: Gateway) -> Gateway {
        var later = self
        later.memory = earlier.memory
        later.dashboard = earlier.dashboard.flatMap { dashboard?.continuing($0) } ?? dashboard
        return later
    }

    /// Has those who follow something go who may not any more.
    func admitOwnUsers() { memory.admit(configuration.users, status: configuration.statusAccess) }

    /// The addresses that are configured to start tasks where the gateway itself takes a `POST`.
    package var takenStarts: [String] {
        guard !configuration.starts.isEmpty else { return [] }
        var bare = self
        bare.configuration.starts = []
        let methods = MethodTable(bare.router())
        return configuration.starts.map(\.path).filter {
            methods.has(.post, exactly: configuration.basePath + $0)
        }
    }

    /// Everything that is served.
    package func router() -> Router<GatewayContext> {
        let router = Router(context: GatewayContext.self, options: .autoGenerateHeadEndpoints)
        let methods = FilledLater<MethodTable>()
        let missing = FilledLater<MissingPage>()
        router.add(
            middleware: AnswerEverything(
                isEncrypted: configuration.isEncrypted,
                methods: methods,
                requests: memory.requests,
                missing: missing
            )
        )
        if !configuration.origins.isEmpty { router.add(middleware: CrossOrigin(origins: configuration.origins)) }
        HealthRoutes(reading: reading, hasStarted: memory.hasStarted).add(to: router)
        let routes = router.group(RouterPath(configuration.basePath))
        let door = Doorkeeper(
            users: configuration.users,
            failures: memory.failures,
            perMinute: configuration.limits.failedTokensPerMinute
        )
        let downloads = configuration.downloads.map {
            Downloads($0, basePath: configuration.basePath, ownKey: memory.linkKey, now: now)
        }
        StatusRoutes(
            inspector: inspector,
            feed: feed,
            configuration: configuration,
            memory: memory,
            downloads: downloads
        ).add(to: guarded(routes, configuration.statusAccess, .viewer, door))
        MetricsRoutes(deployment: metrics, memory: memory, alerts: alerts)
            .add(to: guarded(routes, configuration.metricsAccess, .viewer, door))
        addEnqueueing(to: routes, door)
        if let downloads { add(downloads, to: routes, door) }
        if let dashboard {
            let pages = dashboard.routes(configuration, inspector, feed, door, memory, downloads)
            pages.add(to: routes.group())
            missing.fill(MissingPage(pages: pages))
        }
        AdministrationRoutes(administration: administration, history: history, configuration: configuration)
            .add { guarded(routes, .token, $0, door) }
        OpenAPIDocument(configuration: configuration, catalog: enqueuer.catalog).add(to: routes)
        methods.fill(MethodTable(router))
        return router
    }

    /// Brings what the dashboard says of the last hour up to date.
    func look() async {
        // Without Redis there is nothing to count; the next look counts what this one missed.
        try? await dashboard?.look()
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
        let enqueueing = EnqueueRoutes(
            enqueuer: enqueuer,
            runner: runner,
            configuration: configuration,
            flood: memory.flood
        )
        let results = FlowerResultRoutes(
            inspector: inspector,
            waiting: ResultWait(feed: feed, followers: memory.followers, most: configuration.limits.followers),
            queues: administration.queues,
            auditor: Auditor(trail: administration.audit),
            body: enqueueing.body,
            longest: configuration.limits.wait
        )
        let operators = guarded(routes, .token, .operator, door)
        enqueueing.add(to: operators)
        results.add(viewer: guarded(routes, .token, .viewer, door), operator: operators)
        FlowerSendingRoutes(enqueueing: enqueueing, results: results).add(to: operators)
        for start in configuration.starts {
            enqueueing.add(start, to: guarded(routes, start.access, .operator, door))
        }
    }

    private func add(_ downloads: Downloads, to routes: RouterGroup<GatewayContext>, _ door: Doorkeeper) {
        let downloading = DownloadRoutes(
            downloads: downloads,
            inspector: inspector,
            auditor: Auditor(trail: administration.audit),
            limits: configuration.limits,
            metrics: memory.downloads
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
