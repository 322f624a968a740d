import CCompression
public import CeleryMessage

/// bzip2, as Python's `bz2` writes it.
public struct Bzip2Compression: BodyCompression {
    /// Makes the compression.
    public init() {}

    /// `application/x-bz2`.
    public var contentType: String { "application/x-bz2" }
    /// `bzip2` and `bzip`.
    public var names: [String] { ["bzip2", "bzip"] }

    private static let level: Int32 = 9

    /// Compresses in blocks of 900 kB, as Python does by default.
    public func compress(_ bytes: [UInt8]) throws(CompressionError) -> [UInt8] {
        // The library's own bound: one percent and 600 bytes.
        guard var count = UInt32(exactly: bytes.count + bytes.count / 100 + 600) else {
            throw CompressionError(.tooLarge, "more bytes than bzip2 compresses at once")
        }
        var output = [UInt8](repeating: 0, count: Int(count))
        let code = output.withUnsafeMutableBytes { output in
            bytes.withUnsafeBytes { bytes in
                output.withMemoryRebound(to: CChar.self) { output in
                    bytes.withMemoryRebound(to: CChar.self) { bytes in
                        BZ2_bzBuffToBuffCompress(
                            output.baseAddress,
                            &count,
                            UnsafeMutablePointer(mutating: bytes.baseAddress),
                            UInt32(bytes.count),
                            Self.level,
                            0,
                            0
                        )
                    }
                }
            }
        }
        guard code == BZ_OK else { throw .unavailable("bzip2") }
        output.removeLast(output.count - Int(count))
        return output
    }

    /// Decompresses one stream or several in a row.
    public func decompress(_ bytes: [UInt8], limit: Int) throws(CompressionError) -> [UInt8] {
        // Not a local variable: the library remembers the stream's address.
        let stream = UnsafeMutablePointer<bz_stream>.allocate(capacity: 1)
        stream.initialize(to: bz_stream())
        defer { stream.deallocate() }
        guard BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK else { throw .unavailable("bzip2") }
        defer { BZ2_bzDecompressEnd(stream) }
        var isAtEnd = false
        return try StreamCoding.run(
            bytes,
            format: "bzip2",
            limit: limit,
            mayFollow: true
        ) { (input, room) throws(CompressionError) in
            if isAtEnd {
                BZ2_bzDecompressEnd(stream)
                stream.initialize(to: bz_stream())
                guard BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK else { throw .unavailable("bzip2") }
                isAtEnd = false
            }
            let given = UInt32(clamping: input.count)
            stream.pointee.avail_in = given
            stream.pointee.avail_out = UInt32(room.count)
            let code = input.withMemoryRebound(to: CChar.self) { input in
                room.withMemoryRebound(to: CChar.self) { room in
                    stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                    stream.pointee.next_out = room.baseAddress
                    return BZ2_bzDecompress(stream)
                }
            }
            guard code == BZ_OK || code == BZ_STREAM_END else { throw .damaged("bzip2") }
            isAtEnd = code == BZ_STREAM_END
            return StreamCoding.Step(
                consumed: Int(given - stream.pointee.avail_in),
                produced: room.count - Int(stream.pointee.avail_out),
                isEnd: isAtEnd
            )
        }
    }
}
