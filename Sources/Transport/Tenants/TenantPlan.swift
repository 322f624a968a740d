/// How much of a tenant's work may run.
public struct TenantPlan: Sendable, Hashable {
    /// How many of its tasks run at once, over all workers; `nil` for no bound.
    public var concurrency: Int?
    /// How many of its tasks start within a minute; `nil` for no bound.
    public var perMinute: Int?

    /// Sets the bounds.
    public init(concurrency: Int?, perMinute: Int?) {
        self.concurrency = concurrency
        self.perMinute = perMinute
    }
}

/// The plans there are, and who has which.
public struct TenantPlans: Sendable, Hashable {
    /// What there is unless the configuration says otherwise.
    public static let usual: [String: TenantPlan] = [
        "free": TenantPlan(concurrency: 2, perMinute: 10),
        "starter": TenantPlan(concurrency: 5, perMinute: 50),
        "pro": TenantPlan(concurrency: 10, perMinute: 200),
        "enterprise": TenantPlan(concurrency: 20, perMinute: 1000),
    ]

    /// The plans by name.
    public var plans: [String: TenantPlan]
    /// The plan of those who have none, or one that is not known.
    public var defaultPlan: String
    /// The plan of each tenant that the configuration names; what was set at run time wins.
    public var members: [String: String]

    /// Describes the plans; `defaultPlan` is one of them.
    public init(
        plans: [String: TenantPlan] = usual,
        defaultPlan: String = "free",
        members: [String: String] = [:]
    ) {
        self.plans = plans
        self.defaultPlan = defaultPlan
        self.members = members
    }

    /// The name of a tenant's plan.
    ///
    /// - Parameter assigned: what was set for it at run time.
    public func name(of tenant: String, assigned: String? = nil) -> String {
        let name = assigned ?? members[tenant] ?? defaultPlan
        return plans[name] == nil ? defaultPlan : name
    }

    /// The bounds of a plan; one that is not known has those of the default plan.
    public func plan(named name: String) -> TenantPlan {
        plans[name] ?? plans[defaultPlan] ?? TenantPlan(concurrency: nil, perMinute: nil)
    }
}
