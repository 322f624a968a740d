import Testing
import YAML

@Suite struct `YAML reader` {
    @Test func `keeps kinds, styles, order and places`() throws {
        let root = try YAMLReader.node("b: one\na:\n  - 'two'\n  - {x: \"three\"}\n  - |\n    four\n")
        let entries = try #require(root.mapping)
        #expect(entries.map(\.key) == ["b", "a"])
        #expect(entries[1].keyPosition == YAMLPosition(line: 2, column: 1))
        #expect(root["b"]?.scalar == YAMLScalar("one"))
        #expect(root["b"]?.position == YAMLPosition(line: 1, column: 4))
        let items = try #require(root["a"]?.sequence)
        #expect(items[0].scalar == YAMLScalar("two", style: .singleQuoted))
        #expect(items[1]["x"]?.scalar == YAMLScalar("three", style: .doubleQuoted))
        #expect(items[1]["x"]?.position == YAMLPosition(line: 4, column: 9))
        #expect(items[2].scalar == YAMLScalar("four\n", style: .literal))
    }

    @Test func `counts columns in characters`() throws {
        let root = try YAMLReader.node("{ğüşıöç: 🙂, b: x}")
        #expect(root["b"]?.position == YAMLPosition(line: 1, column: 16))
        #expect(root["ğüşıöç"]?.scalar?.text == "🙂")
    }

    @Test(arguments: ["", "# only a comment\n", "---\n", "--- \n...\n", "\u{FEFF}"])
    func `reads an empty document as null`(text: String) throws {
        #expect(try YAMLReader.node(text).value(.core) == .null)
    }

    @Test func `accepts a byte order mark and Windows line ends`() throws {
        let root = try YAMLReader.node("\u{FEFF}a: 1\r\nb: 2\r\n")
        #expect(try root.value(.core) == .mapping([YAMLMember("a", .int(1)), YAMLMember("b", .int(2))]))
    }

    @Test func `expands aliases and lets them refer again after redefinition`() throws {
        let value = try YAMLReader.node("a: &x 1\nb: *x\nc: &x [2]\nd: *x\n").value(.core)
        let list = YAMLValue.sequence([.int(2)])
        let expected = [("a", YAMLValue.int(1)), ("b", .int(1)), ("c", list), ("d", list)]
        #expect(value == .mapping(expected.map { YAMLMember($0.0, $0.1) }))
    }

    @Test func `hands on the entries of a block at the top one by one`() throws {
        let text = """
            base: &base {x: 1, a: 9}
            long:
              <<: *base
              a: {b: [1, 2]}
              c: *base
            last: 3
            """
        var taken: [(key: String, above: [String], value: YAMLValue)] = []
        let root = try YAMLReader.node(Array(text.utf8), handingOn: "long") { entry, above in
            taken.append((entry.key, above.map(\.key), (try? entry.value.value(.core)) ?? .null))
        }
        let whole = try YAMLReader.node(text)
        #expect(taken.map(\.key) == whole["long"]?.mapping?.map(\.key))
        #expect(taken.map(\.value) == (try whole["long"]?.mapping?.map { try $0.value.value(.core) }))
        #expect(taken.allSatisfy { $0.above == ["base"] })
        #expect(root.mapping?.map(\.key) == ["base", "long", "last"])
        #expect(root["long"]?.mapping == [])
    }

    @Test(arguments: ["long: [1]", "x: &x {a: 1}\nlong: *x", "long: &x {a: 1}", "long: 5", "- long", "{}", "long: {}"])
    func `hands on nothing where the block is no plain block`(_ text: String) throws {
        var taken = 0
        let root = try YAMLReader.node(Array(text.utf8), handingOn: "long") { _, _ in taken += 1 }
        #expect(taken == 0)
        #expect(root == (try YAMLReader.node(text)))
    }

