package import Inspection
import RedisClient
import RedisTransport
package import Transport

/// The plans of tenants on Redis: counts what workers let start, and keeps what was set at run time.
package struct RedisTenantAdministration: TenantAdministration {
    /// The most tenants that are listed.
    private static let most = 20_000

    let inspector: RedisInspector
    let settings: TenantPlans

    private var transport: RedisTransportConfiguration { inspector.configuration.transport }
    private var redis: RedisTenants { RedisTenants(transport) }

    /// Those of a deployment whose workers have these plans.
    package init(inspector: RedisInspector, plans: TenantPlans) {
        self.inspector = inspector
        settings = plans
    }

    package var plans: [TenantPlanFacts] { settings.plans.keys.sorted().map(facts) }

    private func facts(_ name: String) -> TenantPlanFacts {
        let plan = settings.plan(named: name)
        return TenantPlanFacts(name: name, concurrency: plan.concurrency, perMinute: plan.perMinute)
    }

    package func tenants(_ range: Range<Int>) async throws -> TenantPage {
        let keys = transport.keys
        let replies = try await inspector.send(
            [
                RedisCommand("HSCAN", keys.tenants, "0", "COUNT", Self.most),
                RedisCommand("ZRANGE", keys.tenantsSeen, "0", String(Self.most)),
            ],
            to: inspector.broker
        )
        var names = Set(settings.members.keys)
        let given = replies[0].array?.last?.array?.compactMap(\.text) ?? []
        for place in stride(from: 0, to: given.count, by: 2) { names.insert(given[place]) }
        names.formUnion(replies[1].array?.compactMap(\.text) ?? [])
        let all = names.sorted()
        let wanted = Array(all[range.clamped(to: 0..<all.count)])
        return TenantPage(tenants: try await usage(of: wanted), total: all.count)
    }

    package func tenant(_ name: String) async throws -> TenantUsage {
        guard let usage = try await usage(of: [name]).first else {
            throw InspectionError(.undecodable, "the tenant_usage script answered something unexpected")
        }
        return usage
    }

    package func usage(of tenants: [String]) async throws -> [TenantUsage] {
        guard !tenants.isEmpty else { return [] }
        let call = redis.usage(of: tenants)
        let reply = try await inspector.translating { () async throws(RedisError) in
            try await inspector.broker.run(
                call.script,
                keys: call.keys,
                arguments: call.arguments,
                timeout: inspector.configuration.timeout
            ).get()
        }
        return zip(tenants, RedisTenants.usage(reply)).map { name, counts in
            let plan = facts(settings.name(of: name, assigned: counts.assigned))
            var usage = TenantUsage(tenant: name, plan: plan, isAssigned: counts.assigned != nil)
            usage.running = counts.running
            usage.waiting = counts.waiting
            if plan.perMinute != nil {
                usage.startedLastMinute = counts.started
                usage.sentLastMinute = counts.sent
            }
            return usage
        }
    }

    package func assign(_ plan: String, to tenant: String) async throws -> String {
        let name = RedisTenants.name(tenant)
        let replies = try await change(
            [
                RedisCommand("HGET", transport.keys.tenants, name),
                RedisCommand("HSET", transport.keys.tenants, name, plan),
            ],
            name
        )
        return settings.name(of: tenant, assigned: replies[0].text)
    }

    package func unassign(_ tenant: String) async throws -> Bool {
        let name = RedisTenants.name(tenant)
        return try await change([RedisCommand("HDEL", transport.keys.tenants, name)], name)[0].int == 1
    }

    /// Changes a tenant's plan, and has workers look at once whether there is more room now.
    private func change(_ commands: [RedisCommand], _ tenant: String) async throws -> [RedisReply] {
        let look = RedisCommand("ZADD", transport.keys.tenantsWaiting, "XX", "0", tenant)
        let replies = try await inspector.send(commands + [look], to: inspector.broker)
        if let error = replies.lazy.compactMap(\.error).first { throw InspectionError(error) }
        return replies
    }
}
