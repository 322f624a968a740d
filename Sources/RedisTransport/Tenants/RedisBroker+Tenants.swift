public import CeleryMessage
import RedisClient
public import Transport

extension RedisBroker: TenantLedger {
    private var tenants: RedisTenants { RedisTenants(configuration) }

    /// Lets messages start or parks them, by one script.
    public func admit(_ entries: [TenantEntry], plans: TenantPlans) async throws -> TenantAdmission {
        guard !entries.isEmpty else { return TenantAdmission(verdicts: [], nextLook: nil) }
        let call = tenants.admission(entries, plans)
        let reply = try await run(Scripts.admitTenants, keys: call.keys, arguments: call.arguments)
        return try RedisTenants.admission(reply, count: entries.count)
    }

    /// Puts back what has room, of these tenants and of those whose time has come.
    public func release(
        _ slots: [TenantSlot],
        of tenants: Set<String>,
        plans: TenantPlans
    ) async throws -> Instant? {
        let call = self.tenants.release(slots, of: try await waiting(tenants), plans)
        let reply = try await run(Scripts.releaseTenants, keys: call.keys, arguments: call.arguments)
        guard let parts = reply.array, parts.count == 2 else {
            throw TransportError(.protocolViolation, "the release_tenants script answered something unexpected")
        }
        if parts[1].int ?? 0 > 0 { pushed(nil) }
        return parts[0].double.map(Instant.init(seconds:))
    }

    /// These tenants, and those at which it is time to look.
    private func waiting(_ tenants: Set<String>) async throws -> [String] {
        let command = RedisCommand(
            "ZRANGEBYSCORE",
            configuration.keys.tenantsWaiting,
            "-inf",
            String(Instant.now().seconds),
            "LIMIT",
            "0",
            "100"
        )
        let reply = try await translating { () async throws(RedisError) in try await client.send(command).get() }
        return tenants.union(reply.array?.compactMap(\.text) ?? []).sorted()
    }
}
