/// Times on the command line.
enum Seconds {
    /// A century: more is a slip.
    private static let most = 3_155_760_000.0

    /// The duration that an option names; what is no number, negative or beyond reason is refused.
    static func read(_ seconds: Double, _ option: String) throws -> Duration {
        guard seconds >= 0, seconds <= most else {
            throw Complaint("\(option): expected a number of seconds, got \(seconds)", code: .usage)
        }
        return .seconds(seconds)
    }
}
