import CeleryMessage
import Testing

@testable import Alerts

@Suite struct `The words of an alert` {
    private let moment = Instant(seconds: 1_790_000_000)

    @Test func `say what failed, where, and where to look`() {
        let text = AlertText(Alert(.new, .sample("t1", at: moment)), home: "https://ops.example.org/admin/jobs")
        #expect(text.title == "proj.charge failed for good: ValueError")
        #expect(text.body == "declined")
        #expect(text.facts.map(\.name) == ["Queue", "Tenant", "Worker", "Task id", "Attempts"])
        #expect(text.facts.map(\.value) == ["cards", "acme", "w1@host", "t1", "3"])
        let fingerprint = AlertLetter.sample("t1", at: moment).fingerprint
        #expect(text.link == "https://ops.example.org/admin/jobs/dead-letters/\(fingerprint)")
    }

    @Test func `count, and say since when`() {
        var alert = Alert(.more, .sample("t1", at: moment))
        alert.count = 499
        alert.firstSeen = moment - .seconds(5)
        let text = AlertText(alert, home: nil)
        #expect(text.title == "499 more of proj.charge: ValueError")
        #expect(text.facts.suffix(2).map(\.name) == ["First", "Last"])
        #expect(text.link == nil)
    }

    @Test func `are one line where one line is meant`() {
        var letter = AlertLetter.sample("t1", at: moment)
        letter.task = "proj\r\nBcc: everybody@example.org" + String(repeating: "x", count: 500)
        let text = AlertText(Alert(.new, letter), home: nil)
        #expect(!text.title.unicodeScalars.contains { $0.value < 0x20 })
        #expect(text.title.unicodeScalars.count <= 200)
    }

    @Test func `for Slack call nobody and hold no arguments`() throws {
        var letter = AlertLetter.sample("t1", at: moment)
        letter.message = "<!channel> & <https://evil.example|here>"
        let json = String(decoding: JSONWriter.bytes(SlackMessage.json(Alert(.new, letter), home: nil)), as: UTF8.self)
        #expect(json.contains("&lt;!channel&gt; &amp; &lt;https://evil.example|here&gt;"))
        #expect(!json.contains("<") && !json.contains("an argument"))
    }
}

@Suite struct `Events for Sentry` {
    private let moment = Instant(seconds: 1_790_000_000)

    @Test func `name the task, its id, where it ran, and the frames of the last exception`() throws {
        let alert = Alert(.new, .sample("t1", at: moment))
        let event = SentryEvent.json(alert, environment: "test", release: "1.2", home: nil)
        #expect(event["transaction"] == "proj.charge" && event["server_name"] == "w1@host")
        #expect(event["level"] == "error" && event["environment"] == "test" && event["release"] == "1.2")
        #expect(
            event["tags"] == [
                "task_id": "t1", "queue": "cards", "task": "proj.charge", "worker": "w1@host", "tenant": "acme",
            ]
        )
        let exception = try #require(event["exception"]?["values"]?.array?.first)
        #expect(exception["type"] == "ValueError" && exception["value"] == "declined")
        #expect(
            exception["stacktrace"]?["frames"] == [
                ["filename": "/app/run.py", "lineno": 12, "function": "run", "context_line": "charge(card)"],
                ["filename": "/app/cards.py", "lineno": 3, "function": "charge"],
            ]
        )
        let bytes = SentryEvent.envelope(event)
        #expect(!String(decoding: bytes, as: UTF8.self).contains("an argument"))
        let lines = bytes.split(separator: 0x0A)
        #expect(lines.count == 3)
        let header = try JSONReader.value(Array(lines[1]))
        #expect(header["type"] == "event" && header["length"] == .int(Int64(lines[2].count)))
    }

    @Test func `have one id however often they are sent, and others for others`() {
        func id(_ task: String, _ second: Double) -> JSONValue? {
            let letter = AlertLetter.sample(task, at: Instant(seconds: second))
            return SentryEvent.json(Alert(.new, letter), environment: nil, release: nil, home: nil)["event_id"]
        }
        #expect(id("a", 1) == id("a", 1))
        #expect(Set([id("a", 1), id("a", 2), id("b", 1)]).count == 3)
        #expect(id("a", 1)?.string?.count == 32)
    }

    @Test(arguments: ["", "no frames", "File \"", "  File \"x\"", "File \"x\", line y, in ", "File \"\", line 1, in f"])
    func `a traceback of another form does no harm`(text: String) {
        #expect(StackTrace(text).frames.allSatisfy { $0.file == "x" && $0.line == nil })
    }

    @Test(arguments: [
        ("https://abc@sentry.example.org/1", "https://sentry.example.org/api/1/envelope/"),
        ("http://abc:def@127.0.0.1:9000/42", "http://127.0.0.1:9000/api/42/envelope/"),
        ("https://abc@example.org/sentry/7", "https://example.org/sentry/api/7/envelope/"),
    ])
    func `go where the address says`(text: String, endpoint: String) throws {
        let dsn = try #require(SentryDSN(text))
        #expect(dsn.endpoint == endpoint && dsn.key == "abc")
        #expect(!"\(dsn)".contains("abc"))
    }

    @Test(arguments: [
        "", "abc", "https://sentry.example.org/1", "https://abc@/1", "https://abc@host", "https://abc@host/",
        "https://abc@host/x", "https://a b@host/1", "ftp://abc@host/1", "https://@host/1", "https://abc@host//1",
    ])
    func `an address of another form is none`(text: String) { #expect(SentryDSN(text) == nil) }
}
