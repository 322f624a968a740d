import CeleriacTasks
import CeleryMessage
import Testing
import Transport
import WorkerPool

@testable import WorkerRuntime

/// What a task's end leaves in the history, by what became of it.
struct HistoryRecordingTests {
    private func note(
        _ outcome: TaskOutcome,
        policy: TaskPolicy = TaskPolicy(),
        retries: Int = 0,
        change: (inout WorkerConfiguration) -> Void = { _ in }
    ) throws -> (note: HistoryNote?, commit: Commit) {
        var configuration = WorkerConfiguration(
            nodeName: "w1@test",
            queues: [QueuePolicy(name: "celery", pool: "here")],
            tasks: [:],
            defaultPool: "here"
        )
        change(&configuration)
        var message = TaskMessage(task: "proj.add", id: "id-1", kwargs: ["company": 5, "phone": 6])
        message.headers.retries = retries
        let commit = Tracer(configuration: configuration, codecs: .json, random: { $0.upperBound }).ending(
            of: ReceivedMessage(message),
            item: try message.encode(),
            tag: DeliveryTag("w:1"),
            queue: "celery",
            policy: policy,
            outcome: outcome,
            enqueued: [],
            now: Instant(seconds: 1_700_000_000)
        ).commit
        return (commit.history, commit)
    }

    private func end(_ outcome: TaskOutcome, policy: TaskPolicy = TaskPolicy(), retries: Int = 0) throws -> TaskEnd? {
        guard case .finished(let end)? = try note(outcome, policy: policy, retries: retries).note else { return nil }
        return end
    }

    private static let failure = TaskOutcome.failure(.valueError("no"), traceback: "Traceback")

    @Test(
        arguments: [
            (TaskOutcome.success(result: Array("1".utf8)), TaskState.success, nil), (failure, .failure, "ValueError"),
            (.ignored, .ignored, nil), (.rejected(TaskReject(reason: "no")), .rejected, "Reject"),
            (.revoked(reason: .expired), .revoked, "TaskRevokedError"),
            (.timeLimitExceeded(seconds: 5), .failure, "TimeLimitExceeded"),
            (.workerLost(.signal(9)), .failure, "WorkerLostError"),
        ] as [(TaskOutcome, TaskState, String?)]
    )
    func `an end for good is recorded`(_ outcome: TaskOutcome, _ state: TaskState, _ exception: String?) throws {
        let end = try #require(try end(outcome))
        #expect((end.state, end.exception?.type) == (state, exception))
        #expect((end.id, end.name, end.queue) == ("id-1", "proj.add", "celery"))
        #expect(end.bound == (end.isCompleted ? .completed : .failed))
    }

    @Test(arguments: [
        TaskOutcome.interrupted, .rejected(TaskReject(reason: "again", requeue: true)),
        .replaced(by: Signature(task: "other")),
        .alreadySucceeded(ResultRecord(taskID: "id-1", status: .success, result: Array("1".utf8))),
    ])
    func `a task that goes on elsewhere, or was recorded before, leaves nothing`(_ outcome: TaskOutcome) throws {
        #expect(try note(outcome).note == nil)
    }

    @Test func `one that goes back after its time limit or with its process leaves nothing`() throws {
        var policy = TaskPolicy(rejectOnWorkerLost: true)
        policy.acksOnTimeout = false
        #expect(try note(.timeLimitExceeded(seconds: 5), policy: policy).note == nil)
        #expect(try note(.workerLost(.signal(9)), policy: policy).note == nil)
    }

    @Test func `a retry is counted, and its message tells of the attempt`() throws {
        let policy = TaskPolicy(defaultRetryDelay: 0, autoretryFor: ["ValueError"])
        let (note, commit) = try note(Self.failure, policy: policy)
        #expect(note == .retried(queue: "celery"))
        let sent = commit.effects.compactMap { effect -> [UInt8]? in
            if case .publish(let message) = effect { message.item } else { nil }
        }
        let message = try TaskMessage.decode(try #require(sent.first), codecs: .json, limits: .init())
        let attempts = message.headers.extra[HistoryWriter.attemptsHeader]?.array
        #expect(attempts?.first?.array?[3] == "no")
        // Retried to its end, it is a failure.
        #expect(try end(Self.failure, policy: policy, retries: 3)?.state == .failure)
    }

    @Test func `a task that keeps no history leaves nothing, not even in its retries`() throws {
        var policy = TaskPolicy(defaultRetryDelay: 0, autoretryFor: ["ValueError"])
        policy.keepsHistory = false
        #expect(try note(.success(result: Array("1".utf8)), policy: policy).note == nil)
        let (note, commit) = try note(Self.failure, policy: policy)
        #expect(note == nil)
        guard case .publish(let message)? = commit.effects.last else {
            Issue.record("no retry")
            return
        }
        #expect(!String(decoding: message.item, as: UTF8.self).contains(HistoryWriter.attemptsHeader))
    }

    @Test func `bounds, tenant and masks are those configured`() throws {
        let (note, _) = try note(Self.failure) {
            $0.queues[0].failed = HistoryBound(count: 7, seconds: 8)
            $0.tenantNames = TenantNames(["company"])
            $0.secretNames = ["phone"]
        }
        guard case .finished(let end)? = note else {
            Issue.record("nothing recorded")
            return
        }
        #expect(end.bound == HistoryBound(count: 7, seconds: 8))
        var line: [UInt8] = []
        end.writer.write(end, into: &line)
        let read = try JSONReader.value(line)
        #expect(read["m"]?.string == "5")
        #expect(read["k"]?["phone"]?.string == "***")
    }
}
