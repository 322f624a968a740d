import CeleriacTasks
import CeleryMessage
import HandlersDebug
import NIOCore
import Testing
import Transport
import WorkerPool

@testable import WorkerRuntime

/// Whole canvases on a worker with a broker in memory.
@Suite(.timeLimit(.minutes(1))) struct CanvasWorkerTests {
    private func with(
        change: (inout WorkerConfiguration) -> Void = { _ in },
        _ body: (WorkerBench) async throws -> Void
    ) async throws {
        let names = DebugHandlers.factories.map(\.name)
        var configuration = WorkerConfiguration(
            nodeName: "celery@test",
            queues: [QueuePolicy(name: "celery", pool: "here")],
            tasks: Dictionary(uniqueKeysWithValues: names.map { ($0, TaskPolicy()) }),
            defaultPool: "here"
        )
        change(&configuration)
        let bench = WorkerBench(configuration)
        let registry = HandlerRegistry(DebugHandlers.factories)
        let setup = PoolSetup(tasks: names.map { PoolSetup.Binding(task: $0, handler: $0) }, hostname: "celery@test")
        try await bench.run { onEvents in
            [bench.inlinePool("here", slots: 4, setup, registry, onEvents)]
        } _: {
            try await body(bench)
        }
    }

    /// Sends a canvas as a client does, waits for its result, and answers the record.
    private func run(_ canvas: Signature, on bench: WorkerBench) async throws -> JSONValue {
        let context = DispatchContext(parent: nil, origin: "test", now: .now())
        let dispatch = try canvas.dispatch(context: context)
        let effects = try dispatch.effects(codecs: .json, results: ResultPolicy())
        let producer = InMemoryBroker(bench.store, workerID: "producer")
        _ = try await producer.commit([Commit(tag: nil, acknowledges: false, effects: effects)])
        let id = try #require(dispatch.result?.id)
        await bench.stored([id])
        return try #require(try await bench.record(id))
    }

    private func add(_ numbers: Int64...) -> Signature {
        Signature(task: "debug.add", args: numbers.map(JSONValue.int))
    }

    private let echo = Signature(task: "debug.echo")

    static let canvases: [(name: String, canvas: Signature, result: JSONValue)] = {
        func add(_ numbers: Int64...) -> Signature { Signature(task: "debug.add", args: numbers.map(JSONValue.int)) }
        func args(_ values: JSONValue...) -> JSONValue { ["args": .array(values), "kwargs": [:]] }
        let echo = Signature(task: "debug.echo")
        return [
            ("chain", .chain([add(1, 1), add(2), add(3)]), 7),
            ("chord", .chord(header: [add(1), add(2), add(3)], body: echo), args([1, 2, 3])),
            ("group then task", .chain([.group([add(1), add(2)]), echo]), args([1, 2])),
            (
                "task, group, task, task", .chain([add(1), .group([add(10), add(20)]), echo, echo]),
                args(args([11, 21]))
            ),
            (
                "chord of chords",
                .chord(header: [.chord(header: [add(1), add(2)], body: echo), add(3)], body: echo),
                args([args([1, 2]), 3])
            ),
            ("chain in a header", .chord(header: [.chain([add(1), add(2)]), add(5)], body: echo), args([3, 5])),
            (
                "chain ending in a group in a header",
                .chord(header: [.chain([add(1), .group([add(1), add(2)])]), add(5)], body: echo),
                args([[2, 3], 5])
            ),
            ("chain as body", .chord(header: [add(1), add(2)], body: .chain([echo, echo])), args(args([1, 2]))),
            (
                "chord as body", .chord(header: [add(1)], body: .chord(header: [echo, echo], body: echo)),
                args([args([1]), args([1])])
            ),
            ("empty header", .chord(header: [], body: echo), args([])),
            ("group of one then task", .chain([.group([add(4)]), add(1)]), 5),
            ("empty group in a chain", .chain([add(1), .group([]), add(2)]), 3),
            ("map", .map(Signature(task: "debug.add"), over: [1, 2]), [1, 2]),
            ("starmap", .starmap(Signature(task: "debug.add"), over: [[1, 2], [3, 4]]), [3, 7]),
            (
                "chunks in a chord",
                .chain([.chunks(Signature(task: "debug.add"), over: [[1], [2], [3]], size: 2), echo]),
                args([[1, 2], [3]])
            ),
            ("replaced", Signature(task: "debug.replace", args: [add(2, 3).json]), 5),
            (
                "replaced by a chain in a chain",
                .chain([Signature(task: "debug.replace", args: [Signature.chain([add(2), add(3)]).json]), add(4)]), 9
            ),
            (
                "replaced by a group",
                Signature(task: "debug.replace", args: [Signature.group([add(1), add(2)]).json]), [1, 2]
            ),
            (
                "replaced in a header",
                .chord(header: [Signature(task: "debug.replace", args: [add(7).json]), add(1)], body: echo),
                args([7, 1])
            ),
            (
                "replaced by a group inside of a header's chord",
                .chord(
                    header: [
                        .chord(
                            header: [add(1)],
                            body: .chain([
                                Signature(task: "debug.replace", args: [Signature.group([add(1), add(2)]).json]), echo,
                            ])
                        )
                    ],
                    body: echo
                ), args([args([1, 2])])
            ),
            (
                "added to a header",
                .chord(header: [Signature(task: "debug.add_to_chord", args: [add(7).json])], body: echo), args([0, 7])
            ),
            (
                "retried in a header", .chord(header: [Signature(task: "debug.retry"), add(1)], body: echo),
                args([["retries": 1], 1])
            ),
            (
                "immutable body",
                .chord(header: [add(1)], body: Signature(task: "debug.add", args: [9], immutable: true)), 9
            ),
            ("accumulate", Signature(task: "celery.accumulate", args: [1, 2]), [1, 2]),
            ("backend cleanup", Signature(task: "celery.backend_cleanup"), nil),
        ]
    }()

    @Test(arguments: canvases.indices) func `gives its result`(_ place: Int) async throws {
        let (name, canvas, result) = Self.canvases[place]
        try await with { bench in
            let record = try await run(canvas, on: bench)
            #expect(record["status"] == "SUCCESS", "\(name): \(record)")
            if name == "added to a header" {
                // Both have the same place; the text of the parts decides.
                let list = record["result"]?["args"]?.array?.first?.array ?? []
                #expect(Set(list) == [0, 7], "\(name)")
            } else {
                #expect(record["result"] == result, "\(name)")
            }
            let store = bench.store
            await bench.broker.until { store.heldTags.isEmpty && store.claimedChords.isEmpty }
            #expect(store.waiting(in: "celery").isEmpty)
            #expect(store.openChords.isEmpty)
        }
    }

    @Test func `a failing header fails its body, the tasks behind it and calls the errbacks`() async throws {
        try await with { bench in
            var body = Signature(task: "debug.echo", options: ["task_id": "body"])
            body.options["link_error"] = [Signature(task: "debug.echo", options: ["task_id": "errback"]).json]
            let last = Signature(task: "debug.echo", options: ["task_id": "last"])
            let header: [Signature] = [
                add(1), Signature(task: "debug.fail", args: ["no"], options: ["task_id": "bad"]),
            ]
            let record = try await run(.chain([.group(header), body, last]), on: bench)
            #expect(record["status"] == "FAILURE")
            await bench.stored(["body", "last", "errback"])
            let exception = try await bench.record("body")?["result"]
            #expect(exception?["exc_type"] == "ChordError")
            #expect(exception?["exc_message"] == ["Dependency bad raised ValueError('no')"])
            #expect(try await bench.record("last")?["result"] == exception)
            #expect(try await bench.record("errback")?["result"]?["args"] == ["body"])
        }
    }

    @Test func `a failing inner chord fails the outer one`() async throws {
        try await with { bench in
            let inner = Signature.chord(header: [Signature(task: "debug.fail", args: ["x"])], body: echo)
            let record = try await run(.chord(header: [inner, add(1)], body: echo), on: bench)
            #expect(record["status"] == "FAILURE")
            #expect(record["result"]?["exc_type"] == "ChordError")
        }
    }

    @Test func `an errback of chords in each other is called once`() async throws {
        try await with { bench in
            let errback = Signature(task: "debug.echo", options: ["task_id": "errback"])
            let inner = Signature.chord(header: [Signature(task: "debug.fail", args: ["x"])], body: echo)
            let middle = Signature.chord(header: [inner, add(1)], body: echo)
            var outer = try Signature.chord(header: [middle], body: echo).linkError(errback)
            // One that only the outermost body has.
            var body = try #require(outer.kwargs["body"].flatMap { try? Signature(json: $0) })
            body = try body.linkError(Signature(task: "debug.echo", options: ["task_id": "own errback"]))
            outer.kwargs["body"] = body.json
            let record = try await run(outer, on: bench)
            #expect(record["status"] == "FAILURE")
            let store = bench.store
            await bench.stored(["errback", "own errback"])
            await bench.broker.until { store.heldTags.isEmpty && store.claimedChords.isEmpty }
            #expect(store.waiting(in: "celery").isEmpty)
            #expect(store.storeCount(taskID: "errback") == 1)
            #expect(store.storeCount(taskID: "own errback") == 1)
        }
    }

    @Test func `an unknown task in a header fails the body`() async throws {
        try await with { bench in
            let header = [add(1), .chain([Signature(task: "nobody.knows"), add(2)])]
            let record = try await run(.chord(header: header, body: echo), on: bench)
            #expect(record["result"]?["exc_type"] == "ChordError")
        }
    }

    @Test(arguments: [
        ("debug.add_to_chord", "ValueError", "Current task is not member of any chord"),
        ("debug.replace", "ImproperlyConfigured", "Cannot replace with an empty chain"),
    ])
    func `what has no place in a canvas fails the task that sends it`(
        _ task: String,
        _ type: String,
        _ message: String
    ) async throws {
        try await with { bench in
            let record = try await run(Signature(task: task, args: [Signature.chain([]).json]), on: bench)
            #expect(record["result"]?["exc_type"] == .string(type))
            #expect(record["result"]?["exc_message"] == [.string(message)])
        }
    }

    @Test func `a mapped task that fails fails the map, and builtins are not mapped`() async throws {
        try await with { bench in
            let failing = try await run(.map(Signature(task: "debug.fail"), over: ["a"]), on: bench)
            #expect(failing["result"]?["exc_type"] == "ValueError")
            let unknown = try await run(.map(Signature(task: "nobody.knows"), over: [1]), on: bench)
            #expect(unknown["result"]?["exc_type"] == "NotRegistered")
            let builtin = try await run(.map(Signature(task: "celery.map"), over: [1]), on: bench)
            #expect(builtin["status"] == "FAILURE")
            let chain = try await run(Signature(task: "celery.chain"), on: bench)
            #expect(chain["result"]?["exc_type"] == "NotImplementedError")
        }
    }

    @Test func `a chord that another worker left behind is finished`() async throws {
        try await with { bench in
            let dead = InMemoryBroker(bench.store, workerID: "dead")
            let completion = ChordCompletion(
                body: Signature(task: "debug.echo", options: ["task_id": "body"]),
                parent: TaskHeaders(task: "t", id: "1"),
                priority: 0
            )
            let part = ChordPart(
                groupID: "g",
                taskID: "a",
                groupIndex: 0,
                value: Array(#"[1, "a", "SUCCESS", 5]"#.utf8),
                completion: completion.encoded,
                timeToLive: nil,
                groupTimeToLive: nil
            )
            let start = StoredChord(ChordStart(groupID: "g", size: 1), timeToLive: nil)
            _ = try await dead.commit([
                Commit(tag: nil, acknowledges: false, effects: [.startChord(start), .returnChordPart(part)])
            ])
            await bench.worker.completed(try await bench.broker.overdueChords(age: .zero))
            await bench.stored(["body"])
            #expect(try await bench.record("body")?["result"]?["args"] == [[5]])
        }
    }

    @Test func `a commit whose answer was lost leaves the chord to the sweep`() async throws {
        try await with { bench in
            let context = DispatchContext(parent: nil, origin: "test", now: .now())
            let body = Signature(task: "debug.echo", options: ["task_id": "body"])
            let dispatch = try Signature.chord(header: [add(1)], body: body).dispatch(context: context)
            let effects = try dispatch.effects(codecs: .json, results: ResultPolicy())
            bench.broker.fail(commits: [.after])
            let producer = InMemoryBroker(bench.store, workerID: "producer")
            _ = try await producer.commit([Commit(tag: nil, acknowledges: false, effects: effects)])
            let store = bench.store
            await bench.broker.until { !store.claimedChords.isEmpty }
            await bench.worker.completed(try await bench.broker.overdueChords(age: .zero))
            await bench.stored(["body"])
            #expect(store.storeCount(taskID: "body") == 1)
        }
    }

    @Test func `a redelivered task that succeeded is not run again`() async throws {
        try await with {
            $0.deduplicatesSuccessfulTasks = true
        } _: { bench in
            let done = ResultRecord(taskID: "done", status: .success, result: Array("7".utf8))
            let producer = InMemoryBroker(bench.store, workerID: "producer")
            _ = try await producer.commit([
                Commit(
                    tag: nil,
                    acknowledges: false,
                    effects: [.store(StoredResult(taskID: "done", record: done.encoded(), timeToLive: nil))]
                )
            ])
            for id in ["done", "fresh"] {
                try bench.publish("debug.fail", [id]) { message in
                    message.headers.redelivered = true
                    let next = Signature(task: "debug.echo", options: ["task_id": .string(id + " next")])
                    message.payload.embed.callbacks = [next]
                }
            }
            await bench.stored(["done next", "fresh"])
            #expect(try await bench.record("done")?["result"] == 7)
            #expect(try await bench.record("done next")?["result"]?["args"] == [7])
            #expect(try await bench.record("fresh")?["status"] == "FAILURE")
        }
    }
}
