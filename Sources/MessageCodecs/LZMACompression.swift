import CCompression
public import CeleryMessage

/// LZMA in an `.xz` container, as Python's `lzma` writes it; the older `.lzma` container is read too.
public struct LZMACompression: BodyCompression {
    /// Makes the compression.
    public init() {}

    /// `application/x-lzma`.
    public var contentType: String { "application/x-lzma" }
    /// `lzma` and `xz`.
    public var names: [String] { ["lzma", "xz"] }

    /// `LZMA_CONCATENATED`, which Swift does not import.
    private static let concatenated: UInt32 = 0x08

    /// Enough for every preset, the strongest of which takes 65 MiB to read; a header may ask for gigabytes.
    private static let memoryLimit: UInt64 = 80 << 20

    /// Compresses at preset 6 with a CRC-64, as Python does by default.
    public func compress(_ bytes: [UInt8]) throws(CompressionError) -> [UInt8] {
        var stream = lzma_stream()
        guard lzma_easy_encoder(&stream, 6, LZMA_CHECK_CRC64) == LZMA_OK else { throw .unavailable("xz") }
        defer { lzma_end(&stream) }
        return try Self.run(&stream, bytes, limit: .max)
    }

    /// Decompresses one stream or several in a row.
    public func decompress(_ bytes: [UInt8], limit: Int) throws(CompressionError) -> [UInt8] {
        var stream = lzma_stream()
        guard lzma_auto_decoder(&stream, Self.memoryLimit, Self.concatenated) == LZMA_OK else {
            throw .unavailable("xz")
        }
        defer { lzma_end(&stream) }
        return try Self.run(&stream, bytes, limit: limit)
    }

    private static func run(
        _ stream: inout lzma_stream,
        _ bytes: [UInt8],
        limit: Int
    ) throws(CompressionError) -> [UInt8] {
        try StreamCoding.run(bytes, format: "xz", limit: limit) { (input, room) throws(CompressionError) in
            stream.next_in = input.baseAddress
            stream.avail_in = input.count
            stream.next_out = room.baseAddress
            stream.avail_out = room.count
            // The whole input is there from the beginning, so every step may be the last.
            let code = lzma_code(&stream, LZMA_FINISH)
            switch code {
            case LZMA_OK, LZMA_STREAM_END, LZMA_BUF_ERROR: break
            case LZMA_MEMLIMIT_ERROR:
                throw CompressionError(.tooLarge, "reading this xz stream takes more than \(memoryLimit >> 20) MiB")
            case LZMA_MEM_ERROR: throw .unavailable("xz")
            default: throw .damaged("xz")
            }
            return StreamCoding.Step(
                consumed: input.count - stream.avail_in,
                produced: room.count - stream.avail_out,
                isEnd: code == LZMA_STREAM_END
            )
        }
    }
}
