import FoundationEssentials

/// A look at a PNG file's header before cairo decodes it: a small file can claim an enormous picture.
enum PNGFile {
    /// The most pixels either side may have.
    static let longestSide = 4_000
    /// The most bytes the file may have.
    static let mostBytes = 5_000_000

    /// What is wrong with the file.
    struct Problem: Error, Equatable {
        var message: String
    }

    /// Checks that a file is a PNG of reasonable size.
    static func check(_ path: String) throws(Problem) {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw Problem(message: "\(path) cannot be read")
        }
        try check(Array(bytes), name: path)
    }

    static func check(_ bytes: [UInt8], name: String) throws(Problem) {
        guard bytes.count <= mostBytes else {
            throw Problem(message: "\(name) has \(bytes.count) bytes, at most \(mostBytes) are allowed")
        }
        let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        // After the signature the first chunk follows: length, "IHDR", width, height.
        guard bytes.count >= 24, bytes.starts(with: signature), bytes[12..<16].elementsEqual("IHDR".utf8) else {
            throw Problem(message: "\(name) is not a PNG file")
        }
        let width = number(bytes[16..<20])
        let height = number(bytes[20..<24])
        guard (1...longestSide).contains(width), (1...longestSide).contains(height) else {
            throw Problem(message: "\(name) is \(width) × \(height) pixels, at most \(longestSide) a side are allowed")
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }
}
