import Celeriac
import RedisClient
import TestSupport
import Testing

@Suite struct ClientTests {
    private let add = TaskDefinition("proj.add", "x", "y", options: TaskOptions(queue: "sums")) { (x: Int, y: Int) in
        x + y
    }

    // MARK: Sending

    @Test func `publishes a task as a client of Celery does`() async throws {
        try await Deployment.with { deployment in
            let result = try await deployment.client.apply(Signature("proj.add", args: [1, 2], kwargs: ["z": 3]))
            let message = try #require(try await deployment.messages().first)
            #expect(message.headers.id == result.id)
            #expect(message.headers.rootID == result.id)
            #expect(message.headers.parentID == nil)
            #expect(message.headers.argsrepr == "(1, 2)")
            #expect(try message.payload.arguments() == [1, 2])
            #expect(try message.payload.keywords() == ["z": 3])
            #expect(message.properties.replyTo?.isEmpty == false)
            let bound = try await deployment.send("SMEMBERS", "_kombu.binding.celery").array?.compactMap(\.text)
            #expect(bound == ["celery\u{6}\u{16}\u{6}\u{16}celery"])
        }
    }

    @Test func `sends a task defined in code to its queue with typed arguments`() async throws {
        try await Deployment.with { deployment in
            _ = try await deployment.client.apply(add, 1, 2)
            #expect(try await deployment.messages("sums").map(\.headers.task) == ["proj.add"])
        }
    }

    @Test func `puts messages into the list of their priority`() async throws {
        try await Deployment.with { deployment in
            _ = try await deployment.client.apply(Signature("proj.add").set(queue: "q", priority: 7))
            #expect(try await deployment.messages("q\u{6}\u{16}6").count == 1)
        }
    }

    @Test func `begins a chord before its header is published`() async throws {
        try await Deployment.with { deployment in
            let header = (1...3).map { Signature("proj.add", args: [.int($0), 1]) }
            let result = try await deployment.client.apply(.chord(header: header, body: Signature("proj.sum")))
            let group = try #require(result.parent)
            #expect(group.tuple.members?.count == 3)
            #expect(try await deployment.send("GET", "celery-taskset-meta-\(group.id).s").text == "3")
            let left = try #require(try await deployment.send("TTL", "celery-taskset-meta-\(group.id).s").int)
            #expect((86_000...86_400).contains(left))
            let messages = try await deployment.messages()
            #expect(messages.map(\.headers.id) == group.tuple.members?.map(\.id))
            #expect(messages.allSatisfy { $0.payload.embed.chord?.options["task_id"] == .string(result.id) })
        }
    }

    @Test func `refuses what cannot be sent`() async throws {
        try await Deployment.with { deployment in
            let empty = await #expect(throws: ClientError.self) { try await deployment.client.apply(.chain()) }
            #expect(empty?.code == .invalidSignature)
            let headless = Signature(task: "celery.chord", subtaskType: "chord")
            let error = await #expect(throws: ClientError.self) { try await deployment.client.apply(headless) }
            #expect(error?.message == "celery.chord cannot be sent: a chord has no header")
            let size = try await deployment.send("DBSIZE").int
            #expect(size == 0)
        }
    }

