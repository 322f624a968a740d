package import Settings
package import Transport

extension TenantPlans {
    /// The plans of a configuration.
    package init(_ settings: TenantSettings) {
        let plans = settings.plans.map { plan in
            (plan.name, TenantPlan(concurrency: plan.concurrency, perMinute: plan.perMinute))
        }
        self.init(
            plans: Dictionary(plans, uniquingKeysWith: { _, last in last }),
            defaultPlan: settings.defaultPlan,
            members: settings.members
        )
    }
}
