import CeleriacTasks
import CeleryMessage
import Foundation
import HandlerTestSupport
import HandlersMail
import SMTP
import TestSupport
import Testing

struct SendMailHandlerTests {
    private let arguments = TaskArguments(positional: ["to@example.com", "Konu", "Gövde"])

    private func smtp(_ server: FakeSMTPServer, _ more: JSONObject = [:]) throws -> JSONObject {
        var options: JSONObject = ["smtp": try block(server), "from": "Celeriac <from@example.com>"]
        for (key, value) in more { options[key] = value }
        return options
    }

    @Test func `writes into the outbox when nothing is configured`() async throws {
        let folder = try ScratchFolder()
        let handler = try SendMailHandler(setup([:], folder: folder))
        let result = try await handler.run(arguments, context: context(id: "abc/../x"))
        #expect(result["transport"] == "outbox")
        #expect(result["status"] == "sent")
        #expect(result["message_id"] == "<abc____x@localhost>")
        #expect(result["recipients"] == [["address": "to@example.com", "status": "accepted"]])
        let file = try #require(result["file"]?.string)
        #expect(file == folder.file("outbox/mail/abc____x.eml"))
        let mail = try String(contentsOfFile: file, encoding: .utf8)
        #expect(mail.contains("X-Envelope-To: to@example.com\r\n"))
        #expect(mail.contains("Subject: Konu\r\n"))
        _ = try await handler.run(arguments, context: context(id: "abc/../x", retries: 1))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("outbox/mail")).count == 1)
        await handler.shutdown()
    }

    @Test func `sends by SMTP and gives every attempt the same message id`() async throws {
        try await withServer { server in
            let folder = try ScratchFolder()
            let handler = try SendMailHandler(setup(try smtp(server), folder: folder))
            let first = try await handler.run(arguments, context: context(id: "id-7"))
            let second = try await handler.run(arguments, context: context(id: "id-7", retries: 1))
            #expect(first["transport"] == "smtp")
            #expect(first["reply"] == "250 queued as 1")
            #expect(first["message_id"] == "<id-7@example.com>")
            #expect(first["message_id"] == second["message_id"])
            #expect(server.messages.count == 2)
            #expect(server.messages[0].sender == "from@example.com")
            #expect(server.messages.allSatisfy { $0.content.contains("Message-ID: <id-7@example.com>\r\n") })
            await handler.shutdown()
        }
    }

    @Test func `sends to everybody named and hides bcc`() async throws {
        try await withServer { server in
            let handler = try SendMailHandler(setup(try smtp(server), folder: ScratchFolder()))
            let all = TaskArguments(
                positional: [["a@b.c", "D <d@e.f>"], "Konu", "Gövde"],
                keyword: ["cc": "g@h.i, a@b.c", "bcc": ["j@k.l"], "reply_to": "m@n.o", "html": "<p>x</p>"]
            )
            _ = try await handler.run(all, context: context())
            let message = try #require(server.messages.first)
            #expect(message.recipients == ["a@b.c", "d@e.f", "g@h.i", "j@k.l"])
            #expect(!message.content.contains("j@k.l"))
            #expect(message.content.contains("multipart/alternative"))
            await handler.shutdown()
        }
    }

    @Test(arguments: ["451 4.3.0 try later", "421 overloaded"])
    func `asks for a retry when refused for now`(answer: String) async throws {
        try await withServer {
            $0.recipients = ["to@example.com": [answer]]
        } _: { server in
            let handler = try SendMailHandler(setup(try smtp(server), folder: ScratchFolder()))
            let retry = await #expect(throws: TaskRetry.self) { try await handler.run(arguments, context: context()) }
            #expect(retry?.countdown == nil)
            #expect(retry?.cause?.module == "smtplib")
            await handler.shutdown()
        }
    }

    @Test func `doubles its own retry delay`() async throws {
        try await withServer {
            $0.recipients = ["to@example.com": ["451 later"]]
        } _: { server in
            let options = try smtp(server, ["retry_delay": 10])
            let handler = try SendMailHandler(setup(options, folder: ScratchFolder()))
            for (retries, range) in [(0, 10.0...12.5), (2, 40.0...50.0), (60, 3600.0...4500.0)] {
                let retry = await #expect(throws: TaskRetry.self) {
                    try await handler.run(arguments, context: context(retries: retries))
                }
                #expect(range.contains(retry?.countdown ?? 0))
            }
            await handler.shutdown()
        }
    }

    @Test func `fails for good with the exception smtplib raises`() async throws {
        try await withServer {
            $0.recipients = ["to@example.com": ["550 5.1.1 unknown"]]
        } _: { server in
            let handler = try SendMailHandler(setup(try smtp(server), folder: ScratchFolder()))
            let failure = await #expect(throws: TaskFailure.self) {
                try await handler.run(arguments, context: context())
            }
            #expect(failure?.module == "smtplib")
            #expect(failure?.type == "SMTPRecipientsRefused")
            #expect(failure?.arguments == [["to@example.com": [550, "5.1.1 unknown"]]])
            await handler.shutdown()
        }
    }

    @Test func `a server that cannot be reached means a retry`() async throws {
        let server = try await FakeSMTPServer.start()
        let options = try smtp(server)
        await server.stop()
        let handler = try SendMailHandler(setup(options, folder: ScratchFolder()))
        let retry = await #expect(throws: TaskRetry.self) { try await handler.run(arguments, context: context()) }
        #expect(retry?.cause?.type == "ConnectionError")
        await handler.shutdown()
    }

    @Test func `follows up for recipients refused for now, and only for those`() async throws {
        try await withServer {
            $0.recipients = ["later@example.com": ["450 greylisted", "250 now"], "gone@example.com": ["550 no"]]
        } _: { server in
            let handler = try SendMailHandler(setup(try smtp(server), folder: ScratchFolder()))
            let reporter = RecordingReporter()
            let three = TaskArguments(
                positional: [["to@example.com", "later@example.com", "gone@example.com"], "Konu", "Gövde"]
            )
            let result = try await handler.run(three, context: context(id: "f-1", reporter: reporter))
            #expect(result["status"] == "partial")
            #expect(result["accepted"] == 1)
            #expect(result["deferred"] == 1)
            #expect(result["refused"] == 1)
            #expect(
                result["recipients"]?.array?.last
                    == ["address": "gone@example.com", "status": "refused", "code": 550, "text": "no"]
            )
            let next = try #require(reporter.enqueued.first)
            #expect(reporter.enqueued.count == 1)
            #expect(next.task == "backend.tasks.email_tasks.send_email")
            let again = try await handler.run(
                TaskArguments(positional: next.args, keyword: next.kwargs),
                context: context(id: "f-2", reporter: reporter)
            )
            #expect(again["status"] == "sent")
            #expect(again["message_id"] == "<f-1@example.com>")
            #expect(server.messages.map(\.recipients) == [["to@example.com"], ["later@example.com"]])
            #expect(reporter.enqueued.count == 1)
            await handler.shutdown()
        }
    }

    @Test func `takes attachments from the root and as base64`() async throws {
        let folder = try ScratchFolder()
        try folder.write(Data("rapor".utf8), to: "rapor.csv")
        let handler = try SendMailHandler(setup(["attachment_root": "."], folder: folder))
        let mail = TaskArguments(
            positional: ["to@example.com", "Konu", "Gövde"],
            keyword: [
                "attachments": [
                    "rapor.csv", ["path": "rapor.csv", "filename": "özet.csv"],
                    ["filename": "a.bin", "content": "AAEC", "content_type": "application/x-test"],
                ]
            ]
        )
        let result = try await handler.run(mail, context: context())
        let text = try String(contentsOfFile: try #require(result["file"]?.string), encoding: .utf8)
        #expect(text.contains("filename=\"rapor.csv\""))
        #expect(text.contains("filename*=UTF-8''%C3%B6zet.csv"))
        #expect(text.contains("application/x-test"))
        #expect(text.contains("AAEC\r\n"))
        await handler.shutdown()
    }

    @Test(arguments: [
        (TaskArguments(), "TypeError", "missing 3 required positional arguments: 'to_email', 'subject', and 'body'"),
        (TaskArguments(positional: ["a@b.c", "x"]), "TypeError", "'body'"),
        (TaskArguments(positional: [5, "x", "y"]), "TypeError", "'to_email' must be str or list, not int"),
        (TaskArguments(positional: [["a@b.c", 5], "x", "y"]), "ValueError", "'to_email' must hold only str"),
        (TaskArguments(positional: [[], "x", "y"]), "ValueError", "'to_email' names no recipient"),
        (TaskArguments(positional: ["nobody", "x", "y"]), "ValueError", "is not an e-mail address: 'nobody'"),
        (TaskArguments(positional: ["a@b.c\r\nBcc: d@e.f", "x", "y"]), "ValueError", "must not contain a line break"),
        (TaskArguments(positional: ["a@b.c", "x\nBcc: d@e.f", "y"]), "ValueError", "'subject' must not contain"),
        (TaskArguments(positional: ["a@b.c", nil, "y"]), "TypeError", "'subject' must be str"),
        (TaskArguments(positional: ["a@b.c", "x", nil]), "TypeError", "'body' must be str"),
        (
            TaskArguments(positional: ["a@b.c", "x", "y"], keyword: ["foo": 1]), "TypeError",
            "unexpected keyword argument"
        ),
        (TaskArguments(positional: ["a@b.c", "x", "y"], keyword: ["cc": 1]), "TypeError", "'cc' must be str or list"),
        (
            TaskArguments(positional: ["a@b.c", "x", "y"], keyword: ["template": "t"]), "ValueError",
            "no templates folder"
        ),
        (
            TaskArguments(positional: ["a@b.c", "x", "y"], keyword: ["attachments": ["x"]]), "ValueError",
            "attachment_root"
        ),
        (
            TaskArguments(
                positional: ["a@b.c", "x", "y"],
                keyword: ["attachments": [["filename": "x", "content": "?"]]]
            ),
            "ValueError", "'attachments[0]' has content that is not base64"
        ),
        (
            TaskArguments(positional: ["a@b.c", "x", "y"], keyword: ["envelope_to": "d@e.f"]), "ValueError",
            "'envelope_to' must name recipients"
        ),
        (
            TaskArguments(positional: ["a@b.c", "x", "y"], keyword: ["message_id": "x@y\r\nBcc: z"]), "ValueError",
            "'message_id'"
        ),
    ])
    func `names the argument that is wrong`(arguments: TaskArguments, type: String, message: String) async throws {
        let handler = try SendMailHandler(setup([:], folder: ScratchFolder()))
        let failure = await #expect(throws: TaskFailure.self) { try await handler.run(arguments, context: context()) }
        #expect(failure?.type == type)
        #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
    }

    @Test func `fills a template and lets arguments win`() async throws {
        let folder = try ScratchFolder()
        try FileManager.default.createDirectory(atPath: folder.file("t"), withIntermediateDirectories: true)
        try folder.write(Data("Merhaba {{name}}".utf8), to: "t/hi.subject.mustache")
        try folder.write(Data("<b>{{name}}</b>".utf8), to: "t/hi.html.mustache")
        let handler = try SendMailHandler(setup(["templates": "t"], folder: folder))
        let mail = TaskArguments(
            keyword: ["to_email": "a@b.c", "template": "hi", "data": ["name": "Ali"], "bcc": nil]
        )
        let result = try await handler.run(mail, context: context())
        let text = try String(contentsOfFile: try #require(result["file"]?.string), encoding: .utf8)
        #expect(text.contains("Subject: Merhaba Ali\r\n"))
        #expect(text.contains("<b>Ali</b>"))
        #expect(text.contains("text/plain"))
    }

    @Test(
        arguments: [
            (["smtp": ["port": 25]], "options.smtp.host: is required"),
            (["smtp": ["host": "x"]], "options.from: is required with smtp"),
            (["smtp": ["host": "x"], "outbox": "y"], "options.outbox: cannot stand beside smtp"),
            (["smtp": ["host": "x", "security": "ssl"], "from": "a@b.c"], "options.smtp.security: must be starttls"),
            (["smtp": ["host": "x", "username": "u"], "from": "a@b.c"], "options.smtp.password: is required"),
            (
                ["smtp": ["host": "x", "security": "none", "username": "u", "password": "p"], "from": "a@b.c"],
                "the password would travel in clear"
            ),
            (
                ["smtp": ["host": "x", "ca_file": "nowhere.pem"], "from": "a@b.c"],
                "options.smtp.ca_file: cannot be read"
            ),
            (["smtp": ["host": "x", "tmeout": 5], "from": "a@b.c"], "options.smtp.tmeout: unknown option"),
            (["smtp": ["host": "x\r\ny"], "from": "a@b.c"], "options.smtp.host: is not a host name"),
            (["from": "nobody"], "options.from: is not an e-mail address"),
            (["attachment_root": "nowhere"], "options.attachment_root: is not a folder"),
            (["templates": "nowhere"], "options.templates: is not a folder"),
            (["stagger": -1], "options.stagger: must be between"),
        ] as [(JSONObject, String)]
    )
    func `wrong options are refused at the start`(options: JSONObject, message: String) throws {
        let folder = try ScratchFolder()
        let error = #expect(throws: HandlerOptionError.self) { try SendMailHandler(setup(options, folder: folder)) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
}

struct SendBulkMailHandlerTests {
    private func options(_ server: FakeSMTPServer) throws -> JSONObject {
        [
            "smtp": try block(server), "from": "from@example.com", "item_retry_delay": 0.001, "item_retries": 2,
        ]
    }

    private func mail(_ to: JSONValue) -> JSONValue { ["to": to, "subject": "Konu", "body": "Gövde"] }

    @Test func `one bad mail fails only itself`() async throws {
        try await withServer {
            $0.recipients = ["gone@example.com": ["550 no"]]
        } _: { server in
            let handler = try SendBulkMailHandler(setup(try options(server), folder: ScratchFolder()))
            let reporter = RecordingReporter()
            let emails: JSONValue = [
                mail("a@b.c"), mail("gone@example.com"), mail("bad"), "no dict", ["to": "a@b.c", "subject": "x"],
                mail(["d@e.f", "gone@example.com"]),
            ]
            let result = try await handler.run(
                TaskArguments(positional: [emails]),
                context: context(id: "bulk", reporter: reporter)
            )
            #expect(result["total"] == 6)
            #expect(result["sent"] == 2)
            #expect(result["failed"] == 4)
            let results = try #require(result["results"]?.array)
            #expect(results.map { $0["status"] } == ["sent", "failed", "failed", "failed", "failed", "partial"])
            #expect(results.map { $0["index"] } == [0, 1, 2, 3, 4, 5])
            #expect(results[1]["error"]?["type"] == "SMTPRecipientsRefused")
            #expect(results[2]["error"]?["type"] == "ValueError")
            #expect(results[3]["error"]?["message"]?.string?.contains("'emails[3]' must be dict, not str") == true)
            #expect(results[4]["error"]?["message"]?.string?.contains("'body'") == true)
            #expect(results[0]["message_id"] == "<bulk.0@example.com>")
            #expect(server.connections == 1)
            let last = try #require(reporter.updates.last)
            #expect(last.state == "PROGRESS")
            #expect(last.meta["current"] == 6)
            #expect(last.meta["total"] == 6)
            #expect(reporter.updates.map { $0.meta["current"] } == [0, 1, 2, 3, 4, 5, 6])
            await handler.shutdown()
        }
    }

    @Test func `tries again what was refused for now`() async throws {
        try await withServer {
            $0.recipients = [
                "later@example.com": ["450 wait", "450 wait", "250 now"], "never@example.com": ["450 wait"],
            ]
        } _: { server in
            let handler = try SendBulkMailHandler(setup(try options(server), folder: ScratchFolder()))
            let result = try await handler.run(
                TaskArguments(positional: [[mail("later@example.com"), mail("never@example.com"), mail("a@b.c")]]),
                context: context()
            )
            #expect(result["results"]?.array?.map { $0["status"] } == ["sent", "failed", "sent"])
            #expect(result["results"]?.array?[1]["error"]?["temporary"] == true)
            #expect(server.messages.map(\.recipients) == [["a@b.c"], ["later@example.com"]])
            await handler.shutdown()
        }
    }

    @Test func `tries again only for the recipients refused for now`() async throws {
        try await withServer {
            $0.recipients = [
                "later@example.com": ["450 wait", "450 wait", "250 now"], "never@example.com": ["450 wait"],
                "soon@example.com": ["450 wait", "550 no"],
            ]
        } _: { server in
            let handler = try SendBulkMailHandler(setup(try options(server), folder: ScratchFolder()))
            let result = try await handler.run(
                TaskArguments(positional: [
                    [
                        mail(["a@b.c", "later@example.com"]), mail(["a@b.c", "never@example.com"]),
                        mail(["a@b.c", "soon@example.com"]),
                    ]
                ]),
                context: context()
            )
            let results = try #require(result["results"]?.array)
            #expect(results.map { $0["status"] } == ["sent", "partial", "partial"])
            #expect(results.map { $0["accepted"] } == [2, 1, 1])
            #expect(results.map { $0["deferred"] } == [0, 1, 0])
            #expect(results.map { $0["refused"] } == [0, 0, 1])
            #expect(server.messages.filter { $0.recipients == ["a@b.c"] }.count == 3)
            #expect(server.messages.filter { $0.recipients == ["later@example.com"] }.count == 1)
            #expect(server.messages.count == 4)
            await handler.shutdown()
        }
    }

    @Test func `a server that is away means a retry of the whole, when nothing was sent`() async throws {
        let server = try await FakeSMTPServer.start()
        let options = try options(server)
        await server.stop()
        let handler = try SendBulkMailHandler(setup(options, folder: ScratchFolder()))
        await #expect(throws: TaskRetry.self) {
            try await handler.run(TaskArguments(positional: [[mail("a@b.c"), mail("d@e.f")]]), context: context())
        }
        await handler.shutdown()
    }

    @Test func `a wrong password fails the whole at once`() async throws {
        try await withServer {
            $0.password = "another"
        } _: { server in
            let handler = try SendBulkMailHandler(setup(try options(server), folder: ScratchFolder()))
            let failure = await #expect(throws: TaskFailure.self) {
                try await handler.run(TaskArguments(positional: [[mail("a@b.c"), mail("d@e.f")]]), context: context())
            }
            #expect(failure?.type == "SMTPAuthenticationError")
            #expect(server.connections == 1)
            await handler.shutdown()
        }
    }

    @Test func `keeps the distance between mails`() async throws {
        let folder = try ScratchFolder()
        let handler = try SendBulkMailHandler(setup(["stagger": 30], folder: folder))
        let start = ContinuousClock.now
        let result = try await handler.run(
            TaskArguments(positional: [[mail("a@b.c"), mail("a@b.c"), mail("a@b.c")]]),
            context: context()
        )
        #expect(ContinuousClock.now - start >= .milliseconds(60))
        #expect(result["sent"] == 3)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("outbox/mail")).count == 3)
    }

    @Test func `stops in the middle when cancelled`() async throws {
        let handler = try SendBulkMailHandler(setup(["stagger": 3_600_000], folder: ScratchFolder()))
        let running = Task {
            try await handler.run(TaskArguments(positional: [[mail("a@b.c"), mail("d@e.f")]]), context: context())
        }
        running.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
    }

    @Test func `an outbox that cannot be written fails each mail`() async throws {
        let folder = try ScratchFolder()
        try folder.write(Data(), to: "file")
        let handler = try SendBulkMailHandler(setup(["outbox": "file/outbox"], folder: folder))
        let result = try await handler.run(
            TaskArguments(positional: [[mail("a@b.c"), mail("d@e.f")]]),
            context: context()
        )
        #expect(result["results"]?.array?.map { $0["error"]?["type"] } == ["OSError", "OSError"])
    }

    @Test func `an empty list is done at once`() async throws {
        let handler = try SendBulkMailHandler(setup([:], folder: ScratchFolder()))
        let result = try await handler.run(TaskArguments(positional: [[]]), context: context())
        #expect(result["total"] == 0)
        #expect(result["results"] == [])
    }

    @Test func `needs a list`() async throws {
        let handler = try SendBulkMailHandler(setup([:], folder: ScratchFolder()))
        let failure = await #expect(throws: TaskFailure.self) {
            try await handler.run(TaskArguments(positional: ["x"]), context: context())
        }
        #expect(failure?.description == "TypeError: send_bulk_emails() argument 'emails' must be list, not str")
    }
}
