import CeleryMessage
import FoundationEssentials
import Inspection
import Testing

@testable import AdminGateway

@Suite struct `A session` {
    private let seal = SessionSeal(secret: "a secret that two gateways share")
    private let session = Session(user: "Ayşe", expires: Instant(seconds: 1000), nonce: "n1")

    @Test func `comes back as it was until it expires`() {
        let cookie = seal.cookie(session)
        #expect(seal.session(cookie, now: Instant(seconds: 999)) == session)
        #expect(seal.session(cookie, now: Instant(seconds: 1000)) == nil)
        let other = SessionSeal(secret: "a secret that two gateways share")
        #expect(other.session(cookie, now: Instant(seconds: 1)) == session)
    }

    @Test func `is believed from nobody else`() {
        let cookie = seal.cookie(session)
        #expect(SessionSeal().session(cookie, now: Instant(seconds: 1)) == nil)
        for place in cookie.indices {
            var changed = cookie
            changed.replaceSubrange(place...place, with: cookie[place] == "0" ? "1" : "0")
            #expect(seal.session(changed, now: Instant(seconds: 1)) == nil)
        }
        for cookie in ["", ".", "...", "a.b.c", String(repeating: "0", count: 5000)] {
            #expect(seal.session(cookie, now: Instant(seconds: 1)) == nil)
        }
    }

    @Test func `has a form token that is no other session's, and no cookie's signature`() {
        var other = session
        other.nonce = "n2"
        #expect(seal.accepts(seal.formToken(session), of: session))
        #expect(!seal.accepts(seal.formToken(other), of: session))
        #expect(!seal.cookie(session).contains(seal.formToken(session)))
    }

    @Test func `is remembered as ended`() {
        let sessions = Sessions(seal: seal)
        let session = sessions.start(GatewayUser(name: "a", role: .viewer, token: "a-token"), now: Instant(seconds: 0))
        let cookie = seal.cookie(session)
        #expect(sessions.session(cookie, now: Instant(seconds: 1)) == session)
        sessions.end(session, now: Instant(seconds: 1))
        #expect(sessions.session(cookie, now: Instant(seconds: 1)) == nil)
    }
}

@Suite struct `The language of a page` {
    @Test(arguments: [
        ("tr", "tr"), ("tr-TR,tr;q=0.9,en;q=0.8", "tr"), ("en-GB,en;q=0.9", "en"), ("de,tr;q=0.3,en;q=0.7", "en"),
        ("de", "tr"), ("", "tr"), ("trx", "tr"), ("en;q=0", "tr"), ("EN-us", "en"), ("*", "tr"), (";;,,q=", "tr"),
    ])
    func `is the one the browser likes best`(header: String, language: String) {
        #expect(Visitor.locale(accepted: header, otherwise: .turkish).rawValue == language)
    }

