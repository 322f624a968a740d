public import CeleriacTasks
import CeleryMessage
import Logging
import Synchronization
import Testing

/// Counts the words of a text: `count_words(text, notify=None)`.
struct CountWords: TaskHandler {
    private static let parameters = Parameters("count_words", ["text", .optional("notify", nil)])
    private let mostWords: Int

    init(_ setup: HandlerSetup) throws {
        try setup.options.refuseUnknown(except: ["max_words"])
        mostWords = try setup.options.int("max_words", in: 1...1_000_000) ?? 10_000
    }

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let bound = try Self.parameters.bind(arguments)
        let words = try bound.string("text").split(whereSeparator: \.isWhitespace)
        guard words.count <= mostWords else { throw bound.wrongValue("text", "has more than \(mostWords) words") }
        var letters = 0
        for (place, word) in words.enumerated() {
            letters += word.count
            guard place % 1000 == 999 else { continue }
            try context.checkCancellation()
            context.progress(current: place + 1, total: words.count, status: "counting")
        }
        if let address = try bound.optionalString("notify") {
            context.enqueue(Signature(task: "proj.mail", kwargs: ["to_email": .string(address), "subject": "Done"]))
        }
        return ["words": .int(Int64(words.count)), "letters": .int(Int64(letters))]
    }
}

/// The handlers of this target.
public enum TextHandlers {
    /// `text.count_words`.
    public static let factories = [
        HandlerFactory(name: "text.count_words", summary: "counts words: count_words(text, notify=None)") {
            try CountWords($0)
        }
    ]
}

private final class Reports: TaskReporter {
    let progress = Mutex<[JSONValue]>([])
    let signatures = Mutex<[Signature]>([])

    func update(state: String, meta: JSONValue) { progress.withLock { $0.append(meta) } }
    func enqueue(_ signature: Signature) { signatures.withLock { $0.append(signature) } }
}

@Suite struct `The handler that the page on handlers shows` {
    private let reports = Reports()

    private func run(_ args: JSONValue, options: JSONObject = [:]) async throws -> HandlerOutcome {
        let logger = Logger(label: "test")
        let factory = try #require(TextHandlers.factories.first)
        let handler = try factory.make(
            HandlerSetup(taskName: "proj.count", options: options, baseFolder: "/", logger: logger)
        )
        let headers = TaskHeaders(task: "proj.count", id: "id-1")
        let context = TaskContext(
            request: TaskRequest(headers: headers, queue: "celery", hostname: "celery@test"),
            logger: logger,
            cancellation: .init(),
            reporter: reports
        )
        return await HandlerRun.outcome(
            of: handler,
            args: JSONWriter.bytes(args),
            kwargs: Array("{}".utf8),
            context: context
        )
    }

    @Test func `counts, reports and sends its follow-up`() async throws {
        let text = Array(repeating: "kelime", count: 2500).joined(separator: " ")
        guard case .success(let result) = try await run([.string(text), "ayse@example.com"]) else {
            Issue.record("it did not succeed")
            return
        }
        #expect(try JSONReader.value(result) == ["words": 2500, "letters": 15_000])
        #expect(reports.progress.withLock { $0.map { $0["current"] } } == [1000, 2000])
        let sent = reports.signatures.withLock { $0 }
        #expect(sent.map(\.task) == ["proj.mail"])
        #expect(sent.first?.kwargs["to_email"] == "ayse@example.com")
    }

    @Test func `refuses too many words, a number and an unknown option`() async throws {
        guard case .failure(let tooMany, _) = try await run(["bir iki üç"], options: ["max_words": 2]) else {
            Issue.record("three words are more than two")
            return
        }
        #expect("\(tooMany)".hasPrefix("ValueError") && "\(tooMany)".contains("text"))
        guard case .failure(let wrong, _) = try await run([5]) else {
            Issue.record("a number is no text")
            return
        }
        #expect("\(wrong)".contains("text"))
        await #expect(throws: HandlerOptionError.self) { try await run([""], options: ["max_wrods": 2]) }
    }
}
