/// Counts what there is in a deployment.
///
/// Throws ``InspectionError``.
public protocol DeploymentReading: Sendable {
    /// What there is just now.
    func counts() async throws -> DeploymentCounts
}

/// How much there is of everything, at one moment.
public struct DeploymentCounts: Sendable, Hashable {
    /// How many messages workers hold, of whatever queue.
    public var held = 0
    /// How many are parked until their time comes.
    public var parked = 0
    /// How many dead letters are kept.
    public var dead = 0
    /// How many Celeriac workers have given a sign of life.
    public var workers = 0
    /// The bytes of memory that the broker's server uses; `nil` where it does not tell.
    public var memory: Int?

    /// Nothing of anything.
    public init() {}
}
