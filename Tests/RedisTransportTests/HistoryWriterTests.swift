import CeleryMessage
import Testing

@testable import Transport

/// The line that the end of a task leaves.
struct HistoryWriterTests {
    private func line(
        _ message: TaskMessage?,
        result: String? = nil,
        exception: ExceptionInfo? = nil,
        traceback: String? = nil,
        run: TaskEnd.Run = TaskEnd.Run(),
        writer: HistoryWriter = HistoryWriter(worker: "w1@test")
    ) throws -> JSONValue {
        let end = TaskEnd(
            of: message.map { ReceivedMessage($0) },
            queue: "celery",
            state: exception == nil ? .success : .failure,
            finishedAt: Instant(microseconds: 1_700_000_000_000_000),
            run: run,
            result: result.map { Array($0.utf8) },
            exception: exception,
            traceback: traceback,
            bound: .completed,
            writer: writer
        )
        var line: [UInt8] = []
        writer.write(end, into: &line)
        #expect(!line.contains { $0 < 0x20 })
        return try JSONReader.value(line)
    }

    private func message(_ kwargs: JSONObject = [:], args: [JSONValue] = []) -> TaskMessage {
        TaskMessage(task: "proj.add", id: "id-1", args: args, kwargs: kwargs)
    }

    @Test func `of a plain task is short`() throws {
        let line = try line(message(), result: "null")
        #expect(line.object?.keys == ["i", "n", "s", "w", "f", "v"])
    }

    @Test func `tells when, how long and how often`() throws {
        var run = TaskEnd.Run()
        run.receivedAt = Instant(microseconds: 1_699_999_999_000_000)
        run.startedAt = Instant(microseconds: 1_699_999_999_500_000)
        run.runtime = .milliseconds(400)
        run.progress = Array(#"{"current": 3, "total": 10, "status": "PDF üretiliyor"}"#.utf8)
        var message = message()
        message.headers.retries = 2
        message.headers.parentID = "parent"
        message.headers.rootID = "root"
        message.headers.group = "group"
        let line = try line(message, run: run)
        #expect((line["r"]?.int, line["b"]?.int, line["d"]?.int) == (1_000_000, 500_000, 400_000))
        #expect(line["p"]?.array == [.double(3), .double(10), "PDF üretiliyor"])
        #expect((line["t"]?.int, line["u"]?.string, line["o"]?.string) == (3, "parent", "root"))
        #expect(line["g"]?.string == "group")
    }

    @Test func `tells of the attempts before`() throws {
        var run = TaskEnd.Run()
        run.startedAt = Instant(seconds: 10)
        var message = message()
        run.runtime = .milliseconds(1500)
        for number in 1...22 {
            message = HistoryWriter.noting(
                run,
                endedAt: Instant(seconds: 10 + Double(number)),
                .valueError("no \(number)"),
                by: "w1@test",
                in: message
            )
        }
        message.headers.retries = 22
        let attempts = try line(message)["h"]?.array
        #expect(attempts?.count == 20)
        #expect(
            attempts?.last?.array == [.double(10), .double(32), "ValueError", "no 22", "w1@test", .double(1.5)]
        )
    }

