import Testing
import YAML

@Suite struct `YAML emitter` {
    @Test func `writes blocks with sorted keys, lists not indented`() {
        let value = YAMLValue.mapping([
            YAMLMember("retries", .int(0)),
            YAMLMember("args", .sequence([.sequence([.int(1), .double(2)]), .mapping([])])),
            YAMLMember("embed", .mapping([YAMLMember("chord", .null), YAMLMember("callbacks", .sequence([]))])),
            YAMLMember("Z", .sequence([.mapping([YAMLMember("b", .bool(true)), YAMLMember("a", .string("x"))])])),
        ])
        let text = """
            Z:
            - a: x
              b: true
            args:
            - - 1
              - 2.0
            - {}
            embed:
              callbacks: []
              chord: null
            retries: 0

            """
        #expect(YAMLEmitter.string(value) == text)
    }

    @Test(
        arguments: [
            (.string(""), "''"), (.string("plain text"), "plain text"), (.string("yes"), "'yes'"),
            (.string("1e3"), "'1e3'"),
            (.string("0o17"), "'0o17'"), (.string("1_000"), "'1_000'"), (.string("12:30"), "'12:30'"),
            (.string("~"), "'~'"),
            (.string("- a"), "'- a'"), (.string("a: b"), "'a: b'"), (.string("a:"), "'a:'"),
            (.string("a #b"), "'a #b'"),
            (.string("a#b"), "a#b"), (.string("it's"), "it's"), (.string("'"), "''''"), (.string(" a"), "' a'"),
            (.string("a "), "'a '"), (.string("---"), "'---'"), (.string("..."), "'...'"), (.string("="), "'='"),
            (.string("<<"), "'<<'"),
            (.string("a\nb"), #""a\nb""#), (.string("ğ\"\\"), #""\u011F\"\\""#), (.string("🙂"), #""\U0001F642""#),
            (.string("\u{85}\u{7F}"), #""\x85\x7F""#), (.string("2001-12-14"), "'2001-12-14'"),
            (.double(1), "1.0"), (.double(1e17), "1.0e+17"), (.double(1.5e-7), "1.5e-07"), (.double(.nan), ".nan"),
            (.double(-.infinity), "-.inf"), (.double(-0.0), "-0.0"),
            (.bigInt("-18446744073709551616"), "-18446744073709551616"),
            (.date("2001-12-14"), "2001-12-14"), (.date("nonsense"), "nonsense"),
            (.datetime("2001-12-14T01:02:03+00:00"), "2001-12-14T01:02:03+00:00"),
            (.bytes([0xFF]), "!!binary \"/w==\""),
            (.bytes([]), "!!binary \"\""), (.sequence([]), "[]"), (.mapping([]), "{}"),
        ] as [(YAMLValue, String)]
    )
    func `writes scalars so that both schemas read them back`(value: YAMLValue, text: String) throws {
        #expect(YAMLEmitter.string(value) == text + "\n")
        guard text != ".nan", value != .date("nonsense") else { return }
        #expect(try YAMLReader.value(Array(text.utf8), schema: .python) == value)
    }

    @Test func `writes long keys so that readers accept them`() throws {
        let key = String(repeating: "k", count: 3000)
        let inner = YAMLValue.mapping([YAMLMember("b", .null), YAMLMember(key + "ş", .sequence([.int(1)]))])
        let value = YAMLValue.mapping([YAMLMember(key, .mapping([YAMLMember("a", inner)]))])
        #expect(try YAMLReader.value(YAMLEmitter.bytes(value), schema: .python) == value)
    }

    @Test(arguments: 0..<200)
    func `reads back what it wrote, whatever it is`(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let value = YAMLValue.random(&random, depth: 4)
        #expect(try YAMLReader.value(YAMLEmitter.bytes(value), schema: .python) == value)
    }
}

/// A small random source with a seed, so that a failing case can be run again.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension YAMLValue {
    /// Any value, mappings with sorted keys, texts made of what confuses YAML readers.
    static func random(_ random: inout SplitMix, depth: Int) -> YAMLValue {
        switch Int.random(in: 0..<(depth > 0 ? 12 : 8), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .int(Int64.random(in: .min ... .max, using: &random))
        case 3: return .double(Double(bitPattern: random.next() & 0xBFEF_FFFF_FFFF_FFFF))
        case 4:
            return .bytes(
                (0..<Int.random(in: 0..<9, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            )
        case 5, 6, 7: return .string(text(&random))
        case 8, 9:
            return .sequence(
                (0..<Int.random(in: 0..<4, using: &random)).map { _ in .random(&random, depth: depth - 1) }
            )
        default:
            let keys = Set((0..<Int.random(in: 0..<4, using: &random)).map { _ in text(&random) })
            let sorted = keys.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }
            return .mapping(sorted.map { YAMLMember($0, .random(&random, depth: depth - 1)) })
        }
    }

    private static func text(_ random: inout SplitMix) -> String {
        let pieces = [
            "a", "B", "0", "1", "9", "-", ":", " ", "#", "'", "\"", "\\", "\n", "\t", "\r", "ğ", "🙂", "\u{85}",
            "\u{2028}", "\u{FEFF}",
            "{", "]", ",", "&", "*", "!", "|", ">", "%", "@", "`", "?", "~", "=", "<<", ".", "_", "e", "+", "\u{0}",
            "yes", "null", "...",
        ]
        return (0..<Int.random(in: 0..<6, using: &random)).map { _ in
            pieces[Int.random(in: 0..<pieces.count, using: &random)]
        }
        .joined()
    }
}
