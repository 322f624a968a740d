import CeleryMessage

@testable import WorkerRuntime

extension Tracer {
    /// The tracer of the worker that Celery's records are from; random numbers are the largest there may be.
    static func test(
        results: ResultPolicy = ResultPolicy(),
        inheritParentPriority: Bool = false,
        random: @escaping @Sendable (ClosedRange<Int>) -> Int = { $0.upperBound }
    ) -> Tracer {
        let configuration = WorkerConfiguration(
            nodeName: "w1@worker.example.com",
            queues: [QueuePolicy(name: "celery", pool: "here")],
            tasks: [:],
            defaultPool: "here",
            results: results,
            origin: "gen1@worker",
            replyTo: "reply",
            inheritParentPriority: inheritParentPriority
        )
        return Tracer(configuration: configuration, codecs: .json, random: random)
    }
}
