/// A Lua script that the server runs atomically, known by the SHA-1 of its source.
public struct RedisScript: Sendable, Hashable {
    /// A name for logs and errors.
    public let name: String
    /// The Lua source.
    public let source: String
    /// The SHA-1 of the source in lower-case hexadecimal, as `EVALSHA` wants it.
    public let sha1: String

    /// A script; the digest is computed here, so keep scripts in constants.
    public init(name: String, source: String) {
        self.name = name
        self.source = source
        sha1 = SHA1.hexadecimal(Array(source.utf8))
    }

    /// The `EVALSHA` command, for a batch; a `NOSCRIPT` reply must then be handled by the caller.
    public func command(keys: [String], arguments: RedisArguments = RedisArguments()) -> RedisCommand {
        command("EVALSHA", sha1, RedisArguments(keys), arguments)
    }

    /// The `EVALSHA` command with keys that need not be text.
    public func command(keys: RedisArguments, arguments: RedisArguments = RedisArguments()) -> RedisCommand {
        command("EVALSHA", sha1, keys, arguments)
    }

    /// The `EVAL` command, which carries the source and leaves it in the server's cache.
    public func sourceCommand(keys: RedisArguments, arguments: RedisArguments = RedisArguments()) -> RedisCommand {
        command("EVAL", source, keys, arguments)
    }

    private func command(
        _ name: String,
        _ script: String,
        _ keys: RedisArguments,
        _ arguments: RedisArguments
    ) -> RedisCommand {
        var command = RedisCommand(name)
        command.reserveCapacity(script.utf8.count + keys.bytes.count + arguments.bytes.count + 32)
        command.append(script)
        command.append(keys.count)
        command.append(contentsOf: keys)
        command.append(contentsOf: arguments)
        return command
    }
}
