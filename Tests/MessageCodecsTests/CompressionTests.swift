import CeleryMessage
import MessageCodecs
import TestSupport
import Testing

/// One of Celery's compressions with what the test needs to know about it.
struct Format: Sendable, CustomTestStringConvertible {
    let compression: any BodyCompression
    /// A message of 200 letters as Celery 5.7 sent it, decoded from base64 to the compressed body.
    let recorded: String
    /// The Python module of the standard library, where there is one.
    var module: String?

    var testDescription: String { compression.names[0] }

    static let all = [
        Format(
            compression: ZlibCompression(),
            recorded: "eJyLjlaqGCZAKVZHoboWiJWSE3NykhKTs4uVrBTySnNydBSUUouK0ESSMxIz85C5+UUpUG5tLAA37XdF",
            module: "zlib"
        ),
        Format(
            compression: Bzip2Compression(),
            recorded:
                "QlpoOTFBWSZTWShKpaQAAA6bhFAEABAACj5tmkoEACAAVDUAaGgGgEoFAxDEMjI4KXqs842Ti6ZpQIZn6LV+31Sw7QOpAYR1sQwCLvOhAD8ohqjfi7kinChIFCVS0gA=",
            module: "bz2"
        ),
        Format(
            compression: LZMACompression(),
            recorded:
                "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AEWADhdAC3ghPG9qIi7zlTjOozXTDybkD1S14DFwkMY2mtvm+b86IFvanX+8A4XUtI5g2Q5A12M8C7ww24AAF6ja7sahw0zAAFUlwIAAAC3rWWdscRn+wIAAAAABFla",
            module: "lzma"
        ),
        Format(
            compression: ZstandardCompression(),
            recorded:
                "KLUv/WAXAP0BAAQDW1sieCJdLCB7fSwgeyJjYWxsYmFja3MiOiBudWxsLCAiZXJyY2hhaW5jaG9yZH1dBAAysyZq06jZPSIFiA=="
        ),
        Format(
            compression: BrotliCompression(),
            recorded: "GxYBoI3TFfEjpLkHdbJU7bLYVLLtFZspnS43OKLAKA/ShAKMdGEdHHK7XSxuQR+IYC263SMay+CaXpQUuLYRrfQH"
        ),
    ]

    static let inPython = all.filter { $0.module != nil }
}

/// Bytes to compress; a name, because the bytes themselves would be printed with each test.
struct Sample: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]

    static let text = Sample(testDescription: "text", bytes: Array("ğüşıöç İĞÜŞÖÇ".utf8))
    static let all = [
        Sample(testDescription: "nothing", bytes: []), Sample(testDescription: "one byte", bytes: [0]), text,
        Sample(testDescription: "much of the same", bytes: [UInt8](repeating: 120, count: 300_000)),
        Sample(testDescription: "noise longer than one step", bytes: noise),
    ]

    private static let noise = (0..<200_000).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }
}

