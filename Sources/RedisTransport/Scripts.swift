import RedisClient

/// The scripts, one file each in `Scripts/`; their headers name keys, arguments and results.
enum Scripts {
    static let claim = script("claim", PackageResources.claim_lua)
    static let commit = script("commit", prelude + PackageResources.dead_lua + PackageResources.commit_lua)
    static let finish = script("finish", prelude + PackageResources.finish_lua)
    static let trimHistory = script("trim_history", PackageResources.trim_history_lua)
    static let heartbeat = script("heartbeat", PackageResources.heartbeat_lua)
    static let releaseDue = script("release_due", PackageResources.release_due_lua)
    static let takeBack = script("take_back", PackageResources.take_back_lua)
    static let restore = script("restore", PackageResources.restore_lua)
    static let forgetWorker = script("forget_worker", PackageResources.forget_worker_lua)
    static let revoke = script("revoke", PackageResources.revoke_lua)
    static let reply = script("reply", PackageResources.reply_lua)

    static let chordParts = script("chord_parts", PackageResources.chord_parts_lua)
    static let chordRecords = script("chord_records", PackageResources.chord_records_lua)
    static let overdueChords = script("overdue_chords", PackageResources.overdue_chords_lua)
    static let publishOnce = script("publish_once", PackageResources.publish_once_lua)

    static let admitTenants = script(
        "admit_tenants",
        PackageResources.tenants_lua + PackageResources.admit_tenants_lua
    )
    static let releaseTenants = script(
        "release_tenants",
        PackageResources.tenants_lua + PackageResources.release_tenants_lua
    )
    static let tenantUsage = script("tenant_usage", PackageResources.tenants_lua + PackageResources.tenant_usage_lua)

    static let beatTurn = script("beat_turn", PackageResources.beat_turn_lua)
    static let beatRegister = script("beat_register", PackageResources.beat_register_lua)
    static let beatEmit = script("beat_emit", PackageResources.beat_emit_lua)
    static let beatLeave = script("beat_leave", PackageResources.beat_leave_lua)

    /// What both scripts that end tasks need.
    private static let prelude = PackageResources.succeeded_lua + PackageResources.history_lua

    private static func script(_ name: String, _ bytes: [UInt8]) -> RedisScript {
        RedisScript(name: name, source: String(decoding: bytes, as: UTF8.self))
    }
}
