import CeleryMessage

/// A hash that is the same on every host and at every start: FNV-1a over 128 bits, mixed at the end.
///
/// Not for secrets: whoever chooses the input can choose the result.
package struct StableHash {
    private var state: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d

    package init() {}

    /// Adds a text, and a mark behind it so that `ab`, `c` differs from `a`, `bc`.
    package mutating func combine(_ text: String) {
        for byte in text.utf8 { combine(byte) }
        combine(0xFF as UInt8)
    }

    /// Adds a number.
    package mutating func combine(_ number: Int64) {
        for shift in stride(from: 0, to: 64, by: 8) { combine(UInt8(truncatingIfNeeded: number >> Int64(shift))) }
    }

    /// Adds bytes, and a mark behind them.
    package mutating func combine(_ bytes: [UInt8]) {
        for byte in bytes { combine(byte) }
        combine(0xFF as UInt8)
    }

    private mutating func combine(_ byte: UInt8) {
        state ^= UInt128(byte)
        state &*= 0x0000_0000_0100_0000_0000_0000_0000_013B
    }

    /// Sixty-four bits.
    package var value: UInt64 { Self.mix(UInt64(truncatingIfNeeded: state) ^ Self.mix(UInt64(state >> 64))) }

    /// A UUID (version 8: made by a rule of one's own), in lower case.
    package var uuid: String {
        let high = value & 0xFFFF_FFFF_FFFF_0FFF | 0x8000
        let low = Self.mix(UInt64(state >> 64) &+ 0x9E37_79B9_7F4A_7C15) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return Identifier.uuid(high: high, low: low)
    }

    /// The end of splitmix64: every bit of the input moves every bit of the result.
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
