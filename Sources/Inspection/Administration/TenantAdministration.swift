/// Looks at the plans of tenants and changes who has which.
///
/// All calls throw ``InspectionError``.
public protocol TenantAdministration: Sendable {
    /// The plans there are, by name.
    var plans: [TenantPlanFacts] { get }

    /// What is known of tenants, by name: those of the configuration, those with a plan of their own, those of which tasks
    /// came in the last week.
    ///
    /// - Parameter range: which of them, counted from the first.
    func tenants(_ range: Range<Int>) async throws -> TenantPage

    /// What is known of a tenant; one that never was seen has the default plan.
    func tenant(_ name: String) async throws -> TenantUsage

    /// Gives a tenant a plan, which wins over that of the configuration; answers the plan it had.
    func assign(_ plan: String, to tenant: String) async throws -> String

    /// Takes back what ``assign(_:to:)`` gave; answers whether there was anything.
    func unassign(_ tenant: String) async throws -> Bool
}

/// A plan of tenants.
public struct TenantPlanFacts: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// How many tasks of a tenant run at once, over all workers; `nil` for no bound.
    public var concurrency: Int?
    /// How many start within a minute; `nil` for no bound.
    public var perMinute: Int?

    /// A plan.
    public init(name: String, concurrency: Int?, perMinute: Int?) {
        self.name = name
        self.concurrency = concurrency
        self.perMinute = perMinute
    }
}

/// A tenant, its plan and what it uses of it.
public struct TenantUsage: Sendable, Hashable {
    /// The tenant.
    public var tenant: String
    /// Its plan.
    public var plan: TenantPlanFacts
    /// Whether the plan was given at run time.
    public var isAssigned: Bool
    /// How many of its tasks run, or are with a worker and about to.
    public var running = 0
    /// How many of its tasks started within the last minute; `nil` where its plan does not bound that.
    public var startedLastMinute: Int?
    /// How many of its tasks wait for room in its plan.
    public var waiting = 0
    /// How many tasks the gateway sent for it within the last minute; `nil` where its plan does not bound that.
    public var sentLastMinute: Int?

    /// A tenant that uses nothing.
    public init(tenant: String, plan: TenantPlanFacts, isAssigned: Bool = false) {
        self.tenant = tenant
        self.plan = plan
        self.isAssigned = isAssigned
    }
}

/// A part of the tenants.
public struct TenantPage: Sendable, Hashable {
    /// By name.
    public var tenants: [TenantUsage]
    /// How many are known.
    public var total: Int

    /// A part of the tenants.
    public init(tenants: [TenantUsage], total: Int) {
        self.tenants = tenants
        self.total = total
    }
}
