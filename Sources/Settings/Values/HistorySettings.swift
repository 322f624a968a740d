/// The block `history`: what finished tasks leave behind.
public struct HistorySettings: Sendable, Hashable {
    /// Whether finished tasks are recorded; `history: false` switches it off for all.
    public var isOn = true
    /// `completed`: how many tasks of a queue that completed are kept, and for how long.
    public var completed = QueueSettings.Retention()
    /// `failed`: the same of those that failed.
    public var failed = QueueSettings.Retention()
    /// `tenant`: headers and keyword arguments that name the tenant, the first one found counts.
    public var tenant = ["tenant_id", "tenant"]
    /// `mask`: an older place for `mask_arguments`.
    public var mask: [String]?

    /// A thousand completed tasks for a day, five thousand failed ones for a week.
    public static let usualCompleted = QueueSettings.Retention(count: 1000, age: .seconds(86_400))
    /// See ``usualCompleted``.
    public static let usualFailed = QueueSettings.Retention(count: 5000, age: .seconds(604_800))

    /// The defaults.
    public init() {}
}

/// The block `dead_letters`: what is kept of tasks that have failed for good.
public struct DeadLetterSettings: Sendable, Hashable {
    /// Whether messages of failed tasks are kept; `dead_letters: false` keeps those only that could not be run at all.
    public var isOn = true
    /// `count`: the most letters; default 10,000.
    public var count = 10_000
    /// `bytes`: the most bytes of all letters together; default 64 MiB.
    public var bytes = 64 << 20
    /// `age`: for how long they are kept; default 14 days.
    public var age: Duration = .seconds(14 * 86_400)

    /// The defaults.
    public init() {}
}

extension QueueSettings.Retention {
    /// These bounds, with what they leave open taken from lower ones.
    public func filled(from lower: QueueSettings.Retention?) -> QueueSettings.Retention {
        QueueSettings.Retention(count: count ?? lower?.count, age: age ?? lower?.age)
    }
}

extension CeleriacConfiguration {
    /// Names of arguments whose values are shown nowhere; `nil` means the usual ones.
    public var maskedArguments: [String]? { maskArguments ?? history.mask }

    /// How many completed and failed tasks of a queue are kept, and for how long: the queue's block, the block `history`,
    /// the defaults.
    public func retention(ofQueue name: String) -> (completed: QueueSettings.Retention, failed: QueueSettings.Retention)
    {
        let queue = queue(named: name)
        return (
            (queue?.completed ?? .init()).filled(from: history.completed).filled(from: HistorySettings.usualCompleted),
            (queue?.failed ?? .init()).filled(from: history.failed).filled(from: HistorySettings.usualFailed)
        )
    }
}
