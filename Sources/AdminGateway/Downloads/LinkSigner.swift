import CeleryMessage
import Crypto

/// Signs links to files, so that they can be believed when they come back.
struct LinkSigner: Sendable {
    /// What a link is good for.
    struct Grant: Sendable, Hashable {
        /// The task whose result names the file.
        var taskID: String
        /// The file.
        var place: FilePlace
        /// The last second the link is good for, counted from 1970.
        var expires: Int64

        /// Each part with its length: no two grants have the same bytes.
        fileprivate var bytes: [UInt8] {
            var out = Array("celeriac-file".utf8)
            for part in [taskID, place.folder, place.name, String(expires)] {
                out += ":\(part.utf8.count):".utf8
                out += part.utf8
            }
            return out
        }
    }

    private let keys: [SymmetricKey]
    private let lifetime: Int64

    /// A signer; without keys it takes one that nobody else has.
    init(keys: [String], lifetime: Duration, ownKey: SymmetricKey = SymmetricKey(size: .bits256)) {
        self.lifetime = max(1, lifetime.components.seconds)
        self.keys =
            keys.isEmpty
            ? [ownKey] : keys.map { SymmetricKey(data: SHA256.hash(data: Array($0.utf8))) }
    }

    /// When a link that is made now ends: after the lifetime, and at most a quarter of it later.
    ///
    /// Links made within a quarter of the lifetime end together. So they are the same, and so is the status that shows them.
    func expiry(now: Instant) -> Int64 {
        let step = max(1, lifetime / 4)
        return (Self.seconds(now) / step + 1) * step + lifetime
    }

    /// Seconds since 1970.
    static func seconds(_ moment: Instant) -> Int64 { moment.microseconds / 1_000_000 }

    /// The signature, 64 hexadecimal digits.
    func signature(_ grant: Grant) -> String { Self.hex(Self.code(grant, keys[0])) }

    /// Whether one of the keys made the signature; takes the same time for every wrong one.
    func accepts(_ signature: String, of grant: Grant) -> Bool {
        var isRight = false
        for key in keys {
            let own = Self.hex(Self.code(grant, key))
            if TokenDigest.areEqual(Array(own.utf8), Array(signature.utf8)) { isRight = true }
        }
        return isRight
    }

    private static func code(_ grant: Grant, _ key: SymmetricKey) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: grant.bytes, using: key)
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        var out = ""
        for byte in bytes { out += byte < 16 ? "0" + String(byte, radix: 16) : String(byte, radix: 16) }
        return out
    }
}
