import YAML

extension TenantSettings {
    /// The keys of the block `tenants`.
    static let settings: [Setting<TenantSettings>] = [
        .optional("argument", "name or list of names", \.argument) { $0.strings($1) },
        .name("default_plan", \.defaultPlan),
        Setting("plans", "block") { node, tenants, reader in
            for plan in reader.tenantPlans(node) {
                tenants.plans.removeAll { $0.name == plan.name }
                tenants.plans.append(plan)
            }
        },
        Setting("members", "block") { node, tenants, reader in
            for entry in reader.named(node, "a block of plans by tenant") {
                tenants.members[entry.key] = reader.under(entry.key, at: reader.place(entry.keyPosition)) {
                    $0.name(entry.value)
                }
            }
        },
    ]
}

extension TenantSettings.Plan {
    /// The keys of a plan's block.
    static let settings: [Setting<TenantSettings.Plan>] = [
        .int("concurrency", \.concurrency, in: 1...10_000),
        .int("per_minute", \.perMinute, in: 1...100_000),
    ]
}

extension SettingReader {
    /// `tenants`: a block; an empty one has the usual plans.
    mutating func tenants(_ node: YAMLNode) -> TenantSettings? {
        guard let entries = entries(node, expected: "a block such as {default_plan: free}") else { return nil }
        var tenants = TenantSettings()
        block(entries, TenantSettings.settings, into: &tenants)
        return tenants
    }

    fileprivate mutating func tenantPlans(_ node: YAMLNode) -> [TenantSettings.Plan] {
        named(node, "a block of plans by name").compactMap { entry in
            under(entry.key, at: place(entry.keyPosition)) { reader in
                let expected = "a block such as {concurrency: 2, per_minute: 10}"
                guard let entries = reader.entries(entry.value, expected: expected) else { return nil }
                var plan = TenantSettings.Plan(name: entry.key)
                reader.block(entries, TenantSettings.Plan.settings, into: &plan)
                return plan
            }
        }
    }
}
