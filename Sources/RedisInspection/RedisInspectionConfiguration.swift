package import RedisTransport
package import Transport

/// How a deployment on Redis is looked into.
package struct RedisInspectionConfiguration: Sendable {
    /// The servers and the names of keys.
    package var transport: RedisTransportConfiguration
    /// The queues in which tasks are looked for.
    package var queues: [String]
    /// The plans of tenants by which sending is bounded; `nil` bounds nothing.
    package var tenants: TenantPlans?
    /// How long an answer of Redis may take.
    package var timeout: Duration = .seconds(2)
    /// The least time between two looks into all queues.
    package var lookPause: Duration = .milliseconds(200)
    /// For how long a look into the queues serves those who do not ask for a thorough one.
    package var lookLifetime: Duration = .seconds(1)
    /// How often those who follow a task look without being told.
    package var followerInterval: Duration = .seconds(5)

    /// Defaults for everything but servers, keys and queues.
    package init(transport: RedisTransportConfiguration, queues: [String]) {
        self.transport = transport
        self.queues = queues
    }
}
