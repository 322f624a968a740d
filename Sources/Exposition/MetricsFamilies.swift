/// Whose names numbers are told by; dashboards and alerts made for one of them go on working.
public struct MetricsFamilies: OptionSet, Sendable, Hashable {
    /// Which of the families below there are, a bit each.
    public let rawValue: Int

    /// A set of families.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// By queue, as back ends with BullMQ have them: `queue_jobs_…`.
    public static let queues = Self(rawValue: 1)
    /// celery-exporter's: `celery_…`.
    public static let exporter = Self(rawValue: 2)
    /// Flower's: `flower_…`.
    public static let flower = Self(rawValue: 4)
    /// What is told where nothing else is said.
    public static let usual: Self = [.queues, .exporter]

    /// The names that files and options have for them.
    public static let named: [(name: String, family: Self)] = [
        ("queues", .queues), ("exporter", .exporter), ("flower", .flower),
    ]

    /// The families of these names; `nil` where one of them is none.
    public init?(names: [String]) {
        self = []
        for name in names {
            guard let known = Self.named.first(where: { $0.name == name }) else { return nil }
            insert(known.family)
        }
    }
}
