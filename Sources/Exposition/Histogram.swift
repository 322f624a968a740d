/// Counts values by how large they are.
public struct Histogram: Sendable, Hashable {
    /// Bounds for how long requests and tasks take, in seconds: a millisecond to half an hour.
    public static let seconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800]

    /// Upper bounds of the buckets, rising; what is larger than all of them is counted too.
    public let bounds: [Double]
    /// The sum of all values.
    public private(set) var sum = 0.0
    /// How many values there were.
    public private(set) var count = 0
    /// Values of each bucket alone, and at the end those above all bounds.
    private var counts: [Int]

    /// An empty one.
    public init(bounds: [Double] = Histogram.seconds) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// One that was counted elsewhere.
    ///
    /// - Parameter counts: the values of each bucket alone, one more than there are bounds.
    public init(bounds: [Double], counts: [Int], sum: Double) {
        precondition(counts.count == bounds.count + 1, "a bucket for each bound and one for the rest")
        self.bounds = bounds
        self.counts = counts
        self.sum = sum
        count = counts.reduce(0, +)
    }

    /// Counts a value.
    public mutating func observe(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
        count += 1
    }

    /// Adds what another one of the same bounds has counted.
    public mutating func add(_ other: Histogram) {
        precondition(bounds == other.bounds, "buckets that mean the same")
        for place in counts.indices { counts[place] += other.counts[place] }
        sum += other.sum
        count += other.count
    }

    /// Values up to each bound, and up to none (`nil`).
    public var cumulative: [(bound: Double?, count: Int)] {
        var total = 0
        return counts.enumerated().map { place, count in
            total += count
            return (place < bounds.count ? bounds[place] : nil, total)
        }
    }
}