    @Test func `says what is wrong with its settings`() async throws {
        let error = await #expect(throws: ClientError.self) {
            _ = try await CeleriacClient.connect(broker: "amqp://localhost")
        }
        #expect(error?.code == .configuration)
        #expect(error?.message.contains("broker_url") == true)
    }

    // MARK: Results

    @Test func `answers a result that is there already`() async throws {
        try await Deployment.with { deployment in
            let result = try await deployment.client.apply(add, 1, 2)
            try await deployment.succeed(result.id, 3)
            let sum: Int = try await result.get(timeout: .seconds(5))
            #expect(sum == 3)
            #expect(try await result.ready())
            #expect(try await result.successful())
        }
    }

    @Test(.timeLimit(.minutes(1))) func `is woken by the end of a task, and by nothing else`() async throws {
        try await Deployment.with { deployment in
            let result = deployment.client.result("id-1", as: Int.self)
            async let value = result.get()
            try await deployment.subscribers(of: "id-1", count: 1)
            try await deployment.store(ResultRecord(taskID: "id-1", status: .started))
            try await deployment.send("CONFIG", "RESETSTAT").ok()
            try await deployment.succeed("id-1", 42)
            #expect(try await value == 42)
            // One GET each second would be polling; all that was asked for is in the message.
            let calls = try await deployment.send("INFO", "commandstats").text ?? ""
            #expect(!calls.contains("cmdstat_get:"))
            try await deployment.subscribers(of: "id-1", count: 0)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `hears of what was stored while its connection was away`() async throws {
        try await Deployment.with { deployment in
            async let value = deployment.client.result("id-1", as: Int.self).get()
            try await deployment.subscribers(of: "id-1", count: 1)
            // Stored without a word, as far as a subscriber without a connection can tell.
            _ = try await deployment.send(
                "SET",
                "celery-task-meta-id-1",
                #"{"status": "SUCCESS", "result": 7, "task_id": "id-1"}"#
            )
            _ = try await deployment.send("CLIENT", "KILL", "TYPE", "pubsub")
            #expect(try await value == 7)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `serves many waiters with one connection`() async throws {
        try await Deployment.with { deployment in
            let results = (0..<200).map { deployment.client.result("id-\($0)", as: Int.self) }
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for (place, result) in results.enumerated() {
                    group.addTask { try await result.get(timeout: .seconds(30)) == place }
                }
                try await deployment.subscribers(of: "id-199", count: 1)
                let clients = try await deployment.send("CLIENT", "LIST", "TYPE", "pubsub").text ?? ""
                #expect(clients.split(separator: "\n").count == 1)
                for place in 0..<200 { try await deployment.succeed("id-\(place)", .int(Int64(place))) }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test func `throws the failure of a task with class, arguments and traceback`() async throws {
        try await Deployment.with { deployment in
            let result = deployment.client.result("id-1")
            try await deployment.fail(
                "id-1",
                ExceptionInfo(module: "proj.errors", type: "Busy", arguments: ["no", 3])
            )
            let failure = await #expect(throws: RemoteFailure.self) { try await result.get(timeout: .seconds(5)) }
            #expect(failure?.type == "Busy")
            #expect(failure?.module == "proj.errors")
            #expect(failure?.arguments == ["no", 3])
            #expect(failure?.traceback == "Traceback: x")
            #expect(failure?.description == "proj.errors.Busy: ('no', 3)")
            #expect(try await result.failed())
        }
    }

    @Test func `takes a revoked task for a failure`() async throws {
        try await Deployment.with { deployment in
            try await deployment.fail("id-1", .revoked(.terminated), .revoked)
            let failure = await #expect(throws: RemoteFailure.self) {
                try await deployment.client.result("id-1").get(timeout: .seconds(5))
            }
            #expect(failure?.state == .revoked)
            #expect(failure?.type == "TaskRevokedError")
        }
    }

    @Test func `gives up when the time is over`() async throws {
        try await Deployment.with { deployment in
            let result = deployment.client.result("nobody")
            let error = await #expect(throws: ClientError.self) { try await result.get(timeout: .milliseconds(50)) }
            #expect(error?.code == .timeout)
            let (state, info) = (try await result.state(), try await result.info())
            #expect(state == .pending)
            #expect(info == nil)
        }
    }

    @Test func `says where a result is of another type`() async throws {
        try await Deployment.with { deployment in
            try await deployment.succeed("id-1", [["a": "x"]])
            let error = await #expect(throws: ClientError.self) {
                try await deployment.client.result("id-1", as: [[String: Int]].self).get(timeout: .seconds(5))
            }
            #expect(error?.code == .wrongType)
            #expect(error?.message.hasSuffix("0.a must be int, not str") == true)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `stops waiting when the waiting task is cancelled`() async throws {
        try await Deployment.with { deployment in
            let waiting = Task { try await deployment.client.result("id-1").get() }
            try await deployment.subscribers(of: "id-1", count: 1)
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            try await deployment.subscribers(of: "id-1", count: 0)
        }
    }

    @Test func `shows what a task has sent`() async throws {
        try await Deployment.with { deployment in
            try await deployment.succeed(
                "id-1",
                nil,
                children: [.task("child"), .group("group", members: [.task("a"), .task("b")])]
            )
            let children = try #require(try await deployment.client.result("id-1").children())
            #expect(children.map(\.id) == ["child", "group"])
            #expect(children[1].group?.results.map(\.id) == ["a", "b"])
        }
    }

    @Test func `forgets a result and those before it`() async throws {
        try await Deployment.with { deployment in
            let result = try await deployment.client.apply(.chain(Signature("a"), Signature("b")))
            let parent = try #require(result.parent)
            try await deployment.succeed(parent.id, 1)
            try await deployment.succeed(result.id, 2)
            try await result.forget()
            #expect(try await result.record() == nil)
            #expect(try await parent.record() == nil)
        }
    }

    // MARK: Groups

    @Test func `joins a group in order, and counts what has ended`() async throws {
        try await Deployment.with { deployment in
            let group = try await deployment.client.apply(
                group: (1...3).map { Signature("proj.add", args: [.int($0), 1]) },
                as: Int.self
            )
            #expect(group.results.count == 3)
            try await deployment.succeed(group.results[2].id, 4)
            #expect(try await group.completedCount() == 1)
            #expect(try await group.waiting())
            try await deployment.succeed(group.results[0].id, 2)
            try await deployment.succeed(group.results[1].id, 3)
            #expect(try await group.join(timeout: .seconds(5)) == [2, 3, 4])
            #expect(try await group.successful())
        }
    }

    @Test func `finds a saved group again`() async throws {
        try await Deployment.with { deployment in
            let group = try await deployment.client.apply(group: [Signature("a"), Signature("b")])
            #expect(try await deployment.client.savedGroup(group.id) == nil)
            try await group.save()
            let found = try #require(try await deployment.client.savedGroup(group.id))
            #expect(found.results.map(\.id) == group.results.map(\.id))
            try await group.delete()
            #expect(try await deployment.client.savedGroup(group.id) == nil)
        }
    }

    @Test func `waits for a group at the end of a chain`() async throws {
        try await Deployment.with { deployment in
            let result = try await deployment.client.apply(
                .chain(Signature("a"), .group(Signature("b"), Signature("c"))),
                as: [String].self
            )
            let members = try #require(result.group?.results)
            try await deployment.succeed(members[0].id, "b")
            try await deployment.succeed(members[1].id, "c")
            #expect(try await result.get(timeout: .seconds(5)) == ["b", "c"])
        }
    }

    // MARK: Control

    @Test(.timeLimit(.minutes(1))) func `tells the workers what is revoked`() async throws {
        try await Deployment.with { deployment in
            let (pushes, heard) = AsyncStream.makeStream(of: RedisPush.self)
            let subscriber = RedisSubscriber(
                configuration: deployment.redis.configuration,
                eventLoop: deployment.redis.eventLoop,
                logger: Logger(label: "test"),
                onMessage: { heard.yield($0) }
            )
            try await subscriber.connect()
            try await subscriber.subscribe(["/0.celery.pidbox"])
            try await deployment.client.result("id-1").revoke(terminate: true, signal: "KILL")
            var all = pushes.makeAsyncIterator()
            guard case .message(_, let payload)? = await all.next() else { return }
            await subscriber.close()
            let envelope = try JSONReader.value(payload)
            let body = try JSONReader.value(Base64.decode((envelope["body"]?.string ?? "").utf8) ?? [])
            #expect(body["method"] == "revoke")
            #expect(body["arguments"]?["task_id"] == ["id-1"])
            #expect(body["arguments"]?["terminate"] == true)
            #expect(body["arguments"]?["signal"] == "KILL")
        }
    }
}

extension RedisReply {
    fileprivate func ok() throws { _ = try get() }
}
