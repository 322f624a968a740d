import CeleryMessage
import Synchronization
import Testing

@testable import Inspection

struct DeadLetterTests {
    private func letter(
        _ id: String,
        task: String = "proj.add",
        _ type: String = "ValueError",
        traceback: String? = nil,
        at second: Double = 0
    ) -> DeadLetter {
        var finished = FinishedTask(
            id: id,
            name: task,
            queue: "pdf",
            state: .failure,
            worker: "w1@host",
            finishedAt: Instant(seconds: second)
        )
        finished.failure = .init(type: type, message: "no \(id)", traceback: traceback)
        return DeadLetter(task: finished, reason: "failed", item: Array(#"{"id": "\#(id)"}"#.utf8), list: "pdf")
    }

    private func traceback(line: Int, function: String = "add") -> String {
        """
        Traceback (most recent call last):
          File "worker.py", line 1, in run
          File "/app/tasks.py", line \(line), in \(function)
            return a / b
        ValueError: no
        """
    }

    @Test func `letters that failed at one place are of one kind, whatever the line`() {
        let first = letter("a", traceback: traceback(line: 10))
        let moved = letter("b", traceback: traceback(line: 12))
        #expect(first.fingerprint == moved.fingerprint)
        #expect(DeadLetterKind(of: first).topFrame == "/app/tasks.py in add")
        let others = [
            letter("c", traceback: traceback(line: 10, function: "sub")), letter("d", "KeyError"),
            letter("e", task: "proj.mul"), letter("f"),
        ]
        #expect(Set(others.map(\.fingerprint) + [first.fingerprint]).count == 5)
        #expect(first.fingerprint.count == 16)
    }

    @Test(arguments: ["", "no traceback", "File \"", "  File \"x\"", "File \"x\", line 1"])
    func `a traceback of another form does no harm`(_ text: String) {
        let frame = DeadLetterKind.topFrame(text)
        #expect(frame == nil || frame == "x")
    }

    @Test func `groups letters by kind, the newest in front`() async throws {
        let letters = InMemoryDeadLetters()
        for (place, type) in ["A", "B", "A", "C", "A"].enumerated() {
            letters.keep(letter("\(place)", type, at: Double(place)))
        }
        let groups = try await letters.groups()
        #expect(groups.map(\.kind.exception) == ["A", "C", "B"])
        #expect(groups.map(\.count) == [3, 1, 1])
        #expect((groups[0].firstSeen, groups[0].lastSeen) == (Instant(seconds: 0), Instant(seconds: 4)))
    }

    @Test func `sends back only what was chosen, spaced out`() async throws {
        let letters = InMemoryDeadLetters()
        for (place, type) in ["A", "B", "A", "A"].enumerated() { letters.keep(letter("\(place)", type)) }
        var query = DeadLetterQuery()
        query.fingerprint = letter("x", "A").fingerprint
        query.limit = 2
        #expect(try await letters.redrive(.matching(query), perSecond: 2) == 2)
        #expect(letters.redriven.map(\.letter.id) == ["0", "2"])
        #expect(letters.redriven.map(\.after) == [0, 0.5])
        #expect(try await letters.redrive(.ids(["3", "3", "unknown"]), perSecond: nil) == 1)
        #expect(try await letters.delete(.ids(["1"])) == 1)
        #expect(try await letters.letters(.init()).total == 0)
    }

    @Test func `one letter stands for a task, however often it failed`() async throws {
        let letters = InMemoryDeadLetters()
        letters.keep(letter("a", at: 1))
        letters.keep(letter("b", at: 2))
        letters.keep(letter("a", at: 3))
        let page = try await letters.letters(.init())
        #expect(page.letters.map(\.id) == ["a", "b"])
        #expect(page.letters.map(\.failures) == [2, 1])
        #expect(page.letters.map(\.item.count) == [0, 0])
        #expect(try await letters.letter(id: "a")?.item == Array(#"{"id": "a"}"#.utf8))
    }

    @Test func `exports in batches until told to stop`() async throws {
        let letters = InMemoryDeadLetters()
        for number in 0..<250 { letters.keep(letter("\(number)")) }
        let sizes = Mutex<[Int]>([])
        try await letters.export(.init()) { batch in
            sizes.withLock {
                $0.append(batch.count); return $0.count < 2
            }
        }
        #expect(sizes.withLock { $0 } == [100, 100])
    }

    @Test func `an exported line holds the item as it was`() {
        var letter = letter("a")
        #expect(letter.json["item"]?.string == #"{"id": "a"}"#)
        letter.item = [0xFF, 0x00]
        #expect(letter.json["item"] == nil)
        #expect(letter.json["item_base64"]?.string == "/wA=")
    }
}
