import CeleryMessage
import Testing
import Transport
import WorkerPool

@testable import WorkerRuntime

@Suite struct LostProcessTests {
    private static let tracer = Tracer(
        configuration: WorkerConfiguration(
            nodeName: "w@h",
            queues: [QueuePolicy(name: "celery", pool: "here")],
            tasks: [:],
            defaultPool: "here",
            origin: "gen1@h"
        ),
        codecs: .json,
        random: { $0.lowerBound }
    )

    private func ending(retries: Int, policy: TaskPolicy) -> TaskEnding {
        var message = TaskMessage(task: "t", id: "1")
        message.headers.retries = retries
        return Self.tracer.ending(
            of: ReceivedMessage(message),
            item: (try? message.encode()) ?? [],
            tag: DeliveryTag("tag"),
            queue: "celery",
            policy: policy,
            outcome: .workerLost(.signal(9)),
            enqueued: [],
            now: Instant(seconds: 1000)
        )
    }

    @Test func `is retried as often as the task may be, where that is asked for`() throws {
        var policy = TaskPolicy(maxRetries: 2, defaultRetryDelay: 7, rejectOnWorkerLost: true)
        policy.retryOnWorkerLost = true
        let again = ending(retries: 1, policy: policy)
        #expect(again.due == Instant(seconds: 1007))
        guard case .retried(let cause, let countdown) = again.verdict else {
            Issue.record("not retried: \(again.verdict)")
            return
        }
        #expect(cause?.type == "WorkerLostError" && countdown == 7)
        // What the retries were for does not go round for good.
        guard case .lost = ending(retries: 2, policy: policy).verdict else {
            Issue.record("retried too often")
            return
        }
        #expect(
            !ending(retries: 2, policy: policy).commit.effects.contains {
                if case .publish = $0 { true } else { false }
            }
        )
    }

    @Test func `goes back to its queue where only that is asked for`() {
        let ending = ending(retries: 0, policy: TaskPolicy(rejectOnWorkerLost: true))
        #expect(ending.commit.effects.contains { if case .publish = $0 { true } else { false } })
    }
}

@Suite struct LastStateTests {
    private func stored(_ id: String, _ text: String) -> Effect {
        .store(StoredResult(taskID: id, record: Array(text.utf8), timeToLive: nil))
    }

    @Test func `of a run is kept where its end stores nothing`() {
        let state = Commit(tag: nil, acknowledges: false, effects: [stored("1", "state")])
        var ignored = TaskEnding(commit: Commit(tag: nil, acknowledges: true, effects: []), verdict: .ignored)
        ignored.keep(state)
        #expect(ignored.commit.effects == [stored("1", "state")])
        let failed = Commit(tag: nil, acknowledges: true, effects: [stored("2", "later"), stored("1", "end")])
        var ending = TaskEnding(commit: failed, verdict: .ignored)
        ending.keep(state)
        #expect(ending.commit.effects == [stored("2", "later"), stored("1", "end")])
    }
}
