import CeleryMessage
import Inspection

@testable import Alerts

extension AlertLetter {
    /// A letter of a task `proj.charge`.
    static func sample(_ id: String, kind: String = "ValueError", at moment: Instant) -> AlertLetter {
        AlertLetter(.sample(id, kind: kind, at: moment))
    }
}

extension DeadLetter {
    /// The traceback of every sample.
    static let traceback = """
        Traceback (most recent call last):
          File "/lib/pool.py", line 7, in run
            handler(task)
        OSError: first

        During handling of the above exception, another exception occurred:

        Traceback (most recent call last):
          File "/app/run.py", line 12, in run
            charge(card)
          File "/app/cards.py", line 3, in charge
        ValueError: declined
        """

    /// A letter of a task `proj.charge` that has secrets among its arguments.
    static func sample(_ id: String, kind: String = "ValueError", at moment: Instant) -> DeadLetter {
        var task = FinishedTask(
            id: id,
            name: "proj.charge",
            queue: "cards",
            state: .failure,
            worker: "w1@host",
            finishedAt: moment
        )
        task.attempts = 3
        task.tenant = "acme"
        task.arguments = #"["an argument"]"#
        task.failure = .init(type: kind, message: "declined", traceback: traceback)
        return DeadLetter(task: task, reason: "its retries are used up", item: [], list: "cards")
    }
}
