import CeleriacTasks
import CeleryMessage
import Testing
import Transport
import WorkerPool

@testable import WorkerRuntime

/// What a task returns to its chord, and what follows when the header has ended, beside what Celery was recorded doing.
@Suite struct ChordTracerTests {
    private let now = Instant(microseconds: 1_795_000_000_123_456)

    private func ending(
        of item: [UInt8],
        _ outcome: TaskOutcome,
        results: ResultPolicy = ResultPolicy(),
        policy: TaskPolicy = TaskPolicy(),
        adding: [Signature] = []
    ) throws -> TaskEnding {
        Tracer.test(results: results).ending(
            of: ReceivedMessage(try TaskMessage.decode(item, codecs: .json, limits: MessageLimits())),
            item: item,
            tag: DeliveryTag("w:1"),
            queue: "celery",
            policy: policy,
            outcome: outcome,
            enqueued: [],
            chordAdditions: adding,
            now: now
        )
    }

    private func parts(_ commit: Commit) -> [ChordPart] {
        commit.effects.compactMap { if case .returnChordPart(let part) = $0 { part } else { nil } }
    }

    private func records(_ commit: Commit) throws -> [JSONValue] {
        try commit.effects.compactMap {
            if case .store(let result) = $0 { try JSONReader.value(result.record) } else { nil }
        }
    }

