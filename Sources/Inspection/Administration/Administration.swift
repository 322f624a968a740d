/// Everything through which a deployment is administered.
public struct Administration: Sendable {
    /// The queues and their jobs.
    public var queues: any QueueAdministration
    /// The workers.
    public var workers: any WorkerAdministration
    /// What beat sends.
    public var schedule: any ScheduleAdministration
    /// Who changed what.
    public var audit: any AuditTrail
    /// Why tasks do not run.
    public var explaining: any Explaining
    /// What failed for good.
    public var deadLetters: any DeadLetters
    /// The plans of tenants; `nil` where there are none.
    public var tenants: (any TenantAdministration)?

    /// A deployment's administration.
    public init(
        queues: any QueueAdministration,
        workers: any WorkerAdministration,
        schedule: any ScheduleAdministration,
        audit: any AuditTrail,
        explaining: any Explaining,
        deadLetters: any DeadLetters,
        tenants: (any TenantAdministration)? = nil
    ) {
        self.queues = queues
        self.workers = workers
        self.schedule = schedule
        self.audit = audit
        self.explaining = explaining
        self.deadLetters = deadLetters
        self.tenants = tenants
    }

    /// One that lives in this process.
    public init(_ memory: InMemoryAdministration, deadLetters: InMemoryDeadLetters = InMemoryDeadLetters()) {
        self.init(
            queues: memory,
            workers: memory,
            schedule: memory,
            audit: memory,
            explaining: memory,
            deadLetters: deadLetters
        )
    }
}
