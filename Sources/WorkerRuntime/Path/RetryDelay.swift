import CeleryMessage

/// Seconds until a retry, where neither the handler nor its exception names any.
enum RetryDelay {
    /// The delay a policy asks for.
    ///
    /// - Parameter random: a random whole number in the range given.
    static func delay(_ policy: TaskPolicy, retries: Int, random: (ClosedRange<Int>) -> Int) -> Double {
        if let requested = policy.requestedBackoff { return requested.delay(retries: retries) }
        guard let factor = policy.retryBackoff else { return policy.defaultRetryDelay }
        let longest = Backoff.countdown(
            factor: max(1, whole(factor)),
            retries: retries,
            maximum: whole(policy.retryBackoffMax)
        )
        return Double(policy.retryJitter ? random(0...longest) : longest)
    }

    /// Whole seconds, none below zero; what is longer than anybody waits is cut.
    private static func whole(_ seconds: Double) -> Int { Int(min(max(0, seconds), 1e15)) }
}
