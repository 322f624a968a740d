import CeleryMessage
import Foundation
import Testing

@Suite struct `Result records` {
    static let json = Fixture.names("results").filter {
        !$0.hasPrefix("serializer_") && !["compression_gzip", "group_saved"].contains($0)
    }

    @Test(arguments: json)
    func `are written byte for byte as Celery wrote them`(name: String) throws {
        for record in try Fixture.records("results/\(name)") {
            let read = try ResultRecord(decoding: record)
            #expect(text(read.encoded()) == text(record))
        }
    }

    @Test func `are many`() throws {
        #expect(try Self.json.flatMap { try Fixture.records("results/\($0)") }.count > 40)
    }

    @Test func `of success hold the value`() throws {
        let record = try ResultRecord(decoding: try Fixture.record("results/success_types"))
        #expect(record.status == .success && record.status.isReady)
        let value = try record.value()
        #expect(value["dec"] == .tagged(.decimal("1.10")))
        #expect(value["bin"] == .tagged(.bytes([0xFF, 0xFE])))
        #expect(record.exception == nil)
        #expect(record.dateDone == ISO8601.date("2026-11-21T03:39:00.818100+00:00"))
    }

    @Test func `of failure hold the exception`() throws {
        let record = try ResultRecord(decoding: try Fixture.record("results/failure_nested_class"))
        #expect(record.exception == ExceptionInfo(module: "proj", type: "Outer.InnerError", arguments: ["nested", 1]))
        #expect(record.exception?.pythonRepr == "InnerError('nested', 1)")
        #expect(record.exception?.description == "proj.Outer.InnerError: ('nested', 1)")
        #expect(record.traceback?.hasSuffix("proj.Outer.InnerError: ('nested', 1)\n") == true)
    }

