/// A task's result record as it is stored, and for how long it will still be there.
public struct StoredRecord: Sendable, Hashable {
    /// The record's bytes, possibly compressed.
    public var bytes: [UInt8]
    /// How long the record will still live; `nil` when it lives for ever.
    public var timeToLive: Duration?

    /// A record that was found.
    public init(bytes: [UInt8], timeToLive: Duration?) {
        self.bytes = bytes
        self.timeToLive = timeToLive
    }
}
