/// Seconds until a retry, as `celery/utils/time.py` counts them.
public enum RetryDelay {
    /// `factor × 2^retries`, at most `maximum`; with `draw`, a whole number drawn from zero to that.
    ///
    /// - Parameters:
    ///   - factor: seconds before the first retry; below one counts as one.
    ///   - retries: retries made so far.
    ///   - maximum: the longest delay in seconds.
    ///   - draw: a random whole number in the range given, or `nil` for the full delay.
    public static func backoff(
        factor: Double,
        retries: Int,
        maximum: Double,
        draw: ((ClosedRange<Int>) -> Int)?
    ) -> Double {
        let base = max(1, factor.rounded(.down))
        // Beyond 2^62 the maximum has long been reached; the bound keeps the shift defined.
        let grown = retries > 62 ? maximum : base * Double(UInt64(1) << UInt64(max(0, retries)))
        let countdown = max(0, min(maximum, grown))
        guard let draw else { return countdown }
        return Double(draw(0...Int(min(countdown, 1e15))))
    }

    /// The delay a policy asks for where the handler named none.
    static func delay(_ policy: TaskPolicy, retries: Int, random: (ClosedRange<Int>) -> Int) -> Double {
        guard let factor = policy.retryBackoff else { return policy.defaultRetryDelay }
        return withoutActuallyEscaping(random) { random in
            backoff(
                factor: factor,
                retries: retries,
                maximum: policy.retryBackoffMax,
                draw: policy.retryJitter ? random : nil
            )
        }
    }
}
