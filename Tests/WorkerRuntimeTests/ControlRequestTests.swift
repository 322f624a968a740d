import CeleryMessage
import Testing
import Transport

@testable import WorkerRuntime

/// How requests are read, whom they are for and what is refused; recorded from Celery's own clients.
@Suite struct ControlRequestTests {
    static let patterns = (try? Recorded.lines("vectors/pattern_match")) ?? []
    static let recorded = [
        "01_ping", "02_ping", "04_ping", "05_ping", "31_rate_limit", "37_add_consumer", "45_revoke", "47_revoke",
        "58_ping", "65_pool_restart",
    ]

    @Test func `there are recorded patterns`() { #expect(Self.patterns.count == 18) }

    @Test(arguments: patterns) func `picks nodes by name as Celery does`(_ row: JSONValue) throws {
        let request = ControlRequest(
            method: "ping",
            pattern: row["pattern"]?.string,
            matcher: row["matcher"]?.string
        )
        #expect(try request.isMeant(for: row["hostname"]?.string ?? "") == row["match"]?.bool)
    }

    @Test(arguments: recorded) func `reads and writes a request as Celery's client does`(_ name: String) throws {
        let recorded = try #require(try Recorded.file("control/\(name)")["request"])
        let message = try BroadcastMessage(decoding: Array((recorded["raw"]?.string ?? "").utf8))
        let request = try ControlRequest(body: try message.value())
        #expect(try message.value() == recorded["body"])
        #expect(JSONWriter.string(request.body) == recorded["body"].map(JSONWriter.string))
        #expect(message.exchange == "celery.pidbox")
        #expect(message.headers["clock"] == recorded["headers"]?["clock"])
        let again = try JSONReader.value(message.encode())
        let raw = try JSONReader.value(recorded["raw"]?.string ?? "")
        #expect(again.object?.keys == raw.object?.keys)
        #expect(again["body"] == raw["body"])
        #expect(again["properties"]?.object?.keys == raw["properties"]?.object?.keys)
        #expect(again["properties"]?["delivery_info"] == raw["properties"]?["delivery_info"])
    }

    @Test func `a destination beats a pattern, and nothing means everybody`() throws {
        var request = ControlRequest(method: "ping")
        #expect(try request.isMeant(for: "w1@host"))
        request.pattern = "x*"
        request.matcher = "glob"
        #expect(try !request.isMeant(for: "w1@host"))
        request.destination = ["w2@host", "w1@host"]
        #expect(try request.isMeant(for: "w1@host"))
        request.destination = ["w2@host"]
        #expect(try !request.isMeant(for: "w1@host"))
    }

    @Test func `refuses a matcher nobody knows`() {
        let request = ControlRequest(method: "ping", pattern: "x", matcher: "soundex")
        #expect(throws: BroadcastError.self) { try request.isMeant(for: "w1@host") }
    }

    static let garbage = [
        "", "{}", "[]", "null", "no JSON", #"{"body": 1, "properties": {}}"#,
        #"{"body": "e30=", "properties": {"body_encoding": "base64"}, "content-type": "application/x-python-serialize"}"#,
        #"{"body": "*", "properties": {"body_encoding": "base64"}}"#,
        #"{"body": "W10=", "properties": {"body_encoding": "base64"}}"#,
        #"{"body": "eyJtZXRob2QiOiAxfQ==", "properties": {"body_encoding": "base64"}}"#,
        #"{"body": "{\"method\": \"ping\", \"arguments\": [1]}", "properties": {}}"#,
        String(repeating: "[", count: 100_000),
    ]

    @Test(arguments: garbage) func `refuses what is no request`(_ text: String) {
        #expect(throws: BroadcastError.self) {
            try ControlRequest(body: try BroadcastMessage(decoding: Array(text.utf8)).value())
        }
    }

    // MARK: Patterns

    static let globs: [(pattern: String, name: String, matches: Bool)] = [
        ("*", "", true), ("", "", true), ("", "a", false), ("a*b*c", "aXbYc", true), ("a*b*c", "aXbY", false),
        ("[!a]", "b", true), ("[!a]", "a", false), ("[]]", "]", true), ("[a-c]x", "bx", true), ("[a-c]x", "dx", false),
        ("[a", "[a", true), ("[a-]", "-", true), ("**a", "xxa", true), ("?", "", false), ("w.1", "wx1", false),
    ]

    @Test(arguments: globs) func `reads shell patterns`(_ row: (pattern: String, name: String, matches: Bool)) {
        #expect(GlobPattern(row.pattern).matches(row.name) == row.matches)
    }

    static let expressions: [(pattern: String, name: String, matches: Bool)] = [
        ("", "x", true), ("a|b", "b", true), ("a|b", "c", false), ("(ab)+$", "ababab", true), ("(ab)+$", "aba", false),
        ("a{2,3}$", "aa", true), ("a{2,3}$", "aaaa", false), ("a{2}$", "aa", true), ("a{,2}$", "aaa", false),
        ("a{x}", "a{x}", true), ("[^@]+@host$", "w1@host", true), ("[\\w.]+@", "a.b@", true), ("\\bw", "w", true),
        ("w\\b1", "w1", false), ("(?:x|y)z", "yz", true), ("(?P<n>x)z", "xz", true), ("a.c", "a\nc", false),
        ("a??b", "ab", true), ("\\.", "x", false), ("x*", "y", true), ("(a*)*$", "aaaa", true), ("()*x", "x", true),
        ("a$", "a\n", true), ("\\D", "1", false), ("[]a]", "]", true), ("(|a)b", "b", true),
    ]

