import CeleriacTasks
import CeleryMessage
import Foundation
import HandlerTestSupport
import HandlersSMS
import Synchronization
import TestSupport
import Testing

struct SendSMSHandlerTests {
    @Test func `writes into the outbox when nothing is configured`() async throws {
        let folder = try ScratchFolder()
        let handler = try SendSMSHandler(setup([:], folder: folder))
        let arguments = TaskArguments(keyword: ["phone": "05551234567", "message": "Test ş", "company_id": 1])
        let result = try await handler.run(arguments, context: context(id: "../a"))
        let file = folder.file("outbox/sms/___a.json")
        #expect(
            result == [
                "status": "sent", "phone": "+905551234567", "transport": "outbox", "account": "default",
                "encoding": "GSM-7 Turkish", "parts": 1, "file": .string(file),
            ]
        )
        let stored = try JSONReader.value(try String(contentsOfFile: file, encoding: .utf8))
        #expect(
            stored == [
                "phone": "+905551234567", "message": "Test ş", "company_id": "1", "encoding": "GSM-7 Turkish",
                "parts": 1,
                "task": "___a",
            ]
        )
        _ = try await handler.run(arguments, context: context(id: "../a", retries: 1))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("outbox/sms")).count == 1)
        await handler.shutdown()
    }

    @Test func `the company chooses the account`() async throws {
        try await withGateway { _ in
            .reply(200, #"{"code":"00","jobid":"7"}"#)
        } _: { gateway in
            let folder = try ScratchFolder()
            let options: JSONObject = [
                "accounts": ["default": ["outbox": "files"], "7": .object(netgsm(gateway)), "acme": ["outbox": "acme"]]
            ]
            let handler = try SendSMSHandler(setup(options, folder: folder))
            for (company, account, transport) in [
                (7, "7", "netgsm"), ("7", "7", "netgsm"), (8, "default", "outbox"), (nil, "default", "outbox"),
                ("acme", "acme", "outbox"),
            ] as [(JSONValue, JSONValue, JSONValue)] {
                let result = try await handler.run(
                    TaskArguments(positional: ["05551234567", "x", company]),
                    context: context()
                )
                #expect(result["account"] == account)
                #expect(result["transport"] == transport)
            }
            #expect(gateway.requests.count == 2)
            await handler.shutdown()
        }
    }

    @Test func `a company without an account is a ValueError`() async throws {
        let handler = try SendSMSHandler(setup(["accounts": ["1": ["outbox": "x"]]], folder: ScratchFolder()))
        let failure = await #expect(throws: TaskFailure.self) {
            try await handler.run(TaskArguments(positional: ["05551234567", "x", 2]), context: context())
        }
        #expect(failure?.description == "ValueError: send_sms() argument 'company_id' has no SMS account: 2")
    }

    @Test(arguments: [
        (TaskArguments(), "TypeError", "missing 2 required positional arguments: 'phone' and 'message'"),
        (TaskArguments(positional: [5_551_234_567, "x"]), "TypeError", "'phone' must be str, not int"),
        (TaskArguments(positional: ["123", "x"]), "ValueError", "'phone' is not a phone number: '123'"),
        (TaskArguments(positional: ["05551234567", nil]), "TypeError", "'message' must be str, not NoneType"),
        (TaskArguments(positional: ["05551234567", " \n"]), "ValueError", "'message' is empty"),
        (TaskArguments(positional: ["05551234567", "a\u{0}"]), "ValueError", "'message' must not contain NUL"),
        (
            TaskArguments(positional: ["05551234567", .string(String(repeating: "a", count: 2000))]), "ValueError",
            "takes 14 parts, at most 10"
        ),
        (TaskArguments(positional: ["05551234567", "x", [1]]), "TypeError", "'company_id' must be int or str"),
        (TaskArguments(positional: ["05551234567", "x"], keyword: ["to": 1]), "TypeError", "unexpected keyword"),
    ])
    func `names the argument that is wrong`(arguments: TaskArguments, type: String, message: String) async throws {
        let handler = try SendSMSHandler(setup([:], folder: ScratchFolder()))
        let failure = await #expect(throws: TaskFailure.self) { try await handler.run(arguments, context: context()) }
        #expect(failure?.type == type)
        #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
    }

    @Test(
        arguments: [
            (["gateway": "netgsm"], "options.username: is required"),
            (["gateway": "pigeon"], "options.gateway: must be netgsm, ileti_merkezi or twilio"),
            (["gateway": "netgsm", "outbox": "x"], "options.outbox: cannot stand beside gateway"),
            (["accounts": [:]], "options.accounts: holds no account"),
            (["accounts": ["1": ["gateway": "netgsm"]]], "options.accounts.1.username: is required"),
            (["accounts": ["1": ["outbx": "y"]]], "options.accounts.1.outbx: unknown option"),
            (["accounts": ["1": [:]], "outbox": "y"], "options.outbox: belongs into an account"),
            (["acounts": [:]], "options.acounts: unknown option"), (["country_code": "+90"], "options.country_code"),
            (["timeout": 0], "options.timeout: must be between"), (["on_lost_answer": "x"], "options.on_lost_answer"),
            (
                ["gateway": "ileti_merkezi", "key": "k", "secret": "s", "sender": "ŞİRKET"],
                "options.sender: must be at most 11 ASCII"
            ),
            (["gateway": "twilio", "account_sid": "a/../b", "auth_token": "t", "from": "x"], "options.account_sid"),
            (["gateway": "twilio", "account_sid": "a", "auth_token": "t"], "options.from: or messaging_service_sid"),
            (
                ["gateway": "netgsm", "username": "u", "password": "p", "header": "h", "base_url": "ftp://x"],
                "options.base_url: must be an http or https address"
            ),
            (
                ["gateway": "netgsm", "username": "u", "password": "p", "header": "h", "iys_filter": "5"],
                "options.iys_filter: must be 0, 11 or 12"
            ),
        ] as [(JSONObject, String)]
    )
    func `wrong options are refused at the start`(options: JSONObject, message: String) throws {
        let folder = try ScratchFolder()
        let error = #expect(throws: HandlerOptionError.self) { try SendSMSHandler(setup(options, folder: folder)) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
}

