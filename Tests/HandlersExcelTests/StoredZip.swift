/// Writes ZIP archives without compression, and wrong ones on purpose.
struct StoredZip {
    private var bytes: [UInt8] = []
    private var directory: [UInt8] = []
    private var count = 0

    /// Adds an entry.
    ///
    /// - Parameter claimedSize: what both headers say instead of the truth.
    mutating func add(_ name: String, _ content: [UInt8], claimedSize: Int? = nil, flags: Int = 0) {
        let offset = bytes.count
        let facts =
            word(flags, 2) + word(0, 2) + word(0, 4) + word(Int(Self.checksum(content)), 4) + word(content.count, 4)
            + word(claimedSize ?? content.count, 4) + word(name.utf8.count, 2) + word(0, 2)
        bytes += word(0x0403_4B50, 4) + word(20, 2) + facts + Array(name.utf8) + content
        directory +=
            word(0x0201_4B50, 4) + word(20, 2) + word(20, 2) + facts + word(0, 2) + word(0, 2) + word(0, 2) + word(0, 4)
            + word(offset, 4) + Array(name.utf8)
        count += 1
    }

    /// The archive.
    func finished() -> [UInt8] {
        bytes + directory + word(0x0605_4B50, 4) + word(0, 4) + word(count, 2) + word(count, 2)
            + word(directory.count, 4) + word(bytes.count, 4) + word(0, 2)
    }

    private func word(_ value: Int, _ size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in crc >> 8 ^ table[Int((crc ^ UInt32(byte)) & 0xFF)] }
    }
}
