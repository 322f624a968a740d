/// Looks at eight bytes at once, as one word in little-endian order.
///
/// Each answer has the high bit set in the bytes it means. Borrows run upwards only, so the lowest bit is exact and
/// those above it need not be: use `trailingZeroBitCount`, or compare with 0.
enum ByteWord {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    @inline(__always)
    static func load(_ pointer: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(pointer).loadUnaligned(as: UInt64.self))
    }

    /// Quotes, backslashes, control characters and everything that is not ASCII.
    @inline(__always)
    static func special(_ word: UInt64) -> UInt64 {
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let found = ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | ((word &- (ones &* 0x20)) & ~word)
        return (found | word) & highs
    }

    /// The same with DEL, which Python escapes too.
    @inline(__always)
    static func escaped(_ word: UInt64) -> UInt64 {
        let delete = word ^ (ones &* 0x7F)
        return special(word) | ((delete &- ones) & ~delete & highs)
    }
}
