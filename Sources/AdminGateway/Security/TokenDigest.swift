import Crypto

/// Digests of tokens, and their comparison.
enum TokenDigest {
    /// The SHA-256 of a token's UTF-8.
    static func of(_ token: String) -> [UInt8] { Array(SHA256.hash(data: Array(token.utf8))) }

    /// Whether two digests are equal, in a time that does not tell how much of them is.
    static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for (one, other) in zip(left, right) { difference |= one ^ other }
        return difference == 0
    }
}
