/// What becomes of a wall-clock time that a clock change skips or repeats.
///
/// Only wall-clock schedules, crontabs, ask it: intervals count real time and the sun keeps none.
public struct ClockChangePolicy: Sendable, Hashable {
    /// What becomes of times inside a gap: clocks were put forward and never showed them.
    public enum Gap: String, Sendable, Hashable, CaseIterable {
        /// They run at the first instant after the gap, once however many of them there are.
        case after
        /// They do not run on that day.
        case skip
    }

    /// What becomes of times inside a repeated stretch: clocks were put back and showed them twice.
    public enum Repeated: String, Sendable, Hashable, CaseIterable {
        /// They run the first time.
        case first
        /// They run the second time.
        case last
        /// They run both times: what recurs all day goes on evenly in real time.
        case both
    }

    /// What becomes of times inside a gap.
    public var gap: Gap
    /// What becomes of times inside a repeated stretch.
    public var repeated: Repeated

    /// Makes a policy; without arguments each time runs once, those in a gap as soon as the gap is over.
    public init(gap: Gap = .after, repeated: Repeated = .first) {
        self.gap = gap
        self.repeated = repeated
    }

    /// Each wall-clock time once: in a gap the first instant after it, in a repeated stretch the first time.
    public static let standard = ClockChangePolicy()
}
