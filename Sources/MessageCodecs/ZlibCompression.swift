import CCompression
public import CeleryMessage

/// What Celery calls gzip and zlib: a zlib stream (RFC 1950) under the name of gzip (`kombu/compression.py`).
public struct ZlibCompression: BodyCompression {
    /// Makes the compression.
    public init() {}

    /// `application/x-gzip`.
    public var contentType: String { "application/x-gzip" }
    /// `gzip` and `zlib`.
    public var names: [String] { ["gzip", "zlib"] }

    /// Compresses at zlib's default level.
    public func compress(_ bytes: [UInt8]) throws(CompressionError) -> [UInt8] {
        var count = compressBound(uLong(bytes.count))
        var output = [UInt8](repeating: 0, count: Int(count))
        guard CCompression.compress(&output, &count, bytes, uLong(bytes.count)) == Z_OK else {
            throw .unavailable("zlib")
        }
        output.removeLast(output.count - Int(count))
        return output
    }

    /// Decompresses one whole stream.
    public func decompress(_ bytes: [UInt8], limit: Int) throws(CompressionError) -> [UInt8] {
        // Not a local variable: zlib remembers the stream's address.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        guard inflateInit_(stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .unavailable("zlib")
        }
        defer { inflateEnd(stream) }
        return try StreamCoding.run(bytes, format: "zlib", limit: limit) { (input, room) throws(CompressionError) in
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.pointee.avail_in = uInt(clamping: input.count)
            stream.pointee.next_out = room.baseAddress
            stream.pointee.avail_out = uInt(room.count)
            let given = stream.pointee.avail_in
            let code = inflate(stream, Z_NO_FLUSH)
            guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else { throw .damaged("zlib") }
            return StreamCoding.Step(
                consumed: Int(given - stream.pointee.avail_in),
                produced: room.count - Int(stream.pointee.avail_out),
                isEnd: code == Z_STREAM_END
            )
        }
    }
}