@Suite(.serialized) struct CompressionTests {
    @Test(arguments: Format.all) func `reads what Celery wrote`(format: Format) throws {
        let body = try #require(Base64.decode(Array(format.recorded.utf8)))
        let text = String(decoding: try format.compression.decompress(body, limit: 1_000), as: UTF8.self)
        let letters = String(repeating: "x", count: 200)
        #expect(
            text
                == "[[\"\(letters)\"], {}, {\"callbacks\": null, \"errbacks\": null, \"chain\": null, \"chord\": null}]"
        )
    }

    @Test(arguments: Format.all, Sample.all) func `gives back what it was given`(format: Format, sample: Sample) throws
    {
        let bytes = sample.bytes
        let small = try format.compression.compress(bytes)
        #expect(try format.compression.decompress(small, limit: bytes.count) == bytes)
    }

    @Test(arguments: Format.inPython, Sample.all) func `exchanges bytes with Python`(format: Format, sample: Sample)
        throws
    {
        let bytes = sample.bytes
        let module = try #require(format.module)
        func python(_ function: String, _ input: [UInt8]) throws -> [UInt8] {
            try PythonProgram.run(
                "import \(module), sys; sys.stdout.buffer.write(\(module).\(function)(sys.stdin.buffer.read()))",
                input: input
            )
        }
        #expect(try python("decompress", format.compression.compress(bytes)) == bytes)
        #expect(try format.compression.decompress(python("compress", bytes), limit: bytes.count) == bytes)
    }

    @Test func `writes the same bytes as Python's zlib`() throws {
        let body = try #require(Base64.decode(Array(Format.all[0].recorded.utf8)))
        let plain = try ZlibCompression().decompress(body, limit: 1_000)
        #expect(try ZlibCompression().compress(plain) == body)
    }

    @Test(arguments: Format.all) func `stops at its limit, to the byte`(format: Format) throws {
        let small = try format.compression.compress([UInt8](repeating: 120, count: 300_000))
        #expect(try format.compression.decompress(small, limit: 300_000).count == 300_000)
        #expect(throws: CompressionError(.tooLarge, "")) { try format.compression.decompress(small, limit: 299_999) }
        #expect(throws: CompressionError(.tooLarge, "")) { try format.compression.decompress(small, limit: 0) }
    }

    @Test(arguments: Format.all) func `stops a bomb without holding it`(format: Format) throws {
        let small = try format.compression.compress([UInt8](repeating: 0, count: 48 << 20))
        #expect(small.count < 1 << 20)
        ResidentMemory.resetPeak()
        let before = try #require(ResidentMemory.peak)
        #expect(throws: CompressionError(.tooLarge, "")) { try format.compression.decompress(small, limit: 1 << 20) }
        // Brotli's own window is 16 MiB.
        #expect(try #require(ResidentMemory.peak) - before < 40 << 20)
    }

    @Test(arguments: Format.all) func `refuses what was cut off, at any place`(format: Format) throws {
        let small = try format.compression.compress(Array("a task's arguments, some of them twice twice".utf8))
        for end in 0..<small.count {
            #expect(throws: CompressionError(.damaged, ""), "cut at \(end)") {
                try format.compression.decompress(Array(small[..<end]), limit: 10_000)
            }
        }
    }

    @Test(arguments: Format.all) func `refuses bytes after the end`(format: Format) throws {
        let small = try format.compression.compress([1, 2, 3])
        #expect(throws: CompressionError(.damaged, "")) { try format.compression.decompress(small + [7], limit: 100) }
    }

    @Test(arguments: Format.all) func `never traps on changed bytes`(format: Format) throws {
        let small = try format.compression.compress(Sample.text.bytes + Sample.text.bytes)
        for place in small.indices {
            for change: UInt8 in [0x01, 0x80, 0xFF] {
                var bytes = small
                bytes[place] ^= change
                _ = try? format.compression.decompress(bytes, limit: 10_000)
            }
        }
    }

    @Test(arguments: Format.all, ["", "not compressed at all", "{}"]) func `refuses what is not its format`(
        format: Format,
        text: String
    ) {
        #expect(throws: (any Error).self) { try format.compression.decompress(Array(text.utf8), limit: 10_000) }
    }

    @Test(arguments: [Format.all[1], Format.all[2], Format.all[3]]) func `joins streams in a row`(format: Format) throws
    {
        let first = try format.compression.compress([1, 2])
        let second = try format.compression.compress([3])
        #expect(try format.compression.decompress(first + second, limit: 3) == [1, 2, 3])
        #expect(throws: CompressionError(.tooLarge, "")) { try format.compression.decompress(first + second, limit: 2) }
    }

    @Test func `refuses thousands of empty streams in a row`() throws {
        let empty = try Bzip2Compression().compress([])
        let bytes = [[UInt8]](repeating: empty, count: 5_000).flatMap { $0 }
        #expect(throws: CompressionError(.damaged, "")) { try Bzip2Compression().decompress(bytes, limit: 100) }
    }

    @Test func `refuses a real gzip file under the name of gzip`() throws {
        let file = try PythonProgram.run("import gzip, sys; sys.stdout.buffer.write(gzip.compress(b'[]'))")
        #expect(throws: CompressionError(.damaged, "")) { try ZlibCompression().decompress(file, limit: 100) }
    }

    @Test func `reads the older container of lzma`() throws {
        let file = try PythonProgram.run(
            "import lzma, sys; sys.stdout.buffer.write(lzma.compress(b'[1]', format=lzma.FORMAT_ALONE))"
        )
        #expect(try LZMACompression().decompress(file, limit: 100) == Array("[1]".utf8))
    }

    @Test func `refuses an xz stream that asks for gigabytes`() throws {
        let file = try PythonProgram.run(
            """
            import lzma, sys
            filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 28, "mode": lzma.MODE_FAST, "mf": lzma.MF_HC3, "depth": 1}]
            sys.stdout.buffer.write(lzma.compress(b"x", filters=filters))
            """
        )
        #expect(throws: CompressionError(.tooLarge, "")) { try LZMACompression().decompress(file, limit: 1 << 30) }
    }

    @Test func `refuses a zstd window larger than any body`() {
        // Magic, no checksum, window descriptor of 2 GiB, one raw block of one byte.
        let frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x09, 0x00, 0x00, 0x61]
        #expect(throws: CompressionError(.tooLarge, "")) {
            try ZstandardCompression().decompress(frame, limit: 64 << 20)
        }
    }
}
