import RedisClient

/// The Lua scripts of this target; each has a file of its own under `Scripts`.
enum Scripts {
    static let enqueue = RedisScript(name: "enqueue", source: text(PackageResources.enqueue_lua))
    static let look = RedisScript(name: "look", source: text(PackageResources.look_lua))

    static let deadLetters = RedisScript(name: "dead_letters", source: text(PackageResources.dead_letters_lua))

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
