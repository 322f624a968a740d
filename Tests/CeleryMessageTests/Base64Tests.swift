import CeleryMessage
import Foundation
import Testing

@Suite struct `Base 64` {
    @Test(arguments: 0..<70)
    func `agrees with Foundation`(length: Int) throws {
        var generator = SplitMix(state: UInt64(length))
        let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        let text = Array(Data(bytes).base64EncodedString().utf8)
        #expect(Base64.encode(bytes) == text)
        #expect(Base64.decode(text) == bytes)
    }

    @Test(arguments: [
        ("YWJj\nZGVm", "abcdef"), (" Y W J j ", "abc"), ("YQ==YWJj", "a"), ("=YWJj", "abc"), ("YWJj====", "abc"),
        ("YW-Jj_", "abc"), ("", ""), ("\n", ""),
    ])
    func `ignores foreign bytes as Python does`(written: String, expected: String) {
        #expect(Base64.decode(Array(written.utf8)).map(text) == expected)
    }

    @Test(arguments: ["Y", "YQ", "YQ=", "YWJjY", "YWJjYQ=", "YWJ"])
    func `refuses wrong padding`(written: String) {
        #expect(Base64.decode(Array(written.utf8)) == nil)
    }

    @Test func `reads sequences that are no arrays`() {
        #expect(Base64.decode("YWJj".utf8.lazy.map { $0 }) == Array("abc".utf8))
    }
}

@Suite struct Identifiers {
    @Test func `are random UUIDs in lower case`() {
        let ids = (0..<500).map { _ in Identifier.uuid() }
        #expect(Set(ids).count == 500)
        for id in ids {
            #expect(id == UUID(uuidString: id)?.uuidString.lowercased())
            let bytes = Array(id.utf8)
            #expect(bytes[14] == UInt8(ascii: "4"))
            #expect("89ab".utf8.contains(bytes[19]))
        }
    }
}
