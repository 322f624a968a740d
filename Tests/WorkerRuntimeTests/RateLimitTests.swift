import CeleryMessage
import Testing

@testable import WorkerRuntime

/// Rate limits against what Celery's own functions answered.
@Suite struct RateLimitTests {
    static let rates = (try? Recorded.lines("vectors/rate")) ?? []
    static let buckets = (try? Recorded.lines("vectors/token_bucket")) ?? []

    @Test func `there are recorded rates and buckets`() {
        #expect(Self.rates.count == 17)
        #expect(Self.buckets.count == 3)
    }

    @Test(arguments: rates) func `reads a rate as Celery does`(_ row: JSONValue) throws {
        guard let error = row["error"]?.string else {
            #expect(try RateLimit(row["rate"] ?? .null).perSecond == row["per_second"]?.number)
            return
        }
        let failure = #expect(throws: ControlFailure.self) { try RateLimit(row["rate"] ?? .null) }
        let exception = try #require(failure?.exception)
        // Python shows a KeyError's key quoted, and every other error's text as it is.
        let text = exception.arguments.first.map { exception.type == "KeyError" ? $0.pythonRepr : $0.string ?? "" }
        #expect("\(exception.type): \(text ?? "")" == error)
    }

    @Test(arguments: buckets) func `starts tasks when Celery's bucket does`(_ row: JSONValue) throws {
        let arrivals = try #require(row["arrivals"]?.array).compactMap(\.number)
        let starts = try #require(row["start_times"]?.array).compactMap(\.number)
        let rate = try #require(row["fill_rate"]?.number)
        var held = HeldTasks()
        #expect(held.limit("t", to: RateLimit(perSecond: rate, text: ""), at: 0).isEmpty)
        var started: [Double] = []
        // Time goes on to whatever comes next: an arrival or a token.
        var coming = Array(arrivals.enumerated())[...]
        while started.count < arrivals.count {
            let token = held.nextToken ?? .infinity
            if let next = coming.first, next.element <= token {
                coming.removeFirst()
                if !held.holds(UInt64(next.offset), of: "t", at: next.element) { started.append(next.element) }
            } else {
                for _ in held.release(at: token, mayStart: { _ in true }) { started.append(token) }
            }
        }
        for (mine, theirs) in zip(started, starts) { #expect(abs(mine - theirs) < 1e-6) }
    }

    @Test func `lets other tasks pass and keeps the order of its own`() {
        var held = HeldTasks()
        _ = held.limit("slow", to: RateLimit(perSecond: 1, text: "1/s"), at: 0)
        #expect(held.holds(1, of: "slow", at: 0) == false)
        #expect(held.holds(2, of: "slow", at: 0) == true)
        #expect(held.holds(3, of: "slow", at: 5) == true)
        #expect(held.holds(4, of: "free", at: 0) == false)
        #expect(held.release(at: 5, mayStart: { _ in true }) == [2])
        #expect(held.release(at: 5.5, mayStart: { _ in true }).isEmpty)
        #expect(held.release(at: 6, mayStart: { _ in true }) == [3])
        #expect(held.count == 0)
    }

    @Test func `a lifted limit frees what waits, a new one paces it from now on`() {
        var held = HeldTasks()
        _ = held.limit("t", to: RateLimit(perSecond: 1.0 / 3600, text: "1/h"), at: 0)
        for job: UInt64 in 1...4 { _ = held.holds(job, of: "t", at: 0) }
        #expect(held.count == 3)
        #expect(held.limit("t", to: RateLimit(perSecond: 10, text: "10/s"), at: 1).isEmpty)
        #expect(held.nextToken == 1.1)
        #expect(held.release(at: 1.1, mayStart: { _ in true }) == [2])
        #expect(held.limit("t", to: nil, at: 2) == [3, 4])
        #expect(held.isIdle)
        #expect(held.count == 0)
    }

    @Test func `a task without room keeps its turn and its token`() {
        var held = HeldTasks()
        _ = held.limit("t", to: RateLimit(perSecond: 1, text: "1/s"), at: 0)
        _ = held.holds(1, of: "t", at: 0)
        _ = held.holds(2, of: "t", at: 0)
        #expect(held.release(at: 9, mayStart: { _ in false }).isEmpty)
        #expect(held.release(at: 9, mayStart: { _ in true }) == [2])
    }

    @Test func `a job that ends before its turn leaves the line`() {
        var held = HeldTasks()
        _ = held.limit("t", to: RateLimit(perSecond: 1, text: "1/s"), at: 0)
        for job: UInt64 in 1...3 { _ = held.holds(job, of: "t", at: 0) }
        held.remove(2, of: "t")
        held.remove(9, of: "t")
        #expect(held.count == 1)
        #expect(held.release(at: 1, mayStart: { _ in true }) == [3])
    }
}
