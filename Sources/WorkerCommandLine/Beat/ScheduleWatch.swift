/// Tells a file that has been changed from one that is being changed: a new stamp counts when it has stood for one look.
package struct ScheduleWatch {
    private let source: ScheduleSource
    private var known: ScheduleSource.Stamp?
    private var seen: ScheduleSource.Stamp?

    package init(_ source: ScheduleSource) {
        self.source = source
        known = source.stamp
        seen = known
    }

    /// The file has just been read as it is.
    package mutating func settle() {
        known = source.stamp
        seen = known
    }

    /// Whether the file has another content than when this was last answered with yes.
    ///
    /// A file that is gone is on its way: editors put the new one in its place.
    package mutating func hasChanged() -> Bool {
        let stamp = source.stamp
        defer { seen = stamp }
        guard let stamp, stamp != known, stamp == seen else { return false }
        known = stamp
        return true
    }
}