    @Test func `list children, groups among them`() throws {
        let record = try ResultRecord(decoding: try Fixture.record("results/success_children"))
        #expect(
            record.children == [
                .task("05e84574-61ba-4fc6-87e7-9452832e0334"),
                .group(
                    "ba4ba4ee-8c90-4687-a436-25d41168d76f",
                    members: [
                        .task("5814cd96-234a-42e8-a193-00bb103ffefe"), .task("473c8662-57bf-4849-be5f-51bd53b38e11"),
                    ]
                ),
            ]
        )
    }

    @Test func `extended hold what ran`() throws {
        let record = try ResultRecord(decoding: try Fixture.record("results/extended_stamped"))
        #expect(record.extended?.name == "proj.add")
        #expect(record.extended?.args.map(text) == "[1, 2]")
        #expect(record.extended?.stamps == ["tenant": "acme"])
        #expect(record.extra.isEmpty)
        let empty = try ResultRecord(decoding: try Fixture.record("results/extended_not_registered"))
        #expect(empty.extended == ResultRecord.Extended())
    }

    @Test func `carry the offset of the application's zone`() throws {
        let record = try ResultRecord(decoding: try Fixture.record("results/timezone_kolkata"))
        #expect(record.utcOffset == 19800)
        #expect(record.dateDone == ISO8601.date("2026-11-21T03:41:21.958850Z"))
    }

    @Test func `are made from a message`() throws {
        var message = TaskMessage(task: "proj.add", id: "1", args: [1, 2])
        message.headers.group = "g"
        let record = ResultRecord(
            taskID: "1",
            status: .success,
            result: Array("3".utf8),
            dateDone: Instant(microseconds: 0),
            groupID: "g",
            extended: .init(message, worker: "w@h")
        )
        let expected =
            #"{"status": "SUCCESS", "result": 3, "traceback": null, "children": [], "#
            + #""date_done": "1970-01-01T00:00:00+00:00", "group_id": "g", "name": "proj.add", "args": [1, 2], "#
            + #""kwargs": {}, "worker": "w@h", "retries": 0, "queue": "celery", "task_id": "1"}"#
        #expect(text(record.encoded()) == expected)
    }

    @Test(arguments: ["serializer_msgpack", "serializer_msgpack_failure"])
    func `in MessagePack are written byte for byte as Celery wrote them`(name: String) throws {
        let codecs = MessageCodecs(serializers: [MessagePackSerializer()])
        let bytes = try Fixture.record("results/\(name)")
        let record = try ResultRecord(decoding: bytes, codecs: codecs, serializer: "msgpack")
        #expect(try record.encoded(codecs: codecs, serializer: "msgpack") == bytes)
    }

    @Test func `are recognised when compressed`() throws {
        let codecs = MessageCodecs(compressions: [Shifting()])
        let record = ResultRecord(taskID: "1", status: .success, result: Array("[1]".utf8))
        let bytes = try record.encoded(codecs: codecs, serializer: "json", compression: "shift")
        #expect(bytes.starts(with: [0] + Array("celery-compressed\u{0}application/x-shift\u{0}".utf8)))
        #expect(try ResultRecord(decoding: bytes, codecs: codecs) == record)
        #expect(throws: MessageError.self) { try ResultRecord(decoding: bytes) }
        #expect(throws: MessageError.self) { try ResultRecord(decoding: Array(bytes.prefix(25)), codecs: codecs) }
        let recorded = try Fixture.record("results/compression_gzip")
        let error = #expect(throws: MessageError.self) { try ResultRecord(decoding: recorded) }
        #expect(error?.code == .undecodable)
    }

    @Test(arguments: ["", "[]", "{}", #"{"status": 1}"#, #"{"status": "SUCCESS", "children": [1]}"#])
    func `are refused when they are none`(text: String) {
        #expect(throws: MessageError.self) { try ResultRecord(decoding: Array(text.utf8)) }
    }
}

@Suite struct `Exceptions on the wire` {
    @Test(arguments: [
        ("failure_valueerror", ExceptionInfo.valueError("boom")),
        ("failure_not_registered", .notRegistered("proj.nope")),
        ("failure_hard_time_limit", .timeLimitExceeded(1)),
        ("failure_soft_time_limit", .softTimeLimitExceeded()),
        ("failure_worker_lost", .workerLost(signal: 9, name: "SIGKILL", job: 24)),
        (
            "failure_max_retries_no_exc",
            .maxRetriesExceeded(
                task: "proj.retry_noexc",
                id: "92a9da53-bc8c-497d-99f6-4b427d6a4304",
                argsrepr: "()",
                kwargsrepr: "{}"
            )
        ),
        ("failure_wrong_args", .typeError("add() missing 1 required positional argument: 'y'")),
        (
            "failure_unserializable_result",
            .encodeError("TypeError('Object of type Weird is not JSON serializable')")
        ),
        ("reject_no_requeue", .reject("no thanks")), ("revoked_pending", .revoked(.revoked)),
        ("revoked_expired", .revoked(.expired)), ("revoked_terminated", .revoked(.terminated)),
    ])
    func `are those that Celery stores`(name: String, expected: ExceptionInfo) throws {
        let record = try ResultRecord(decoding: try Fixture.record("results/\(name)"))
        #expect(record.exception == expected)
        #expect(text(JSONWriter.bytes(expected.json)) == text(record.result))
    }

    @Test func `print as Python prints them`() {
        #expect(ExceptionInfo.valueError("it's").pythonRepr == "ValueError(\"it's\")")
        #expect(ExceptionInfo.softTimeLimitExceeded().description == "billiard.exceptions.SoftTimeLimitExceeded")
        #expect(ExceptionInfo.timeLimitExceeded(2.5).arguments == [2.5])
        #expect(
            ExceptionInfo.chordError(dependency: "1", raised: .valueError("x")).message
                == "Dependency 1 raised ValueError('x')"
        )
    }

    @Test func `may have one text for a message`() {
        let info = ExceptionInfo(json: ["exc_type": "E", "exc_message": "text", "exc_module": "m"])
        #expect(info == ExceptionInfo(module: "m", type: "E", arguments: ["text"]))
        #expect(ExceptionInfo(json: ["exc_message": []]) == nil)
    }
}

@Suite struct `Result tuples` {
    @Test func `of a saved group are read and written`() throws {
        let object = try Fixture.object("results/group_saved")
        let raw = try #require(object["raw"] as? String)
        let json = try #require(try JSONReader.value(raw)["result"])
        let tuple = try #require(ResultTuple(json: json))
        #expect(tuple.members?.count == 2)
        #expect(tuple.json == json)
    }

    @Test func `know their parents`() throws {
        let text = #"[["c", [["b", [["a", null], null]], null]], null]"#
        let tuple = try #require(ResultTuple(json: try JSONReader.value(text)))
        #expect(tuple == .task("c", parent: .task("b", parent: .task("a"))))
        #expect(JSONWriter.string(tuple.json) == text)
    }

    @Test(arguments: ["1", "[]", "[[]]", "[[1, null], null]", #"[["a", 5], null]"#, #"[["a", null], [1]]"#])
    func `are refused when they are none`(text: String) throws {
        #expect(ResultTuple(json: try JSONReader.value(text)) == nil)
    }
}

@Suite struct `Task states` {
    @Test func `say what clients may expect`() {
        #expect([TaskState.success, .failure, .revoked].allSatisfy { $0.isReady })
        #expect([TaskState.pending, .started, .retry, .progress].allSatisfy { !$0.isReady })
        #expect([TaskState.retry, .failure, .revoked].allSatisfy { $0.isException })
        #expect(!TaskState.retry.isPropagated && TaskState.failure.isPropagated)
        #expect(TaskState(rawValue: "PROGRESS") == .progress)
    }
}