    @Test func `refuses a repeated key among many and in a block that is handed on`() {
        let many = (0..<30).map { "k\($0): 1\n" }.joined()
        for text in [many + "k3: 2\n", "long:\n  a: 1\n  a: 2\n", "long: {<<: {a: 1}, <<: {b: 1}}\n"] {
            let error = #expect(throws: YAMLError.self) {
                _ = try YAMLReader.node(Array(text.utf8), handingOn: "long") { _, _ in }
            }
            #expect(error?.code == .duplicateKey)
        }
    }

    @Test func `merges mappings, own keys and earlier mappings winning`() throws {
        let text = """
            base: &base {a: 1, b: 1}
            more: &more {b: 2, c: 2}
            both:
              c: 3
              <<: [*base, *more]
            one:
              <<: *more
              b: 9
            """
        let root = try YAMLReader.node(text)
        #expect(root["both"]?.mapping?.map(\.key) == ["c", "a", "b"])
        #expect(try root["both"]?["a"]?.value(.core) == .int(1))
        #expect(try root["both"]?["b"]?.value(.core) == .int(1))
        #expect(try root["both"]?["c"]?.value(.core) == .int(3))
        #expect(try root["one"]?["b"]?.value(.core) == .int(9))
        #expect(root["one"]?["c"]?.position.line == 2)
    }

    @Test func `takes a quoted merge key for an ordinary key`() throws {
        #expect(try YAMLReader.node("'<<': 1").mapping?.map(\.key) == ["<<"])
    }

    // MARK: Errors

    /// A text, the code, place and message of its error, and the other place where there is one.
    struct Wrong: Sendable, CustomTestStringConvertible {
        var text: String
        var code: YAMLError.Code
        var place: (Int, Int)
        var message: String
        var related: (Int, Int)?
        var testDescription: String { message }
    }

    @Test(arguments: [
        Wrong(
            text: "a: 1\nb: 2\na: 3\n",
            code: .duplicateKey,
            place: (3, 1),
            message: "the key 'a' stands here twice; first on line 1",
            related: (1, 1)
        ),
        Wrong(
            text: "x: {k: 1,\n \"k\": 2}\n",
            code: .duplicateKey,
            place: (2, 2),
            message: "the key 'k' stands here twice; first on line 1",
            related: (1, 5)
        ),
        Wrong(
            text: "a: 1\n---\nb: 2\n",
            code: .severalDocuments,
            place: (2, 1),
            message: "a second document begins here; only one is read"
        ),
        Wrong(
            text: "? [a, b]\n: 1\n",
            code: .unsupportedKey,
            place: (1, 3),
            message: "a key must be a single value, not a list or a mapping"
        ),
        Wrong(
            text: "a: *nowhere\n",
            code: .alias,
            place: (1, 4),
            message: "no anchor &nowhere stands before the alias *nowhere"
        ),
        Wrong(
            text: "a: &a [1, *a]\n",
            code: .alias,
            place: (1, 11),
            message: "the alias *a stands inside the value it names"
        ),
        Wrong(
            text: "a:\n  <<: 5\n",
            code: .merge,
            place: (2, 7),
            message: "the merge key << takes a mapping or a list of mappings"
        ),
        Wrong(
            text: "m: &m {a: 1}\na:\n  <<: [*m, 5]\n",
            code: .merge,
            place: (3, 7),
            message: "the merge key << takes a mapping or a list of mappings"
        ),
        Wrong(
            text: "a:\n\t- 1\n",
            code: .syntax,
            place: (2, 1),
            message: "a tab may not indent; use spaces"
        ),
        Wrong(
            text: "a: b: c\n",
            code: .syntax,
            place: (1, 5),
            message: "a ':' is not allowed here; quote the text, or check the indentation"
        ),
        Wrong(
            text: "a: @x\n",
            code: .syntax,
            place: (1, 4),
            message: "a value may not begin with '@'; put it in quotes"
        ),
        Wrong(
            text: "a: 1\nbroken\nb: 2\n",
            code: .syntax,
            place: (3, 1),
            message: "a ':' after the key is missing",
            related: (2, 1)
        ),
        Wrong(
            text: "a: [1, 2\nb: 3\n",
            code: .syntax,
            place: (2, 2),
            message: "did not find expected ',' or ']' while parsing a flow sequence, begun on line 1",
            related: (1, 4)
        ),
        Wrong(
            text: "a: \u{01}\n",
            code: .encoding,
            place: (1, 4),
            message: "a control character (U+0001) may not stand here"
        ),
    ])
    func `says what is wrong and where`(wrong: Wrong) throws {
        let error = try #require(throws: YAMLError.self) { try YAMLReader.node(wrong.text) }
        #expect(error.code == wrong.code)
        #expect(error.message == wrong.message)
        #expect(error.position == YAMLPosition(line: wrong.place.0, column: wrong.place.1))
        #expect(error.related == wrong.related.map { YAMLPosition(line: $0.0, column: $0.1) })
    }

    @Test(
        arguments: [
            ([0x61, 0x3A, 0x20, 0xFF], 1, 4), ([0x61, 0x0A, 0xC3], 2, 1), ([0xFF, 0xFE, 0x61, 0x00], 1, 1),
            ([0xED, 0xA0, 0x80], 1, 1),
        ] as [([UInt8], Int, Int)]
    )
    func `refuses bytes that are not UTF-8`(bytes: [UInt8], line: Int, column: Int) throws {
        let error = try #require(throws: YAMLError.self) { try YAMLReader.node(bytes) }
        #expect(error.code == .encoding)
        #expect(error.position == YAMLPosition(line: line, column: column))
    }

    @Test func `describes an error with both places`() throws {
        let error = try #require(throws: YAMLError.self) { try YAMLReader.node("a: 1\na: 2") }
        #expect(error.description == "2:1: the key 'a' stands here twice; first on line 1 (see 1:1)")
    }

    // MARK: Bounds

    private static func limitMessage(_ text: String, _ limits: YAMLLimits) -> String? {
        do throws(YAMLError) {
            _ = try YAMLReader.node(text, limits: limits)
            return nil
        } catch {
            return error.code == .limit ? error.message : "another error: \(error)"
        }
    }

    @Test func `refuses a text that is too long`() {
        #expect(Self.limitMessage("abcd", YAMLLimits(bytes: 3)) == "the text has 4 bytes; at most 3 are read")
        #expect(Self.limitMessage("abc", YAMLLimits(bytes: 3)) == nil)
    }

    @Test(arguments: [("[", "]"), ("{a: ", "}"), ("- ", "")])
    func `refuses nesting beyond the limit, not before`(open: String, close: String) {
        func nested(_ levels: Int) -> String {
            String(repeating: open, count: levels) + "1" + String(repeating: close, count: levels)
        }
        #expect(Self.limitMessage(nested(9), YAMLLimits(depth: 10)) == nil)
        #expect(Self.limitMessage(nested(10), YAMLLimits(depth: 10)) == "nested deeper than 10 levels")
        #expect(Self.limitMessage(nested(100_000), YAMLLimits()) == "nested deeper than 100 levels")
    }

    @Test func `never nests deeper than its own bound`() {
        let text = String(repeating: "[", count: 2000)
        #expect(Self.limitMessage(text, YAMLLimits(depth: 1_000_000)) == "nested deeper than 512 levels")
    }

    @Test func `counts the depth that aliases add`() {
        let text = "a: &a [[1]]\nb: &b [[*a]]\nc: [[*b]]\n"
        #expect(Self.limitMessage(text, YAMLLimits(depth: 8)) == nil)
        #expect(Self.limitMessage(text, YAMLLimits(depth: 7)) == "nested deeper than 7 levels")
    }

    @Test func `refuses a billion laughs at once`() {
        var text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        for level in 1..<30 {
            text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n"
        }
        #expect(Self.limitMessage(text, YAMLLimits()) == "more than 1000000 values, aliases expanded")
    }

    @Test func `refuses a bomb of merge keys`() {
        var text = "a0: &a0 {k0: 1, k1: 2}\n"
        for level in 1..<40 { text += "a\(level): &a\(level) {x\(level): *a\(level - 1), <<: *a\(level - 1)}\n" }
        #expect(Self.limitMessage(text, YAMLLimits(nodes: 10_000)) == "more than 10000 values, aliases expanded")
    }

    @Test func `refuses a long text repeated by aliases`() {
        let text =
            "a: &a \(String(repeating: "x", count: 1000))\nb: [\(Array(repeating: "*a", count: 1000).joined(separator: ","))]\n"
        #expect(
            Self.limitMessage(text, YAMLLimits(expandedBytes: 100_000))
                == "more than 100000 bytes of values, aliases expanded"
        )
    }

    @Test func `survives every cut and many changes of a real text`() {
        let text = Array(
            "a: &x {b: [1, 'two', \"th\\u0131ree\"]}\nc: |\n  four\n  five\nd: *x\ne: !!binary aGk=\n".utf8
        )
        for end in text.indices {
            _ = try? YAMLReader.node(Array(text[..<end]))
            for byte: UInt8 in [0x00, 0x09, 0x0A, 0x22, 0x26, 0x2A, 0x3A, 0x5B, 0x7B, 0xFF] {
                var changed = text
                changed[end] = byte
                _ = try? YAMLReader.node(changed).value(.python)
            }
        }
    }
}
