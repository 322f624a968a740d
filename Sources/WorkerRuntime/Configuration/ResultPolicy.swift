/// How results are stored.
public struct ResultPolicy: Sendable, Hashable {
    /// Whether there is a result backend at all.
    public var enabled: Bool
    /// Seconds until a record is forgotten; `nil` keeps it.
    public var expires: Int?
    /// Seconds until a FAILURE is forgotten; `nil` takes ``expires``.
    public var failureExpires: Int?
    /// Seconds until a chord's counters are forgotten; ``expires`` unless set, `nil` keeps them.
    public var chordExpires: Int?
    /// Whether records hold name, arguments, worker, retries and queue too.
    public var extended: Bool
    /// The serializer's name: `json`, `yaml` or `msgpack`.
    public var serializer: String
    /// Seconds east of UTC in `date_done`.
    public var offset: @Sendable (Double) -> Int

    /// Celery's defaults: a day, JSON, not extended, UTC.
    public init(
        enabled: Bool = true,
        expires: Int? = 86_400,
        failureExpires: Int? = nil,
        extended: Bool = false,
        serializer: String = "json",
        offset: @escaping @Sendable (Double) -> Int = { _ in 0 }
    ) {
        self.enabled = enabled
        self.expires = expires
        self.failureExpires = failureExpires
        chordExpires = expires
        self.extended = extended
        self.serializer = serializer
        self.offset = offset
    }

    /// Equal in everything but the offset function, which cannot be compared.
    public static func == (left: ResultPolicy, right: ResultPolicy) -> Bool {
        left.enabled == right.enabled && left.expires == right.expires && left.failureExpires == right.failureExpires
            && left.chordExpires == right.chordExpires
            && left.extended == right.extended && left.serializer == right.serializer
    }

    /// Hashes what equality compares.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(enabled)
        hasher.combine(expires)
        hasher.combine(failureExpires)
        hasher.combine(extended)
        hasher.combine(serializer)
    }
}
