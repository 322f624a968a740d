import CCompression
public import CeleryMessage

/// Zstandard frames.
public struct ZstandardCompression: BodyCompression {
    /// Makes the compression.
    public init() {}

    /// `application/zstd`.
    public var contentType: String { "application/zstd" }
    /// `zstd` and `zstandard`.
    public var names: [String] { ["zstd", "zstandard"] }

    /// The library's default level.
    private static let level: Int32 = 3

    /// Compresses into one frame that tells its length.
    public func compress(_ bytes: [UInt8]) throws(CompressionError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
        let count = ZSTD_compress(&output, output.count, bytes, bytes.count, Self.level)
        guard ZSTD_isError(count) == 0 else { throw .unavailable("zstd") }
        output.removeLast(output.count - count)
        return output
    }

    /// Decompresses one frame or several in a row.
    public func decompress(_ bytes: [UInt8], limit: Int) throws(CompressionError) -> [UInt8] {
        guard let context = ZSTD_createDCtx() else { throw .unavailable("zstd") }
        defer { ZSTD_freeDCtx(context) }
        // A frame may ask for a window of gigabytes; one longer than the output allowed is never needed.
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLog(for: limit))
        return try StreamCoding.run(
            bytes,
            format: "zstd",
            limit: limit,
            mayFollow: true
        ) { (input, room) throws(CompressionError) in
            var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
            var target = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
            let code = ZSTD_decompressStream(context, &target, &source)
            if ZSTD_isError(code) != 0 {
                switch ZSTD_getErrorCode(code) {
                case ZSTD_error_frameParameter_windowTooLarge: throw .tooLarge(limit)
                case ZSTD_error_memory_allocation: throw .unavailable("zstd")
                default: throw .damaged("zstd")
                }
            }
            return StreamCoding.Step(consumed: source.pos, produced: target.pos, isEnd: code == 0)
        }
    }

    /// The smallest window of at least `limit` bytes, within what the library takes by default.
    static func windowLog(for limit: Int) -> Int32 {
        let bits = Int.bitWidth - max(limit - 1, 0).leadingZeroBitCount
        // Level 3 writes windows of 2 MiB even for a few bytes when the length was not known.
        return Int32(min(max(bits, 21), 27))
    }
}