struct SendBulkSMSHandlerTests {
    private func numbers(_ count: Int) -> JSONValue {
        .array((0..<count).map { ["phone": .string("0555123\(4000 + $0)"), "message": .string("Mesaj \($0)")] })
    }

    private func bulk(_ options: JSONObject) throws -> SendBulkSMSHandler {
        try SendBulkSMSHandler(setup(options, folder: ScratchFolder()))
    }

    @Test func `sends all, a few at a time, and reports progress to the end`() async throws {
        try await withGateway { _ in
            .reply(200, #"{"code":"00","jobid":"1"}"#)
        } _: { gateway in
            var options = netgsm(gateway)
            options["concurrency"] = 3
            let handler = try bulk(options)
            let reporter = RecordingReporter()
            let result = try await handler.run(
                TaskArguments(positional: [numbers(40), 1]),
                context: context(reporter: reporter)
            )
            #expect(result["total"] == 40)
            #expect(result["sent"] == 40)
            #expect(result["failed"] == 0)
            #expect(result["parts"] == 40)
            let results = try #require(result["results"]?.array)
            #expect(results.map { $0["phone"]?.string } == (0..<40).map { "+90555123\(4000 + $0)" })
            #expect(gateway.requests.count == 40)
            #expect((2...3).contains(gateway.mostAtOnce))
            let progress = reporter.updates.map { $0.meta["current"]?.int ?? -1 }
            #expect(progress == Array(0...40))
            #expect(reporter.updates.last?.meta["total"] == 40)
            await handler.shutdown()
        }
    }

    @Test func `one bad message fails only itself`() async throws {
        try await withGateway { request in
            request.body.contains("5551234001") ? .reply(200, #"{"code":"40"}"#) : .reply(200, #"{"code":"00"}"#)
        } _: { gateway in
            let handler = try bulk(netgsm(gateway))
            var messages = numbers(3).array ?? []
            messages.insert(["phone": "123", "message": "x"], at: 1)
            messages.append("no dict")
            messages.append(["phone": "05551234567"])
            let result = try await handler.run(TaskArguments(positional: [.array(messages)]), context: context())
            let results = try #require(result["results"]?.array)
            #expect(results.map { $0["status"] } == ["sent", "failed", "failed", "sent", "failed", "failed"])
            #expect(results[1]["error"]?["message"]?.string?.contains("'123'") == true)
            #expect(
                results[2]["error"] == [
                    "type": "SMSRefused", "message": "netgsm refused the message (40): the sender is not approved",
                    "code": "40", "temporary": false,
                ]
            )
            #expect(results[4]["error"]?["type"] == "TypeError")
            #expect(results[5]["error"]?["message"]?.string?.contains("'message'") == true)
            #expect(result["sent"] == 2)
            #expect(result["failed"] == 4)
            await handler.shutdown()
        }
    }

    @Test func `tries again what the gateway cannot take now`() async throws {
        let seen = SeenCounter()
        try await withGateway { request in
            let number = request.json["messages"]?.array?[0]["no"]?.string ?? ""
            let busy = number == "5551234002" || (number == "5551234001" && seen.count(number) < 3)
            return .reply(200, busy ? #"{"code":"80"}"# : #"{"code":"00"}"#)
        } _: { gateway in
            var options = netgsm(gateway)
            options["item_retry_delay"] = 0.001
            let handler = try bulk(options)
            let result = try await handler.run(TaskArguments(positional: [numbers(4)]), context: context())
            let results = try #require(result["results"]?.array)
            #expect(results.map { $0["status"] } == ["sent", "sent", "failed", "sent"])
            #expect(results[2]["error"]?["temporary"] == true)
            #expect(results[2]["error"]?["code"] == "80")
            #expect(gateway.requests.count == 2 + 3 + 3)
            await handler.shutdown()
        }
    }

    @Test func `a gateway that is away is asked once, and its messages run again with the whole task`() async throws {
        let gateway = try await FakeGateway { _ in .hangUp }
        var options = netgsm(gateway)
        options["timeout"] = 1
        options["concurrency"] = 1
        await gateway.stop()
        let handler = try bulk(options)
        let start = ContinuousClock.now
        await #expect(throws: TaskRetry.self) {
            try await handler.run(TaskArguments(positional: [numbers(50)]), context: context())
        }
        #expect(ContinuousClock.now - start < .seconds(15))
        await handler.shutdown()
    }

    @Test func `an account that is away does not hold up the others`() async throws {
        let gateway = try await FakeGateway { _ in .hangUp }
        var away = netgsm(gateway)
        await gateway.stop()
        away["username"] = "u"
        let handler = try bulk([
            "timeout": 1, "item_retries": 0, "accounts": ["1": .object(away), "2": ["outbox": "two"]],
        ])
        let messages: JSONValue = .array(
            (1...6).map { number in
                ["phone": "05551234567", "message": "x", "company_id": .int(number % 2 == 0 ? 2 : 1)]
            }
        )
        let result = try await handler.run(TaskArguments(positional: [messages]), context: context())
        #expect(result["sent"] == 3)
        let failed = result["results"]?.array?.filter { $0["status"] == "failed" } ?? []
        #expect(failed.map { $0["error"]?["temporary"] } == [true, true, true])
        await handler.shutdown()
    }

    @Test func `keeps the distance between messages`() async throws {
        let handler = try bulk(["stagger": 20])
        let start = ContinuousClock.now
        let result = try await handler.run(TaskArguments(positional: [numbers(4)]), context: context())
        #expect(ContinuousClock.now - start >= .milliseconds(60))
        #expect(result["sent"] == 4)
    }

    @Test func `cancelling stops what is open and sends no more`() async throws {
        try await withGateway { _ in
            .silence
        } _: { gateway in
            let handler = try bulk(netgsm(gateway))
            let running = Task { try await handler.run(TaskArguments(positional: [numbers(50)]), context: context()) }
            await gateway.wait(forRequests: 4)
            running.cancel()
            await #expect(throws: CancellationError.self) { try await running.value }
            #expect(gateway.requests.count == 4)
            await handler.shutdown()
        }
    }

    @Test func `an item may name another company`() async throws {
        let handler = try bulk(["accounts": ["1": ["outbox": "one"], "2": ["outbox": "two"]]])
        let messages: JSONValue = [
            ["phone": "05551234567", "message": "a"], ["phone": "05551234567", "message": "b", "company_id": 2],
        ]
        let result = try await handler.run(TaskArguments(positional: [messages, 1]), context: context())
        #expect(result["results"]?.array?.map { $0["account"] } == ["1", "2"])
    }

    @Test func `an empty list is done at once and a text is no list`() async throws {
        let handler = try bulk([:])
        #expect(try await handler.run(TaskArguments(positional: [[]]), context: context())["total"] == 0)
        let failure = await #expect(throws: TaskFailure.self) {
            try await handler.run(TaskArguments(positional: ["x"]), context: context())
        }
        #expect(failure?.description == "TypeError: send_bulk_sms() argument 'messages' must be list, not str")
    }
}

/// Counts how often a name came by.
private final class SeenCounter: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func count(_ name: String) -> Int {
        counts.withLock { counts in
            counts[name, default: 0] += 1
            return counts[name] ?? 0
        }
    }
}