    @Test(arguments: [
        (#"{"password": "x"}"#, #"{"password":"***"}"#),
        (#"{"user": {"apiKey": [1, {"a": "]"}], "name": "Ünal"}}"#, #"{"user":{"apiKey":"***","name":"Ünal"}}"#),
        (
            #"[{"Access-Token": null}, {"token_count": 5, "tokens": 6}]"#,
            #"[{"Access-Token":"***"},{"token_count":5,"tokens":6}]"#
        ),
        (
            #"{"\u015fifre": 1, "p\u0061rola": 2, "ad": "\"secret\": 3"}"#,
            #"{"\u015fifre":"***","p\u0061rola":"***","ad":"\"secret\": 3"}"#
        ),
        (
            #"{"shipping": 1, "spin": 2, "pin": 3, "card_pin": 4}"#,
            #"{"shipping":1,"spin":2,"pin":"***","card_pin":"***"}"#
        ),
        ("[ 1 ,\n\t2.50 , true, NaN ]", "[1,2.50,true,NaN]"),
        (#"{"secret" : "a,b}" , "x":1}"#, #"{"secret":"***","x":1}"#),
        (#"{"secret""#, #"{"secret""#), (#"{"secret":"#, #"{"secret":"***""#), (#"["\"#, #"["\"#), ("", ""),
    ])
    func `masks secrets in JSON text`(_ json: String, _ expected: String) throws {
        var out: [UInt8] = []
        SecretNames().copy(Array(json.utf8), limit: 1024, into: &out)
        #expect(String(decoding: out, as: UTF8.self) == expected)
        // Values are masked as texts are; what is not a number equals nothing.
        guard !json.contains("NaN"), let value = try? JSONReader.value(Array(json.utf8)) else { return }
        #expect(SecretNames().masked(value) == (try JSONReader.value(out)))
    }

    @Test(arguments: [
        ("{'password': 'x', 'to': 'a'}", "{'password': '***', 'to': 'a'}"),
        ("({'card_pin': [1, {'a': ')'}], 'b': 2}, 'pin: 3')", "({'card_pin': '***', 'b': 2}, 'pin: 3')"),
        (#"{"token": "it's", 'x': "\\'token': 1"}"#, #"{"token": '***', 'x': "\\'token': 1"}"#),
        ("{'user': User(name='a', secret=Key('b, c'), age=3)}", "{'user': User(name='a', secret='***', age=3)}"),
        ("{'password': 'cut o", "{'password': '***'"), ("{'password", "{'password"),
        ("{'password':", "{'password': '***'"),
        ("{'şifre': 1, 'shipping': 2}", "{'şifre': '***', 'shipping': 2}"), ("", ""), ("'", "'"), (#"'\"#, #"'\"#),
    ])
    func `masks secrets in Python's texts`(_ text: String, _ expected: String) {
        #expect(SecretNames().masked(repr: text) == expected)
    }

    @Test(arguments: [
        ("card_*", ["card_number", "CARD_PIN", "card_"], ["my_card_number", "cardholder"]),
        ("*secret*", ["secret", "my_secrets", "TopSecretThing"], ["sec_ret"]),
        ("p?n", ["pin", "PAN"], ["pn", "spin", "piin"]), ("*", ["", "anything"], []),
        ("a*b*c", ["abc", "a-b-b-c"], ["abcd"]),
        ("iban", ["iban", "partner_iban", "partnerIban"], ["ibanes", "caliban"]),
    ])
    func `names with stars stand for whole names`(_ name: String, covered: [String], others: [String]) {
        let names = SecretNames([name])
        for key in covered { #expect(names.cover(key) == !key.isEmpty, "\(key)") }
        for key in others { #expect(!names.cover(key), "\(key)") }
    }

    @Test func `cuts what is long, and marks it`() throws {
        let long = String(repeating: "ü", count: 3000)
        let line = try line(
            message(["text": .string(long), "password": .string(long)], args: [.string(long)]),
            result: "\"\(long)\"",
            exception: .valueError(long),
            traceback: String(repeating: "a line\n", count: 5000) + "the end\n"
        )
        for name in ["A", "K", "V"] {
            let text = try #require(line[name]?.string)
            #expect(text.hasSuffix("…"))
            #expect(text.utf8.count < 1100)
        }
        #expect(line["a"] == nil)
        #expect((line["e"]?.array?[1].string?.utf8.count ?? 0) < 1100)
        let traceback = try #require(line["c"]?.string)
        #expect(traceback.hasPrefix("…"))
        #expect(traceback.hasSuffix("the end\n"))
        #expect(traceback.utf8.count < 8300)
    }

    @Test(
        arguments: [
            (["tenant_id": "t1"], [:], "t1"), (["tenant": 7], [:], "7"), ([:], ["tenant_id": "t2"], "t2"),
            ([:], ["tenant": "t3", "tenant_id": "t4"], "t4"), (["tenant": "t5"], ["tenant_id": "t6"], "t5"),
            ([:], ["x": ["tenant_id": "t7"]], nil), ([:], [:], nil), ([:], ["tenant_id": ""], nil),
        ] as [(JSONObject, JSONObject, String?)]
    )
    func `names the tenant by a header or an argument`(
        _ headers: JSONObject,
        _ kwargs: JSONObject,
        _ tenant: String?
    ) throws {
        var message = message(kwargs)
        for (name, value) in headers { message.headers.extra[name] = value }
        #expect(try line(message)["m"]?.string == tenant)
    }

    @Test func `other names may be configured`() throws {
        let writer = HistoryWriter(worker: "w", tenants: TenantNames(["company"]), secrets: SecretNames(["number"]))
        let line = try line(message(["company": 5, "number": 1, "password": 2]), writer: writer)
        #expect(line["m"]?.string == "5")
        #expect(line["k"]?["number"]?.string == "***")
        #expect(line["k"]?["password"]?.int == 2)
    }

    @Test(arguments: ["null", "[]", #"{"current": "x"}"#, #"{"current": 1}"#, "no JSON"])
    func `a state that is no progress is none`(_ meta: String) throws {
        var run = TaskEnd.Run()
        run.progress = Array(meta.utf8)
        #expect(try line(message(), run: run)["p"] == nil)
    }

    @Test func `a message that could not be read leaves what is known`() throws {
        let line = try line(nil, exception: .notRegistered("x"))
        #expect(line["e"]?.array?.first?.string == "NotRegistered")
        #expect(line["n"]?.string == "")
    }
}
