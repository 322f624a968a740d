import RedisClient

/// The Lua scripts of this target; each has a file of its own under `Scripts`.
enum Scripts {
    static let alerts = RedisScript(name: "alerts", source: text(PackageResources.alerts_lua))
    static let audit = RedisScript(name: "audit", source: text(PackageResources.audit_lua))
    static let cleanHistory = RedisScript(name: "clean_history", source: text(PackageResources.clean_history_lua))
    static let countMessages = RedisScript(name: "count_messages", source: text(PackageResources.count_messages_lua))
    static let countQueues = RedisScript(name: "count_queues", source: text(PackageResources.count_queues_lua))
    static let deadLetters = RedisScript(name: "dead_letters", source: text(PackageResources.dead_letters_lua))
    static let drain = RedisScript(name: "drain", source: text(PackageResources.drain_lua))
    static let drainParked = RedisScript(name: "drain_parked", source: text(PackageResources.drain_parked_lua))
    static let enqueue = RedisScript(name: "enqueue", source: text(PackageResources.enqueue_lua))
    static let enqueueBulk = RedisScript(name: "enqueue_bulk", source: text(PackageResources.enqueue_bulk_lua))
    static let findWaiting = RedisScript(name: "find_waiting", source: text(taskID + PackageResources.find_waiting_lua))
    static let forgetFinished = RedisScript(
        name: "forget_finished",
        source: text(PackageResources.forget_finished_lua)
    )
    static let listHeld = RedisScript(name: "list_held", source: text(taskID + PackageResources.list_held_lua))
    static let listParked = RedisScript(name: "list_parked", source: text(PackageResources.list_parked_lua))
    static let listWaiting = RedisScript(name: "list_waiting", source: text(PackageResources.list_waiting_lua))
    static let look = RedisScript(name: "look", source: text(taskID + PackageResources.look_lua))
    static let storeRecord = RedisScript(name: "store_record", source: text(PackageResources.store_record_lua))
    static let unpark = RedisScript(name: "unpark", source: text(PackageResources.unpark_lua))

    /// What stands in front of the scripts that ask for the ids of messages.
    private static let taskID = PackageResources.task_id_lua

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