    private func published(_ commit: Commit) -> [[UInt8]] {
        commit.effects.compactMap { if case .publish(let message) = $0 { message.item } else { nil } }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private func success(_ json: String) -> TaskOutcome { .success(result: Array(json.utf8)) }

    // MARK: Parts

    @Test func `a part carries its place, its value and what finishes the chord`() throws {
        let canvas = try RecordedCanvas("chord3")
        let message = try TaskMessage.decode(try canvas.item(1))
        let commit = try ending(of: canvas.item(1), success("4")).commit
        let part = try #require(parts(commit).first)
        #expect(part.groupID == message.headers.group && part.taskID == message.headers.id && part.groupIndex == 1)
        #expect(text(part.value) == #"[1, "\#(message.headers.id)", "SUCCESS", 4]"#)
        #expect(part.timeToLive == 86_400 && part.groupTimeToLive == 86_400 && part.token.count == 32)
        let completion = try #require(ChordCompletion(decoding: part.completion))
        #expect(completion.body == message.payload.embed.chord)
        #expect(completion.parent.id == message.headers.id && completion.parent.root == message.headers.root)
        // The result is stored before the part is counted.
        guard case .store? = commit.effects.first else {
            Issue.record("the first effect stores nothing: \(commit.effects)")
            return
        }
    }

    @Test(arguments: [
        (TaskOutcome.failure(ExceptionInfo(type: "ValueError"), traceback: nil), TaskState.failure),
        (.revoked(reason: .expired), .revoked), (.timeLimitExceeded(seconds: 1), .failure),
        (.workerLost(.signal(9)), .failure), (.workerLost(.terminated), .revoked),
        (.rejected(TaskReject(reason: "no")), .failure),
    ])
    func `every end that stores a result returns a part`(outcome: TaskOutcome, state: TaskState) throws {
        let commit = try ending(of: RecordedCanvas("chord3").item(0), outcome).commit
        let value = try JSONReader.value(try #require(parts(commit).first).value)
        #expect(value.array?[2].string == state.rawValue)
        #expect(value.array?[3]["exc_type"] != nil)
    }

    @Test(arguments: [
        TaskOutcome.ignored, .interrupted, .retry(TaskRetry(countdown: 1), traceback: ""),
        .rejected(TaskReject(reason: "again", requeue: true)), .replaced(by: Signature(task: "other")),
    ])
    func `no other end returns one`(outcome: TaskOutcome) throws {
        #expect(try parts(ending(of: RecordedCanvas("chord3").item(0), outcome).commit).isEmpty)
    }

    @Test func `a part is returned although the result is ignored`() throws {
        let commit = try ending(of: RecordedCanvas("chord_ignore_result_header").item(0), success("2")).commit
        #expect(try records(commit).isEmpty)
        #expect(parts(commit).count == 1)
    }

    @Test func `without a result backend there are no parts`() throws {
        let item = try RecordedCanvas("chord3").item(0)
        #expect(try parts(ending(of: item, success("2"), results: ResultPolicy(enabled: false)).commit).isEmpty)
    }

    @Test func `chords live as long as they are told to`() throws {
        var results = ResultPolicy(expires: 100)
        results.chordExpires = 7
        let part = try #require(
            parts(try ending(of: RecordedCanvas("chord3").item(0), success("2"), results: results).commit).first
        )
        #expect(part.timeToLive == 7 && part.groupTimeToLive == 100)
    }

    @Test func `the failure of a chain's first task is the part of its last`() throws {
        let canvas = try RecordedCanvas("chord_header_chain_fails_first")
        let exception = ExceptionInfo(type: "ValueError", arguments: ["c"])
        let commit = try ending(of: canvas.item(0), .failure(exception, traceback: "Traceback")).commit
        let stored = try records(commit).map { canvas.comparable.value($0) }
        #expect(stored == [canvas.record(0), canvas.record(1)])
        let part = try #require(parts(commit).first)
        #expect(part.taskID == canvas.stored[1]["task_id"]?.string && part.groupIndex == 0)
        #expect(try JSONReader.value(part.value).array?[2] == "FAILURE")
    }

    @Test func `a task added to the header is counted before it is sent`() throws {
        let canvas = try RecordedCanvas("add_to_chord")
        let addition = Signature(task: "proj.add", args: [7, 7])
        let commit = try ending(of: canvas.item(0), success("0"), adding: [addition]).commit
        let group = try #require(canvas.published[0]["headers"]?["group"]?.string)
        #expect(commit.effects.first == .extendChord(groupID: group))
        let sent = try #require(published(commit).first)
        var expected = try canvas.message(2)
        var actual = canvas.comparable.message(sent)
        // The added task's id is as fresh here as it was there.
        for path in ["headers", "properties"] {
            expected = expected.without(path, ["id", "correlation_id"])
            actual = actual.without(path, ["id", "correlation_id"])
        }
        #expect(actual == expected)
    }

    @Test func `adding to a chord fails a task that is in none`() throws {
        let item = try TaskMessage(task: "t", id: "1").encode()
        let end = try ending(of: item, success("0"), adding: [Signature(task: "a")])
        #expect(try records(end.commit).first?["status"] == "FAILURE")
        #expect(published(end.commit).isEmpty)
    }

    // MARK: The end of a header

    /// The parts that the recorded header tasks returned.
    private func finish(
        _ canvas: String,
        last: Int,
        _ values: [JSONValue],
        saved: ResultTuple? = nil
    ) throws -> (RecordedCanvas, ChordEnding) {
        let recorded = try RecordedCanvas(canvas)
        let message = try TaskMessage.decode(try recorded.item(last))
        let part = try #require(Tracer.test().part(of: message, .success, result: Array("1".utf8)).first)
        guard case .returnChordPart(let part) = part else { throw Recorded.Missing(what: "part") }
        let claim = ChordClaim(groupID: part.groupID, token: part.token, completion: part.completion)
        let bytes = values.map { JSONWriter.bytes($0) }
        let parts: ChordParts =
            if let saved { .saved(group: JSONWriter.bytes(["result": saved.json]), values: bytes) } else {
                .values(bytes)
            }
        let results = ChordResults(parts, codecs: .json, serializer: "json")
        #expect(results.missing.isEmpty)
        return (recorded, Tracer.test().finish(claim, results, now: now))
    }

    private static let boom: JSONValue = ["exc_type": "ValueError", "exc_message": ["h"], "exc_module": "builtins"]

    @Test func `a header that succeeded sends the body as Celery does`() throws {
        let values: [JSONValue] = [[1, "a", "SUCCESS", 2], [1, "b", "SUCCESS", 4], [1, "c", "SUCCESS", 6]]
        let (canvas, ending) = try finish("chord3", last: 2, values)
        #expect(published(ending.commit).map { canvas.comparable.message($0) } == [try canvas.message(3)])
        guard case .finishChord(_, .sent)? = ending.commit.effects.first else {
            Issue.record("does not begin with the chord's end: \(ending.commit.effects)")
            return
        }
        #expect(ending.failure == nil && ending.commit.tag == nil)
    }

    @Test func `a header that failed fails the body and calls its errbacks as Celery does`() throws {
        let canvas = try RecordedCanvas("chord_header_fails")
        let id = try #require(canvas.published[1]["headers"]?["id"])
        let (_, ending) = try finish(
            "chord_header_fails",
            last: 1,
            [[1, "a", "SUCCESS", 2], [1, id, "FAILURE", Self.boom]]
        )
        #expect(published(ending.commit).map { canvas.comparable.message($0) } == [try canvas.message(2)])
        #expect(try records(ending.commit).map { canvas.comparable.value($0) } == [canvas.record(2)])
        guard case .finishChord(_, .failed)? = ending.commit.effects.first else {
            Issue.record("does not begin with the chord's end: \(ending.commit.effects)")
            return
        }
        #expect(ending.failure != nil)
    }

    @Test func `a failed header fails every task of a group body`() throws {
        let name = "chord_body_group_header_fails"
        let canvas = try RecordedCanvas(name)
        let (_, ending) = try finish(name, last: 1, [[1, "a", "SUCCESS", 2], [1, "b", "FAILURE", Self.boom]])
        // The group first here, last there.
        let expected = [canvas.record(4), canvas.record(2), canvas.record(3)]
        #expect(try records(ending.commit).map { canvas.comparable.value($0) } == expected)
    }

    @Test func `the failed part is the first in order, a revoked one counts as failed`() throws {
        let revoked: JSONValue = [
            "exc_type": "TaskRevokedError", "exc_message": ["revoked"], "exc_module": "celery.exceptions",
        ]
        let (_, ending) = try finish(
            "chord3",
            last: 0,
            [[1, "a", "REVOKED", revoked], [1, "b", "FAILURE", Self.boom]]
        )
        let message = try records(ending.commit).first?["result"]?["exc_message"]
        #expect(message == ["Dependency a raised TaskRevokedError('revoked')"])
    }

    @Test func `a saved group gives its nesting back`() throws {
        let saved = ResultTuple.group("g", members: [.group("h", members: [.task("x"), .task("y")]), .task("z")])
        let values: [JSONValue] = [[1, "z", "SUCCESS", 10], [1, "x", "SUCCESS", 3], [1, "y", "SUCCESS", 4]]
        let (canvas, ending) = try finish("chord_header_chain_ending_in_group", last: 3, values, saved: saved)
        #expect(published(ending.commit).map { canvas.comparable.message($0) } == [try canvas.message(4)])
    }

    @Test func `a saved group with a failed or missing part fails the body`() throws {
        let saved = ResultTuple.group("g", members: [.task("x"), .task("y")])
        let failed = ChordResults(
            .saved(
                group: JSONWriter.bytes(["result": saved.json]),
                values: [JSONWriter.bytes([1, "x", "FAILURE", Self.boom])]
            ),
            codecs: .json,
            serializer: "json"
        )
        #expect(failed.missing == ["y"])
        let error = #expect(throws: ChordResults.Failure.self) { try failed.list() }
        #expect(error?.error == .chordError("Join error: ValueError('h')"))
        var missing = ChordResults(
            .saved(group: JSONWriter.bytes(["result": saved.json]), values: []),
            codecs: .json,
            serializer: "json"
        )
        let record = ResultRecord(taskID: "x", status: .success, result: Array("1".utf8))
        missing.add(["x": record.encoded(), "y": Array("garbage".utf8)], codecs: .json)
        #expect(throws: ChordResults.Failure.self) { try missing.list() }
    }

    @Test(arguments: [
        ChordParts.values([Array("no JSON".utf8)]), .values([Array("[1, 2]".utf8)]),
        .saved(group: Array("no JSON".utf8), values: []), .tooMuch,
    ])
    func `parts that cannot be read fail the body`(parts: ChordParts) throws {
        let results = ChordResults(parts, codecs: .json, serializer: "json")
        #expect(throws: ChordResults.Failure.self) { try results.list() }
        #expect(throws: ChordResults.Failure.self) { try ChordResults(nil, codecs: .json, serializer: "json").list() }
    }

    @Test(arguments: ["", "{}", "[]", #"{"id": "x", "body": 1}"#])
    func `a claim that cannot be read ends without a body`(completion: String) {
        let claim = ChordClaim(groupID: "g", token: "t", completion: Array(completion.utf8))
        let results = ChordResults(.values([]), codecs: .json, serializer: "json")
        let ending = Tracer.test().finish(claim, results, now: now)
        #expect(ending.commit.effects == [.finishChord(claim, .failed)])
        #expect(ending.failure != nil)
    }

    @Test func `a body that cannot be sent fails`() throws {
        let completion = ChordCompletion(
            body: Signature(task: "celery.group", options: ["task_id": "b"], subtaskType: "group"),
            parent: TaskHeaders(task: "t", id: "1"),
            priority: 0
        )
        let claim = ChordClaim(groupID: "g", token: "t", completion: completion.encoded)
        let results = ChordResults(.values([]), codecs: .json, serializer: "json")
        let ending = Tracer.test().finish(claim, results, now: now)
        #expect(try records(ending.commit).map { $0["status"] } == ["FAILURE"])
    }

    @Test func `the failure of a body is a part of the chord around it`() throws {
        let body = Signature(
            task: "b",
            options: ["task_id": "body", "chord": ["task": "outer"], "group_id": "og", "group_index": 1]
        )
        let completion = ChordCompletion(body: body, parent: TaskHeaders(task: "t", id: "1"), priority: 0)
        let claim = ChordClaim(groupID: "g", token: "t", completion: completion.encoded)
        let failed = JSONWriter.bytes([1, "a", "FAILURE", Self.boom])
        let ending = Tracer.test().finish(
            claim,
            ChordResults(.values([failed]), codecs: .json, serializer: "json"),
            now: now
        )
        let part = try #require(parts(ending.commit).first)
        #expect(part.groupID == "og" && part.groupIndex == 1 && part.taskID == "body")
    }

    // MARK: Duplicates

    @Test func `a task that succeeded before sends only what has not been sent`() throws {
        let canvas = try RecordedCanvas("chain3")
        let item = try canvas.item(0)
        let id = try #require(canvas.published[0]["headers"]?["id"]?.string)
        func again(_ children: [ResultTuple]) throws -> Commit {
            let record = ResultRecord(taskID: id, status: .success, result: Array("4".utf8), children: children)
            return try ending(of: item, .alreadySucceeded(record)).commit
        }
        #expect(published(try again([])).map { canvas.comparable.message($0) } == [try canvas.message(1)])
        #expect(published(try again([.task("sent")])).isEmpty)
        #expect(try records(again([])).isEmpty)
        #expect(try again([]).acknowledges)
    }
}

extension JSONValue {
    /// The object with some members of one of its members left out.
    fileprivate func without(_ member: String, _ keys: Set<String>) -> JSONValue {
        guard var object, let inner = object[member]?.object else { return self }
        object[member] = .object(JSONObject(inner.filter { !keys.contains($0.key) }.map { ($0.key, $0.value) }))
        return .object(object)
    }
}
