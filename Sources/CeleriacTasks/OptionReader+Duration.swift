extension OptionReader {
    /// A number of seconds within `range`, fractions included, or `nil` when absent.
    public func seconds(_ key: String, in range: ClosedRange<Double>) throws(HandlerOptionError) -> Duration? {
        guard let number = try number(key) else { return nil }
        guard range.contains(number) else {
            throw error(key, "must be between \(range.lowerBound) and \(range.upperBound) seconds, is \(number)")
        }
        return .seconds(number)
    }
}
