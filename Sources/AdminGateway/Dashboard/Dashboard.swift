package import CeleryMessage
package import Inspection

/// What the dashboard shows and changes.
package struct Dashboard: Sendable {
    private let administration: Administration
    private let history: any HistoryReading
    private let now: @Sendable () -> Instant
    private var activity: Activity

    /// A dashboard of one deployment.
    ///
    /// - Parameter now: the wall clock.
    package init(
        administration: Administration,
        history: any HistoryReading,
        now: @escaping @Sendable () -> Instant = { .now() }
    ) {
        self.administration = administration
        self.history = history
        self.now = now
        activity = Activity(now: now)
    }

    /// How often the counters of finished tasks are looked at, so that the last hour is known when somebody asks.
    static let lookEvery = Duration.seconds(10)

    /// Looks at the counters of finished tasks.
    func look() async throws { try await activity.look(at: history) }

    /// The same dashboard with what an earlier one knows of the last hour.
    func continuing(_ earlier: Dashboard) -> Dashboard {
        var later = self
        later.activity = earlier.activity
        return later
    }

    func routes(
        _ configuration: GatewayConfiguration,
        _ inspector: TaskInspector,
        _ feed: any ResultFeed,
        _ door: Doorkeeper,
        _ memory: GatewayMemory,
        _ downloads: Downloads?
    ) -> DashboardRoutes {
        DashboardRoutes(
            configuration: configuration,
            administration: administration,
            history: history,
            inspector: inspector,
            feed: feed,
            activity: activity,
            door: door,
            sessions: Sessions(
                seal: SessionSeal(secret: configuration.sessionKey, ownKey: memory.sessionKey),
                ended: memory.endedSessions
            ),
            memory: memory,
            downloads: downloads,
            now: now
        )
    }
}
