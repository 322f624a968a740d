/// Standard base64, as message bodies are wrapped (`kombu/transport/virtual/base.py`).
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    /// The six bits of each letter; 0x80 for every other byte.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0x80, count: 256)
        for (value, letter) in alphabet.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()

    /// The base64 text of `bytes`, padded.
    public static func encode(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { out, count in
            bytes.withUnsafeBufferPointer { bytes in
                alphabet.withUnsafeBufferPointer { alphabet in encode(bytes, into: out, alphabet) }
            }
            count = (bytes.count + 2) / 3 * 4
        }
    }

    /// Writes four letters for each three bytes; `out` has room for exactly those.
    private static func encode(
        _ bytes: UnsafeBufferPointer<UInt8>,
        into out: UnsafeMutableBufferPointer<UInt8>,
        _ alphabet: UnsafeBufferPointer<UInt8>
    ) {
        var place = 0
        var written = 0
        while place &+ 3 <= bytes.count {
            let (first, second, third) = (bytes[place], bytes[place &+ 1], bytes[place &+ 2])
            out[written] = alphabet[Int(first &>> 2)]
            out[written &+ 1] = alphabet[Int((first & 3) &<< 4 | second &>> 4)]
            out[written &+ 2] = alphabet[Int((second & 15) &<< 2 | third &>> 6)]
            out[written &+ 3] = alphabet[Int(third & 63)]
            place &+= 3
            written &+= 4
        }
        let left = bytes.count - place
        guard left > 0 else { return }
        let first = bytes[place]
        let second = left == 2 ? bytes[place + 1] : 0
        out[written] = alphabet[Int(first &>> 2)]
        out[written + 1] = alphabet[Int((first & 3) &<< 4 | second &>> 4)]
        out[written + 2] = left == 2 ? alphabet[Int((second & 15) &<< 2)] : UInt8(ascii: "=")
        out[written + 3] = UInt8(ascii: "=")
    }

    /// The bytes that `text` stands for, or `nil` when its padding is wrong.
    ///
    /// As Python's `b64decode` it ignores bytes outside the alphabet, such as the line breaks some producers insert.
    public static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        let decoded = text.withContiguousStorageIfAvailable { decode(buffer: $0) }
        return decoded ?? Array(text).withUnsafeBufferPointer { decode(buffer: $0) }
    }

    static func decode(buffer text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var valid = true
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3) { out, count in
            if let written = decodeStrictly(text, into: out) { count = written } else { valid = false }
        }
        return valid ? bytes : decodeLeniently(text)
    }

    /// Decodes whole padded groups without a foreign byte into `out`, which must hold three bytes for each four;
    /// answers the count, or `nil` when the text is anything else.
    static func decodeStrictly(_ text: UnsafeBufferPointer<UInt8>, into out: UnsafeMutableBufferPointer<UInt8>) -> Int?
    {
        guard text.count & 3 == 0 else { return nil }
        guard text.count > 0 else { return 0 }
        return values.withUnsafeBufferPointer { values in
            let last = text.count - 4
            var place = 0
            var written = 0
            while place < last {
                let a = values[Int(text[place])]
                let b = values[Int(text[place &+ 1])]
                let c = values[Int(text[place &+ 2])]
                let d = values[Int(text[place &+ 3])]
                if (a | b | c | d) & 0x80 != 0 { return nil }
                out[written] = a &<< 2 | b &>> 4
                out[written &+ 1] = b &<< 4 | c &>> 2
                out[written &+ 2] = c &<< 6 | d
                written &+= 3
                place &+= 4
            }
            let padding = text[last + 3] != UInt8(ascii: "=") ? 0 : text[last + 2] != UInt8(ascii: "=") ? 1 : 2
            let a = values[Int(text[last])]
            let b = values[Int(text[last + 1])]
            let c = padding < 2 ? values[Int(text[last + 2])] : 0
            let d = padding < 1 ? values[Int(text[last + 3])] : 0
            if (a | b | c | d) & 0x80 != 0 { return nil }
            out[written] = a &<< 2 | b &>> 4
            if padding < 2 { out[written + 1] = b &<< 4 | c &>> 2 }
            if padding < 1 { out[written + 2] = c &<< 6 | d }
            return written + 3 - padding
        }
    }

    /// Passes over foreign bytes and stops at complete padding (`binascii.a2b_base64` in its lenient form).
    private static func decodeLeniently(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var out: [UInt8] = []
        var group: UInt32 = 0
        var letters = 0
        var pads = 0
        for byte in text {
            if byte == UInt8(ascii: "=") {
                guard letters >= 2 else { continue }
                pads += 1
                guard letters + pads >= 4 else { continue }
                group <<= UInt32(6 * (4 - letters))
                out.append(UInt8(truncatingIfNeeded: group >> 16))
                if letters == 3 { out.append(UInt8(truncatingIfNeeded: group >> 8)) }
                return out
            }
            let value = values[Int(byte)]
            guard value < 0x80 else { continue }
            pads = 0
            group = group << 6 | UInt32(value)
            letters += 1
            guard letters == 4 else { continue }
            out.append(UInt8(truncatingIfNeeded: group >> 16))
            out.append(UInt8(truncatingIfNeeded: group >> 8))
            out.append(UInt8(truncatingIfNeeded: group))
            group = 0
            letters = 0
        }
        return letters == 0 ? out : nil
    }
}
