#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A moment of wall time, exact to the microsecond like Python's `datetime`.
public struct Instant: Sendable, Hashable, Comparable {
    /// Microseconds since 1970-01-01 00:00 UTC.
    public var microseconds: Int64

    /// Makes a moment from microseconds since 1970 UTC.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// Makes a moment from seconds since 1970 UTC; what is no number becomes 1970, what is out of range the nearest.
    public init(seconds: Double) {
        let scaled = (seconds * 1_000_000).rounded()
        if scaled.isNaN {
            microseconds = 0
        } else {
            microseconds = Int64(exactly: scaled) ?? (scaled < 0 ? .min : .max)
        }
    }

    /// Seconds since 1970 UTC.
    public var seconds: Double { Double(microseconds) / 1_000_000 }

    /// The system's wall clock.
    public static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    /// Earlier before later.
    public static func < (left: Instant, right: Instant) -> Bool { left.microseconds < right.microseconds }

    /// The moment a duration later; the far ends of the range hold it.
    public static func + (instant: Instant, duration: Duration) -> Instant {
        let (sum, over) = instant.microseconds.addingReportingOverflow(duration.microseconds)
        return Instant(microseconds: over ? (duration < .zero ? .min : .max) : sum)
    }

    /// The moment a duration earlier; the far ends of the range hold it.
    public static func - (instant: Instant, duration: Duration) -> Instant {
        let (difference, over) = instant.microseconds.subtractingReportingOverflow(duration.microseconds)
        return Instant(microseconds: over ? (duration < .zero ? .max : .min) : difference)
    }

    /// The moment some seconds later; any number will do, which a `Duration` made of it would not survive.
    public func advanced(bySeconds seconds: Double) -> Instant {
        self + .microseconds(Instant(seconds: seconds).microseconds)
    }

    /// How much later the left moment is than the right one.
    public static func - (left: Instant, right: Instant) -> Duration {
        .microseconds(left.microseconds) - .microseconds(right.microseconds)
    }
}

extension Duration {
    /// Whole microseconds, towards zero; durations beyond 290,000 years become the longest.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, over) = seconds.multipliedReportingOverflow(by: 1_000_000)
        if over { return seconds < 0 ? .min : .max }
        let (sum, overAgain) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return overAgain ? (seconds < 0 ? .min : .max) : sum
    }
}
