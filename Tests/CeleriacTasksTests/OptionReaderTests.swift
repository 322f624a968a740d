import CeleriacTasks
import CeleryMessage
import Logging
import Testing

@Suite struct OptionReaderTests {
    private let options = OptionReader([
        "text": "x", "number": 2.5, "int": 3, "flag": false, "list": [1], "texts": ["a", "b"], "block": ["k": ["l": 1]],
        "blocks": [["k": "v"]], "nothing": nil, "infinite": .double(.infinity),
    ])

    @Test func `reads every type`() throws {
        #expect(try options.string("text") == "x")
        #expect(try options.requiredString("text") == "x")
        #expect(try options.int("int", in: 1...5) == 3)
        #expect(try options.number("int") == 3)
        #expect(try options.number("number") == 2.5)
        #expect(try options.bool("flag") == false)
        #expect(try options.array("list") == [1])
        #expect(try options.strings("texts") == ["a", "b"])
        #expect(try options.strings("text") == ["x"])
        #expect(try options.block("block")?.block("k")?.int("l") == 1)
        #expect(try options.blocks("blocks")?.first?.string("k") == "v")
    }

    @Test(arguments: ["absent", "nothing"]) func `takes absent and null for not given`(_ key: String) throws {
        #expect(options.value(key) == nil)
        #expect(try options.string(key) == nil)
        #expect(try options.int(key) == nil)
        #expect(try options.number(key) == nil)
        #expect(try options.bool(key) == nil)
        #expect(try options.strings(key) == nil)
        #expect(try options.block(key) == nil)
        #expect(try options.blocks(key) == nil)
    }

    private func message(_ body: () throws -> some Any) -> String? {
        do {
            _ = try body()
            return nil
        } catch { return "\(error)" }
    }

    @Test func `names the option and what was expected`() {
        #expect(message { try options.string("int") } == "options.int: expected text, got a whole number")
        #expect(message { try options.requiredString("absent") } == "options.absent: is required")
        #expect(message { try options.int("number") } == "options.number: expected a whole number, got a number")
        #expect(message { try options.int("int", in: 4...5) } == "options.int: must be between 4 and 5, is 3")
        #expect(message { try options.number("text") } == "options.text: expected a number, got text")
        #expect(message { try options.number("infinite") } == "options.infinite: expected a number, got a number")
        #expect(message { try options.bool("text") } == "options.text: expected true or false, got text")
        #expect(message { try options.array("block") } == "options.block: expected a list, got a block")
        #expect(message { try options.strings("list") } == "options.list.0: expected text, got a whole number")
        #expect(message { try options.block("list") } == "options.list: expected a block of options, got a list")
        #expect(
            message { try options.blocks("list") } == "options.list.0: expected a block of options, got a whole number"
        )
        #expect(
            message { try options.block("block")?.block("k")?.bool("l") }
                == "options.block.k.l: expected true or false, got a whole number"
        )
    }

    @Test func `refuses options that nobody knows`() throws {
        let known = ["text", "number", "int", "flag", "list", "texts", "block", "blocks", "nothing", "infinite"]
        try options.refuseUnknown(except: known)
        #expect(
            message { try OptionReader(["a": 1, "typo": 1]).refuseUnknown(except: ["c", "a"]) }
                == "options.typo: unknown option; known are a, c"
        )
    }

    @Test func `resolves paths below the configuration's folder`() {
        let setup = HandlerSetup(taskName: "t", options: [:], baseFolder: "/etc/celeriac", logger: Logger(label: "t"))
        #expect(setup.path("/var/x") == "/var/x")
        #expect(setup.path("x/y") == "/etc/celeriac/x/y")
    }
}
