package import CeleryMessage
package import Inspection

/// What an alert says of one task that failed for good: no arguments, which may hold anything.
package struct AlertLetter: Sendable, Hashable {
    /// The task's id.
    package var id: String
    /// Its name; empty where its message could not be read.
    package var task: String
    /// The type of what it raised, or its state.
    package var exception: String
    /// The exception's message, or why the letter is kept.
    package var message: String
    /// The queue it was taken from.
    package var queue: String
    /// Whose task it was.
    package var tenant: String?
    /// The node that ran it.
    package var worker: String
    /// How many attempts it took.
    package var attempts: Int
    /// When it failed.
    package var failedAt: Instant
    /// Letters of one fingerprint failed in the same way.
    package var fingerprint: String
    /// The traceback in Python's layout; not remembered between two alerts.
    package var traceback: String?

    /// What there is to say of a letter.
    package init(_ letter: DeadLetter) {
        id = letter.id
        task = letter.task.name
        exception = letter.task.failure?.type ?? letter.task.state.rawValue
        message = Self.bounded(letter.task.failure?.message ?? letter.reason)
        queue = letter.task.queue
        tenant = letter.task.tenant
        worker = letter.task.worker
        attempts = letter.task.attempts
        failedAt = letter.task.finishedAt
        fingerprint = letter.fingerprint
        traceback = letter.task.failure?.traceback
    }

    /// A letter that stands for none, with which hooks are tried.
    package init(testAt moment: Instant) {
        id = "00000000-0000-4000-8000-000000000000"
        task = "celeriac.test"
        exception = "TestAlert"
        message = "This is a test: nothing has failed."
        queue = "celery"
        worker = "celeriac-gateway"
        attempts = 1
        failedAt = moment
        fingerprint = "0000000000000000"
    }

    private static func bounded(_ text: String) -> String {
        text.unicodeScalars.count <= 1000
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(999))) + "…"
    }
}

extension AlertLetter {
    /// As it is remembered.
    package var json: JSONValue {
        [
            "id": .string(id), "task": .string(task), "exception": .string(exception), "message": .string(message),
            "queue": .string(queue), "tenant": tenant.map(JSONValue.string) ?? .null, "worker": .string(worker),
            "attempts": .int(Int64(attempts)), "at": .int(failedAt.microseconds), "fingerprint": .string(fingerprint),
        ]
    }

    /// What was remembered; `nil` where it is something else.
    package init?(_ json: JSONValue) {
        guard let id = json["id"]?.string, let task = json["task"]?.string, let exception = json["exception"]?.string,
            let message = json["message"]?.string, let queue = json["queue"]?.string,
            let worker = json["worker"]?.string, let at = json["at"]?.int,
            let fingerprint = json["fingerprint"]?.string
        else { return nil }
        self.id = id
        self.task = task
        self.exception = exception
        self.message = message
        self.queue = queue
        self.tenant = json["tenant"]?.string
        self.worker = worker
        self.attempts = json["attempts"]?.int.flatMap { Int(exactly: $0) } ?? 1
        self.failedAt = Instant(microseconds: at)
        self.fingerprint = fingerprint
    }
}
