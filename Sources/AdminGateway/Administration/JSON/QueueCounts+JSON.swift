import CeleryMessage
import Inspection

extension QueueCounts {
    /// What an application's own statistics show, no more.
    var plainJSON: JSONValue { .object(JSONObject(unique: members)) }

    /// Everything.
    var json: JSONValue {
        .object(
            JSONObject(
                unique: members + [
                    ("paused", .bool(isPaused)), ("completedEver", number(completedEver)),
                    ("failedEver", number(failedEver)), ("consumers", number(consumers)),
                    ("oldestWaiting", oldestWaiting.map(JSONValue.double) ?? .null),
                ]
            )
        )
    }

    private var members: [(key: String, value: JSONValue)] {
        [
            ("queue", .string(name)), ("waiting", number(waiting)), ("active", number(active)),
            ("completed", number(completed)), ("failed", number(failed)), ("delayed", number(delayed)),
            ("total", number(total)),
        ]
    }

    private func number(_ count: Int?) -> JSONValue { count.map { .int(Int64($0)) } ?? .null }
}
