public import CeleryMessage

/// Counts what runs for each tenant, over all workers, and keeps back what is too much.
///
/// All calls throw ``TransportError`` and may be repeated.
public protocol TenantLedger: Sendable {
    /// Lets held messages of tenants start, or parks them until there is room, all in one step.
    ///
    /// A message that was let start counts for its tenant until nobody holds it any more: its commit, a worker that takes it
    /// back, or ``release(_:of:plans:)`` for one that was acknowledged before.
    func admit(_ entries: [TenantEntry], plans: TenantPlans) async throws -> TenantAdmission

    /// Puts parked messages of these tenants, and of all whose time has come, back into their queues as far as there is
    /// room; answers when to look again, `nil` where nobody waits.
    ///
    /// - Parameter slots: what counts no longer although its message may still seem to be held.
    func release(_ slots: [TenantSlot], of tenants: Set<String>, plans: TenantPlans) async throws -> Instant?
}

/// A held message whose tenant may have enough to do.
public struct TenantEntry: Sendable, Hashable {
    /// What it is held under.
    public var tag: DeliveryTag
    /// Whose it is.
    public var tenant: String
    /// The task's id.
    public var taskID: String
    /// The queue it goes back to.
    public var queue: String
    /// Its priority as its sender gave it.
    public var priority: Int
    /// Whether it is acknowledged before it runs: it counts until it is released, or its worker is gone.
    public var isEarly: Bool
    /// Whether it was on its way before, and is to be the first of its tenant again.
    public var isRedelivered: Bool

    /// Describes a message.
    public init(
        tag: DeliveryTag,
        tenant: String,
        taskID: String,
        queue: String,
        priority: Int,
        isEarly: Bool = false,
        isRedelivered: Bool = false
    ) {
        self.tag = tag
        self.tenant = tenant
        self.taskID = taskID
        self.queue = queue
        self.priority = priority
        self.isEarly = isEarly
        self.isRedelivered = isRedelivered
    }
}

/// What counts for a tenant.
public enum TenantSlot: Sendable, Hashable {
    /// A message that was held under a tag.
    case held(DeliveryTag, tenant: String)
    /// Room that was kept for a task on its way back to its queue.
    case kept(taskID: String, tenant: String)
}

/// What became of a message whose tenant was looked at.
public enum TenantVerdict: Sendable, Hashable {
    /// It may start.
    case admitted
    /// It is parked.
    case parked(TenantBound)
    /// Nobody holds it under its tag any more.
    case lost
}

/// The bound of a plan that has been reached.
public struct TenantBound: Sendable, Hashable {
    /// What is bounded.
    public enum Kind: String, Sendable, Hashable {
        /// How many run at once.
        case concurrency
        /// How many start within a minute.
        case perMinute = "per_minute"
    }

    /// What is bounded.
    public var kind: Kind
    /// The most there may be.
    public var limit: Int
    /// The plan's name.
    public var plan: String

    /// A bound of a plan.
    public init(_ kind: Kind, limit: Int, plan: String) {
        self.kind = kind
        self.limit = limit
        self.plan = plan
    }
}

/// What became of messages, in the order in which they were asked for.
public struct TenantAdmission: Sendable, Hashable {
    /// One for each.
    public var verdicts: [TenantVerdict]
    /// When to look whether somebody's time has come; `nil` where nobody waits.
    public var nextLook: Instant?

    /// What became of messages.
    public init(verdicts: [TenantVerdict], nextLook: Instant?) {
        self.verdicts = verdicts
        self.nextLook = nextLook
    }
}
