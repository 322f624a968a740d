/// The one loop that drives every compression library: feeds the whole input, gathers the output in steps, and stops
/// at a limit before taking memory for more.
enum StreamCoding {
    /// What one step of a library did.
    struct Step {
        /// Bytes of input it took.
        var consumed: Int
        /// Bytes of output it made.
        var produced: Int
        /// Whether a stream ended with this step.
        var isEnd: Bool
    }

    /// Streams in a row that are read as one; every one costs its set-up, an empty one too.
    static let streams = 1000

    /// Bytes of output per step.
    static let stepBytes = 64 << 10

    /// Runs `step` until the input is used up and the stream has ended.
    ///
    /// - Parameters:
    ///   - format: names the format in errors.
    ///   - limit: bytes the output may have.
    ///   - mayFollow: whether further streams may follow the first, their output joined.
    ///   - step: works on the rest of the input and an empty part of the output.
    static func run(
        _ input: [UInt8],
        format: String,
        limit: Int,
        mayFollow: Bool = false,
        step: (UnsafeBufferPointer<UInt8>, UnsafeMutableBufferPointer<UInt8>) throws(CompressionError) -> Step
    ) throws(CompressionError) -> [UInt8] {
        var output: [UInt8] = []
        try input.withUnsafeBufferPointer { (input) throws(CompressionError) in
            // Not a Swift array: what a library leaves untouched never has to be cleared.
            let room = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: stepBytes)
            defer { room.deallocate() }
            var taken = 0
            var ended = 0
            while true {
                let rest = UnsafeBufferPointer(rebasing: input[taken...])
                let done = try step(rest, room)
                taken += done.consumed
                guard output.count + done.produced <= limit else { throw .tooLarge(limit) }
                output.append(contentsOf: room[..<done.produced])
                if done.isEnd {
                    if taken == input.count { return }
                    ended += 1
                    guard mayFollow, ended < streams else { throw .damaged(format) }
                } else if done.consumed == 0, done.produced == 0 {
                    // Wants more input than there is.
                    throw .damaged(format)
                }
            }
        }
        return output
    }
}
