import Testing

@testable import WorkerPool

@Suite struct QueueTests {
    @Test func `gives elements back in order through many turns`() {
        var queue = Queue<Int>()
        var next = 0
        var expected = 0
        for round in 0..<200 {
            for _ in 0..<round % 17 {
                queue.append(next)
                next += 1
            }
            for _ in 0..<round % 13 {
                let first = queue.first
                let popped = queue.popFirst()
                #expect(first == popped)
                guard popped != nil else { break }
                #expect(popped == expected)
                expected += 1
            }
            #expect(queue.count == next - expected)
        }
        #expect(queue.removeAll() == Array(expected..<next))
        #expect(queue.isEmpty)
        #expect(queue.popFirst() == nil)
    }

    @Test func `removes all but the first few`() {
        var queue = Queue<Int>()
        for number in 0..<10 { queue.append(number) }
        #expect(queue.popFirst() == 0)
        #expect(queue.removeAll(keeping: 3) == [4, 5, 6, 7, 8, 9])
        queue.append(99)
        #expect(queue.removeAll(keeping: 10) == [])
        #expect(queue.removeAll() == [1, 2, 3, 99])
        queue.append(5)
        #expect(queue.popFirst() == 5)
    }

    @Test func `removes one from the middle`() {
        var queue = Queue<Int>()
        for number in 0..<5 { queue.append(number) }
        #expect(queue.popFirst() == 0)
        #expect(queue.remove { $0 == 2 })
        #expect(!queue.remove { $0 == 0 })
        #expect(queue.removeAll() == [1, 3, 4])
    }
}

@Suite struct RunTimeEstimatesTests {
    @Test func `trusts nothing at first and more with each run`() {
        var estimates = RunTimeEstimates()
        let estimate = estimates["task"]
        #expect(estimate.confidence == 0)
        var last = 0
        for _ in 0..<10 {
            estimate.learn(0.001)
            #expect(estimate.confidence >= last)
            last = estimate.confidence
        }
        #expect(last == RunTimeEstimates.mostAhead)
        #expect(estimates["task"] === estimate)
        #expect(estimates["other"].confidence == 0)
    }

    @Test func `learns of long runs faster than of short ones`() {
        var estimates = RunTimeEstimates()
        let estimate = estimates["task"]
        estimate.learn(0)
        estimate.learn(1)
        #expect(estimate.seconds == 0.5)
        estimate.learn(0)
        #expect(estimate.seconds > 0.4)
        for _ in 0..<100 { estimate.learn(0) }
        #expect(estimate.seconds < 0.001)
    }
}
