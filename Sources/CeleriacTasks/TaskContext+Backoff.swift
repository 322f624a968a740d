extension TaskContext {
    /// Makes the error to throw for another run after a wait that doubles with each retry, an hour at the most.
    ///
    /// Up to a quarter is added at random, so that what failed together does not come back together.
    ///
    /// - Parameters:
    ///   - first: the wait before the first retry; `nil` leaves the wait to the task's own policy.
    ///   - cause: what made this run fail.
    public func retry(doubling first: Duration?, cause: TaskFailure) -> TaskRetry {
        guard let first else { return retry(cause: cause) }
        let doubled = first / .seconds(1) * Double(1 << min(max(0, request.retries), 16))
        return retry(countdown: min(doubled, 3600) * Double.random(in: 1...1.25), cause: cause)
    }
}
