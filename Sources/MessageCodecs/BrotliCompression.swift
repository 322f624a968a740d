import CCompression
public import CeleryMessage

/// Brotli, as the Python package writes it.
public struct BrotliCompression: BodyCompression {
    /// Makes the compression.
    public init() {}

    /// `application/x-brotli`.
    public var contentType: String { "application/x-brotli" }
    /// `brotli`.
    public var names: [String] { ["brotli"] }

    /// Compresses at the strongest quality, the package's default.
    public func compress(_ bytes: [UInt8]) throws(CompressionError) -> [UInt8] {
        var count = BrotliEncoderMaxCompressedSize(bytes.count)
        guard count > 0 else { throw CompressionError(.tooLarge, "more bytes than brotli compresses at once") }
        var output = [UInt8](repeating: 0, count: count)
        let done = BrotliEncoderCompress(
            BROTLI_DEFAULT_QUALITY,
            BROTLI_DEFAULT_WINDOW,
            BROTLI_MODE_GENERIC,
            bytes.count,
            bytes,
            &count,
            &output
        )
        guard done == BROTLI_TRUE else { throw .unavailable("brotli") }
        output.removeLast(output.count - count)
        return output
    }

    /// Decompresses one whole stream; its window is 16 MiB at most.
    public func decompress(_ bytes: [UInt8], limit: Int) throws(CompressionError) -> [UInt8] {
        guard let state = BrotliDecoderCreateInstance(nil, nil, nil) else { throw .unavailable("brotli") }
        defer { BrotliDecoderDestroyInstance(state) }
        return try StreamCoding.run(bytes, format: "brotli", limit: limit) { (input, room) throws(CompressionError) in
            var source = input.baseAddress
            var sourceLeft = input.count
            var target = room.baseAddress
            var targetLeft = room.count
            let code = BrotliDecoderDecompressStream(state, &sourceLeft, &source, &targetLeft, &target, nil)
            guard code != BROTLI_DECODER_RESULT_ERROR else { throw .damaged("brotli") }
            return StreamCoding.Step(
                consumed: input.count - sourceLeft,
                produced: room.count - targetLeft,
                isEnd: code == BROTLI_DECODER_RESULT_SUCCESS
            )
        }
    }
}
