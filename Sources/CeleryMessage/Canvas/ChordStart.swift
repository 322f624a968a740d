/// What whoever sends a chord's header writes to the result backend (`celery/backends/redis.py`).
///
/// It has to stand there before the last message of the header is published: the part that ends last compares against
/// the size.
public struct ChordStart: Sendable, Hashable {
    /// The id of the header's group, which names the chord's keys.
    public var groupID: String
    /// How many results the header has.
    public var size: Int
    /// The saved group, where the header contains groups whose nesting the body is to see; `nil` otherwise.
    public var savedGroup: [UInt8]?

    /// Describes a chord that begins.
    public init(groupID: String, size: Int, savedGroup: [UInt8]? = nil) {
        self.groupID = groupID
        self.size = size
        self.savedGroup = savedGroup
    }
}
