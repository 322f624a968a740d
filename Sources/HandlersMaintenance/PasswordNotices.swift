import CeleryMessage
import Databases

/// Remembers whom which run told about which password, in a small database of its own.
///
/// A run's own entries do not count against it: a run that died after writing them published nothing, since mails are
/// published together with the task's end, and its redelivery tells the same users again.
struct PasswordNotices: Sendable {
    private let database: SQLiteDatabase

    /// Keeps the notices in a file, which the first run makes.
    init(path: String) { database = SQLiteDatabase(path: path, mode: .create) }

    /// A table on its own name, so that the file may also be the users' own database.
    private static let table = """
        create table if not exists celeriac_password_notices (
            user_key text not null, expires_at integer not null, task_id text not null, told_at integer not null,
            primary key (user_key, expires_at)
        )
        """

    /// Makes the table when it is missing.
    func prepare() async throws { try await database.execute(Self.table) }

    /// Whether another run told this user about this password since that moment.
    func wasTold(_ user: PasswordUser, since: Instant, byOtherThan taskID: String) async throws -> Bool {
        let row = try await database.firstRow(
            """
            select 1 from celeriac_password_notices where user_key = :user and expires_at = :expires
                and task_id <> :task and told_at > :since
            """,
            [
                "user": .text(user.key), "expires": .int(user.expires.microseconds),
                "task": .text(taskID), "since": .int(since.microseconds),
            ]
        )
        return row != nil
    }

    /// Writes down that a run tells these users, all or none, and forgets what is long past.
    func add(_ users: [PasswordUser], by taskID: String, at now: Instant) async throws {
        try await database.transaction { transaction in
            for user in users {
                try await transaction.execute(
                    """
                    insert into celeriac_password_notices values (:user, :expires, :task, :now)
                    on conflict (user_key, expires_at) do update set task_id = excluded.task_id, told_at = excluded.told_at
                    """,
                    [
                        "user": .text(user.key), "expires": .int(user.expires.microseconds), "task": .text(taskID),
                        "now": .int(now.microseconds),
                    ]
                )
            }
            try await transaction.execute(
                "delete from celeriac_password_notices where told_at < :old",
                ["old": .int((now - .seconds(400 * 86_400)).microseconds)]
            )
        }
    }
}
