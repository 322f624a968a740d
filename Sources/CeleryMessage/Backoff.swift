/// How long automatic retries wait (`celery/utils/time.py`, `celery/app/autoretry.py`).
public enum Backoff {
    /// Whole seconds until the next try: `factor` doubled for each retry before it, at most `maximum`.
    ///
    /// With full jitter Celery waits any whole number of seconds from zero to that, each as likely.
    ///
    /// - Parameters:
    ///   - factor: the first wait in seconds; `retry_backoff = True` is 1.
    ///   - retries: how many retries there were.
    ///   - maximum: `retry_backoff_max`, 600 by default.
    public static func countdown(factor: Int, retries: Int, maximum: Int = 600) -> Int {
        guard factor > 0, maximum > 0 else { return 0 }
        guard retries < 62 - (Int.bitWidth - factor.leadingZeroBitCount) else { return maximum }
        return min(maximum, factor << max(0, retries))
    }
}
