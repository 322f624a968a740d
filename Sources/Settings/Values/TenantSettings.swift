/// The block `tenants`: how much of each tenant's work may run.
public struct TenantSettings: Sendable, Hashable {
    /// A plan: its name and its bounds, `nil` for none.
    public struct Plan: Sendable, Hashable {
        /// What it is called.
        public var name: String
        /// `concurrency`: how many of a tenant's tasks run at once, over all workers.
        public var concurrency: Int?
        /// `per_minute`: how many of a tenant's tasks start within a minute.
        public var perMinute: Int?

        /// A plan without bounds.
        public init(name: String) { self.name = name }

        init(_ name: String, _ concurrency: Int, _ perMinute: Int) {
            self.name = name
            self.concurrency = concurrency
            self.perMinute = perMinute
        }
    }

    /// The plans that are there unless the file changes them.
    public static let usual = [
        Plan("free", 2, 10), Plan("starter", 5, 50), Plan("pro", 10, 200), Plan("enterprise", 20, 1000),
    ]

    /// `argument`: headers and keyword arguments that name the tenant; `nil` means those of `history.tenant`.
    public var argument: [String]?
    /// `default_plan`: the plan of those that have none.
    public var defaultPlan = "free"
    /// `plans`, the usual ones among them.
    public var plans = usual
    /// `members`: the plan of each tenant.
    public var members: [String: String] = [:]

    /// The defaults.
    public init() {}
}

extension CeleriacConfiguration {
    /// Headers and keyword arguments that name a task's tenant, for everything that asks.
    public var tenantNames: [String] { tenants?.argument ?? history.tenant }
}
