/// What an entry's times are subject to; shared, as most entries of a large schedule have the same.
public final class EntryRules: Sendable, Hashable {
    /// The zone in which wall-clock times are meant.
    public let zone: ZoneRules
    /// What happens where clocks are changed.
    public let clockChanges: ClockChangePolicy
    /// Up to how much later than its slot each run is sent; how much is the same for one slot everywhere.
    public let jitter: Duration
    /// What happens to slots that passed while nobody could send them.
    public let missed: MissedPolicy
    /// What happens when the last run is still unfinished.
    public let overlap: OverlapPolicy

    /// Rules; without arguments every slot is sent as it comes, in UTC.
    public init(
        zone: ZoneRules = .utc,
        clockChanges: ClockChangePolicy = .standard,
        jitter: Duration = .zero,
        missed: MissedPolicy = MissedPolicy(),
        overlap: OverlapPolicy = .allow
    ) {
        self.zone = zone
        self.clockChanges = clockChanges
        self.jitter = jitter
        self.missed = missed
        self.overlap = overlap
    }

    /// Every slot as it comes, in UTC.
    public static let standard = EntryRules()

    /// Whether both say the same.
    public static func == (left: EntryRules, right: EntryRules) -> Bool {
        left === right
            || (left.zone == right.zone && left.clockChanges == right.clockChanges && left.jitter == right.jitter
                && left.missed == right.missed && left.overlap == right.overlap)
    }

    /// Hashes the zone's name, not its centuries of clock changes, and the rest.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(zone.name)
        hasher.combine(clockChanges)
        hasher.combine(jitter)
        hasher.combine(missed)
        hasher.combine(overlap)
    }
}