    @Test func `has every text that a template asks for, with the same blanks in both`() throws {
        let blanks = { (text: String) in Set(text.matches(of: /\{(\w+)\}/).map { String($0.1) }) }
        for (name, english) in Words.english.texts {
            let turkish = try #require(Words.turkish.texts[name])
            #expect(!english.isEmpty && !turkish.isEmpty)
            #expect(blanks(english) == blanks(turkish), "\(name)")
        }
        for (template, source) in Templates.sources {
            for match in String(decoding: source, as: UTF8.self).matches(of: /[{#^\/]t\.([\w.]+)\}/) {
                #expect(Words.english.texts[String(match.1)] != nil, "\(template): \(match.1)")
            }
        }
    }

    @Test(arguments: [
        "queue_paused", "no_consumer", "unknown_task", "workers_busy", "waiting", "scheduled", "retry", "rate_limited",
        "running", "reserved", "held", "dead_worker", "revoked", "expired", "chord_waits", "succeeded", "failed",
        "terminated", "unknown", "lost", "not_seen",
    ])
    func `has Turkish words for every reason why a task does not run`(code: String) throws {
        let text = try #require(Words.turkish.texts["why.\(code)"])
        #expect(text.hasSuffix(".") || text.hasSuffix(")."))
        #expect(Words.english.texts["why.\(code)"] == nil)
    }

    @Test func `fills the blanks of a reason, and leaves those alone that nothing is known of`() {
        let text = Words.filled("{queue}: {position}, {worker}") { ["queue": "{worker}", "position": "3"][$0] }
        #expect(text == "{worker}: 3, {worker}")
    }

    @Test func `fills blanks once`() {
        #expect(Words.english["ask.drain", ["name": "{name}"]] == "Drain {name}?")
        #expect(Words.turkish["rangeOf", ["from": "1", "to": "50", "n": "80"]] == "80 kayıttan 1–50")
    }
}

@Suite struct `Numbers and times for people` {
    private func of(_ locale: StatusLocale) -> Humanizer {
        Humanizer(words: .of(locale), now: Instant(seconds: 1_000_000))
    }

    @Test(arguments: [
        (0, "0", "0"), (999, "999", "999"), (1000, "1,000", "1.000"), (1_234_567, "1,234,567", "1.234.567"),
        (-4200, "−4,200", "−4.200"),
    ])
    func `count with groups`(number: Int, english: String, turkish: String) {
        #expect(of(.english).count(number) == english)
        #expect(of(.turkish).count(number) == turkish)
    }

    @Test(arguments: [
        (0.0002, "<1 ms"), (0.23, "230 ms"), (0.9996, "1 s"), (1.25, "1.3 s"), (59.96, "1 min"), (61, "1 min 1 s"),
        (3600, "1 h"), (93_784, "1 d 2 h"), (-1, "–"), (.infinity, "–"),
    ])
    func `say how long something takes`(seconds: Double, text: String) {
        #expect(of(.english).duration(seconds) == text)
    }

    @Test(arguments: [
        (1_000_000.0, "now", "şimdi"), (999_990, "10 s ago", "10 sn önce"), (1_000_120, "in 2 min", "2 dk sonra"),
        (900_000, "1 d ago", "1 gün önce"), (-9e15, "104,250,000,011 d ago", "104.250.000.011 gün önce"),
    ])
    func `say how far a moment is`(seconds: Double, english: String, turkish: String) {
        let moment = Instant(seconds: seconds)
        // What is out of all reason still gives some text.
        guard abs(seconds) < 1e12 else {
            #expect(of(.english).distance(moment).hasSuffix("ago"))
            return
        }
        #expect(of(.english).distance(moment) == english)
        #expect(of(.turkish).distance(moment) == turkish)
    }

    @Test(arguments: [(0.0, "0%", "%0"), (0.004, "0.4%", "%0,4"), (0.5, "50%", "%50"), (1, "100%", "%100")])
    func `give shares`(share: Double, english: String, turkish: String) {
        #expect(of(.english).share(share) == english)
        #expect(of(.turkish).share(share) == turkish)
    }

    @Test(arguments: [(512, "512 B"), (23_400_000, "22.3 MiB"), (Int.max, "8,388,608 TiB")])
    func `give sizes`(bytes: Int, text: String) {
        #expect(of(.english).bytes(bytes) == text)
    }
}

@Suite struct `A plot` {
    @Test func `stays within its picture`() throws {
        let plot = Plot(values: [0, 5, 10, 2], bad: [0, 0, 3, 0], width: 30, height: 12)
        #expect(plot.line == "M0 11L10 6L20 1L30 9")
        #expect(plot.area.hasSuffix("L30 12L0 12Z"))
        #expect(plot.bars.split(separator: "z").count == 1)
        #expect(Plot(values: [], bad: []).area.isEmpty)
    }
}

@Suite struct `The activity of the last hour` {
    private let history = InMemoryHistory()
    private func task(_ id: String, _ state: TaskState, at seconds: Double) -> FinishedTask {
        FinishedTask(id: id, name: "t", queue: "q", state: state, worker: "w", finishedAt: Instant(seconds: seconds))
    }

    @Test func `begins with what the history has, and goes on with what the counters say`() async throws {
        history.record(task("old", .success, at: 6000 - 3700))
        history.record(task("a", .success, at: 6000 - 130))
        history.record(task("b", .failure, at: 6000 - 130))
        let activity = Activity { Instant(seconds: 6000) }
        try await activity.look(at: history)
        for number in 0..<5 { history.record(task("n\(number)", .success, at: 6000)) }
        try await activity.look(at: history)
        let minutes = activity.minutes(of: "q")
        #expect(minutes.count == 60)
        #expect(minutes.reduce(0) { $0 + $1.completed } == 6)
        #expect(minutes[56].failed + minutes[57].failed == 1)
        #expect(minutes[59].completed == 5)
        #expect(activity.perMinute(minutes) == 5)
        #expect(activity.minutes(of: nil) == minutes)
        #expect(activity.minutes(of: "other").allSatisfy { $0 == Activity.Ends() })
    }
}

@Suite struct `The page of a task` {
    @Test func `shows the tasks of its workflow once each, even where they claim each other as parents`() {
        var page = TaskPage(id: "a")
        page.relatives = [
            .init(id: "a", name: "x.first", parent: "b"), .init(id: "b", name: "x.second", parent: "a"),
            .init(id: "c", name: "x.third", parent: "missing"),
        ]
        let frame = PageFrame(visitor: Visitor(locale: .english), now: .now(), home: "/admin/jobs", here: "/")
        let html = frame.html(page.page(frame))
        for name in ["first", "second", "third"] { #expect(html.contains(name)) }
        #expect(html.contains("Workflow"))
    }

    @Test(arguments: [
        ("<crontab: 0 2 * * * (m/h/dM/MY/d)>", "0 2 * * *"), ("<freq: 30.00 seconds>", "30.00 seconds"),
        ("every 5 min", "every 5 min"), ("<>", "<>"),
    ])
    func `writes schedules as people do`(text: String, shown: String) {
        #expect(SchedulePage.times(text) == shown)
    }

    @Test func `indents JSON and leaves what was cut as it is`() {
        #expect(Indented.text(#"{"a":[1,{}],"b":"x"}"#) == "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x\"\n}")
        #expect(Indented.text(#"{"a": [1, 2…"#) == #"{"a": [1, 2…"#)
    }
}
