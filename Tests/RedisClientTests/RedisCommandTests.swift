import NIOCore
import Testing

@testable import RedisClient

struct RedisCommandTests {
    private func text(_ command: RedisCommand) -> String { String(decoding: command.wireBytes, as: UTF8.self) }

    @Test func `writes an array of bulk strings`() {
        #expect(text(RedisCommand("GET", "key")) == "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n")
        #expect(text(RedisCommand("PING")) == "*1\r\n$4\r\nPING\r\n")
    }

    @Test func `counts bytes, not characters`() {
        #expect(text(RedisCommand("SET", "ş", "İğ")) == "*3\r\n$3\r\nSET\r\n$2\r\nş\r\n$4\r\nİğ\r\n")
    }

    @Test func `needs no quoting whatever the bytes are`() {
        let value: [UInt8] = [0, 13, 10, 36, 255]
        let command = RedisCommand("SET", "k\r\nDEL x", value)
        #expect(
            command.wireBytes
                == Array("*3\r\n$3\r\nSET\r\n$8\r\nk\r\nDEL x\r\n$5\r\n".utf8) + value + [13, 10]
        )
    }

    @Test(arguments: [
        (0, "0"), (-1, "-1"), (9, "9"), (10, "10"), (-10, "-10"), (99_999, "99999"),
        (Int.max, "9223372036854775807"), (Int.min, "-9223372036854775808"),
    ])
    func `writes integers as String does`(value: Int, digits: String) {
        #expect(text(RedisCommand("X", value)) == "*2\r\n$1\r\nX\r\n$\(digits.utf8.count)\r\n\(digits)\r\n")
    }

    @Test(arguments: [
        (0.0, "0"), (1.5, "1.5"), (1_700_000_000.25, "1700000000.25"), (0.1, "0.1"), (1e300, "1e+300"), (-2.0, "-2"),
        (Double.infinity, "+inf"), (-Double.infinity, "-inf"),
    ])
    func `writes numbers so that they read back exactly`(value: Double, digits: String) {
        #expect(text(RedisCommand("X", value)).hasSuffix("$\(digits.utf8.count)\r\n\(digits)\r\n"))
    }

    @Test func `builds the same command by appending`() {
        var command = RedisCommand("ZADD")
        command.append("key")
        command.append(2.5)
        command.append([UInt8(ascii: "m")])
        command.append(7)
        command.append([1, 2, 3][...])
        command.append(contentsOf: ["a", "b"])
        command.append(contentsOf: RedisArguments("c", 4))
        #expect(
            command
                == RedisCommand("ZADD", "key", 2.5, [UInt8(ascii: "m")], 7, [UInt8(1), 2, 3][...], "a", "b", "c", 4)
        )
        #expect(command.argumentCount == 9)
    }

    @Test func `writes into a buffer what it shows`() {
        let command = RedisCommand("MSET", "a", 1, "b", 22, "c", "")
        var buffer = ByteBuffer()
        command.write(to: &buffer)
        #expect(Array(buffer.readableBytesView) == command.wireBytes)
    }

    @Test func `takes arguments from a literal`() {
        let arguments: RedisArguments = ["one", "two"]
        #expect(arguments == RedisArguments(["one", "two"]))
        #expect(arguments.count == 2)
    }

    @Test func `asks for tracking without its own changes`() {
        #expect(
            RedisCommand.clientTracking(redirect: 12)
                == RedisCommand("CLIENT", "TRACKING", "ON", "REDIRECT", 12, "NOLOOP")
        )
    }
}

struct RedisScriptTests {
    @Test(arguments: [
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
        ("return 1", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"),
        (String(repeating: "a", count: 1000), "291e9a6c66994949b57ba5e650361e98fc36b1ba"),
    ])
    func `names a script by its SHA-1`(source: String, digest: String) {
        #expect(RedisScript(name: "test", source: source).sha1 == digest)
    }

    @Test(arguments: [55, 56, 63, 64, 65, 119, 120])
    func `pads every length to whole blocks`(length: Int) {
        let digest = SHA1.hexadecimal([UInt8](repeating: 0x61, count: length))
        #expect(digest.utf8.count == 40)
        #expect(digest != SHA1.hexadecimal([UInt8](repeating: 0x61, count: length + 1)))
    }

    @Test func `puts the number of keys before keys and arguments`() {
        let script = RedisScript(name: "test", source: "return 1")
        #expect(
            script.command(keys: ["k1", "k2"], arguments: ["a"])
                == RedisCommand("EVALSHA", script.sha1, 2, "k1", "k2", "a")
        )
        #expect(script.command(keys: []) == RedisCommand("EVALSHA", script.sha1, 0))
        #expect(script.sourceCommand(keys: ["k"]) == RedisCommand("EVAL", "return 1", 1, "k"))
    }
}