    @Test(arguments: expressions)
    func `reads regular expressions`(_ row: (pattern: String, name: String, matches: Bool)) throws {
        #expect(try NamePattern(row.pattern).matches(row.name) == row.matches)
    }

    static let unreadable = [
        "(", ")", "[a", "*", "a**", "\\", "(?=x)", "(?<!x)y", "(?P=n)", "\\1", "[b-a]", "a{1001}", "a{3,2}", "\\q",
        String(repeating: "(", count: 200), String(repeating: "x", count: 600), "((((a{900}){900}){900}){900})",
    ]

    @Test(arguments: unreadable) func `refuses expressions it cannot read`(_ pattern: String) {
        #expect(throws: NamePattern.Problem.self) { try NamePattern(pattern) }
    }

    @Test func `takes no longer for an expression that would stall a backtracking matcher`() throws {
        let pattern = try NamePattern("(a+)+(a+)+(a+)+b")
        #expect(!pattern.matches(String(repeating: "a", count: 2000)))
    }

    // MARK: Arguments

    static let refusals: [(method: String, arguments: JSONObject, error: String)] = [
        (
            "enable_events", ["bogus": 1],
            #"TypeError("enable_events() got an unexpected keyword argument 'bogus'")"#
        ),
        ("autoscale", ["n": 1], #"TypeError("autoscale() got an unexpected keyword argument 'n'")"#),
        ("revoke", [:], #"TypeError("revoke() missing 1 required positional argument: 'task_id'")"#),
        (
            "rate_limit", [:],
            #"TypeError("rate_limit() missing 2 required positional arguments: 'task_name' and 'rate_limit'")"#
        ),
        ("ping", ["state": 1], #"TypeError("ping() got multiple values for argument 'state'")"#),
    ]

    @Test(arguments: refusals)
    func `refuses arguments in Python's words`(_ row: (method: String, arguments: JSONObject, error: String)) throws {
        let command = try #require(ControlCommand(named: row.method))
        let failure = #expect(throws: ControlFailure.self) { try command.check(row.arguments) }
        #expect(failure?.exception.pythonRepr == row.error)
    }

    @Test func `lets commands ignore what they do not know`() throws {
        for command in ControlCommand.allCases where command.onlyArguments == nil && command.required.isEmpty {
            try command.check(["bogus": 1])
        }
    }

    @Test func `finds commands by their old names`() {
        #expect(ControlCommand(named: "dump_tasks") == .registered)
        #expect(ControlCommand(named: "dump_schedule") == .scheduled)
        #expect(ControlCommand(named: "active_queues") == .activeQueues)
        #expect(ControlCommand(named: "nothing") == nil)
    }

    // MARK: Command line

    static let lines: [(command: ControlCommand, words: [String], arguments: JSONObject)] = [
        (.ping, [], [:]), (.revoke, ["a", "b"], ["task_id": ["a", "b"]]), (.poolGrow, ["2"], ["n": 2]),
        (.rateLimit, ["t", "5/s"], ["task_name": "t", "rate_limit": "5/s"]),
        (.timeLimit, ["t", "1", "2.5"], ["task_name": "t", "soft": 1.0, "hard": 2.5]),
        (.terminate, ["KILL", "a"], ["signal": "KILL", "task_id": ["a"]]),
        (.registered, [], ["taskinfoitems": []]), (.conf, ["true"], ["with_defaults": true]),
        (.addConsumer, ["q", "e"], ["queue": "q", "exchange": "e"]), (.autoscale, ["4", "2"], ["max": 4, "min": 2]),
    ]

    @Test(arguments: lines)
    func `makes arguments of words`(_ row: (command: ControlCommand, words: [String], arguments: JSONObject)) throws {
        #expect(try row.command.arguments(from: row.words) == row.arguments)
    }

    @Test(arguments: [
        (ControlCommand.ping, ["x"]), (.poolGrow, ["many"]), (.rateLimit, ["t"]), (.addConsumer, []),
        (.conf, ["perhaps"]), (.poolShrink, ["1", "2"]),
    ])
    func `refuses words that do not fit`(_ command: ControlCommand, _ words: [String]) {
        #expect(throws: ControlCommand.UsageError.self) { try command.arguments(from: words) }
    }

    // MARK: Floods

    @Test func `looks at so many requests a second and counts the rest`() {
        var flood = RequestFlood()
        let admitted = (0..<2000).count { _ in flood.admits(at: 10.5) }
        #expect(admitted == RequestFlood.limit)
        #expect(flood.dropped == 2000 - RequestFlood.limit)
        #expect(flood.admits(at: 11.6) == true)
        #expect(flood.takeDropped() == 2000 - RequestFlood.limit)
        #expect(flood.takeDropped() == 0)
    }

    @Test func `admits nothing while too many commands wait for Redis`() {
        var flood = RequestFlood()
        flood.atWork = RequestFlood.mostAtOnce
        #expect(flood.admits(at: 1) == false)
        flood.atWork -= 1
        #expect(flood.admits(at: 1) == true)
    }

    @Test func `a clock set to the end of all numbers carries nobody along`() {
        var clock = LamportClock()
        clock.adjust(to: .max)
        clock.adjust(to: 41)
        #expect(clock.value == 42)
        #expect(clock.forward() == 43)
    }
}
