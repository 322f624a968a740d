import RedisClient
import RedisTransport
import Testing

@testable import RedisInspection

@Suite struct `The ages of waiting tasks` {
    private let start = ContinuousClock.now

    private func after(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test func `grow as long as the same task is seen to be next`() {
        var ages = WaitingAges()
        #expect(ages.age(in: "pdf") == 0)
        ages.note([.init(step: 0, task: "a"), .init(step: 3, task: "b")], in: "pdf", at: start)
        #expect(ages.age(in: "pdf") == 0)
        ages.note([.init(step: 0, task: "a"), .init(step: 3, task: "b")], in: "pdf", at: after(5))
        #expect(ages.age(in: "pdf") == 5)
        ages.note([.init(step: 0, task: "c"), .init(step: 3, task: "b")], in: "pdf", at: after(7))
        #expect(ages.age(in: "pdf") == 7)
        // The same task in another list is another message.
        ages.note([.init(step: 0, task: "b")], in: "pdf", at: after(8))
        #expect(ages.age(in: "pdf") == 0)
        #expect(ages.age(in: "mail") == 0)
    }

    @Test func `are what was seen last, and end with the queue`() {
        var ages = WaitingAges()
        ages.note([.init(step: 0, task: "a")], in: "pdf", at: start)
        ages.note([.init(step: 0, task: "a")], in: "pdf", at: after(5))
        ages.forget("pdf")
        #expect(ages.age(in: "pdf") == 0)
        ages.note([.init(step: 0, task: "a")], in: "pdf", at: after(9))
        ages.note([], in: "pdf", at: after(10))
        ages.note([.init(step: 0, task: "a")], in: "pdf", at: after(11))
        #expect(ages.age(in: "pdf") == 0)
    }

    @Test func `are looked at in turns where there are many parts`() {
        var ages = WaitingAges()
        for _ in 0..<3 { #expect(ages.turn(of: 10, atMost: 10) == Set(0..<10)) }
        let turns = (0..<5).map { _ in ages.turn(of: 7, atMost: 3) }
        #expect(turns == [[0, 1, 2], [3, 4, 5], [6, 0, 1], [2, 3, 4], [5, 6, 0]])
        #expect(ages.turn(of: 0, atMost: 3).isEmpty)
    }

    @Test func `belong to lists that are named once, in parts`() throws {
        let keys = RedisKeys(prefix: "shop:")
        let lists = WaitingLists(queues: (0..<501).map { "q\($0)" }, keys: keys)
        #expect(lists.parts.map(\.queues.count) == [250, 250, 1])
        let last = try #require(lists.parts.last)
        #expect(last.first == ["shop:q500"])
        #expect(lists.others(of: last) == [3, 6, 9].map { keys.list(queue: "q500", step: $0) })
        #expect(last.otherExists?.argumentCount == 3)
        let single = WaitingLists(queues: ["q"], keys: RedisKeys(prioritySteps: [0]))
        #expect(single.parts.first?.otherExists == nil)
    }
}

@Suite struct `The first of many in an order` {
    @Test(arguments: [0, 1, 7, 40, 999, 1000, 5000, Int.max])
    func `are those a sort would put in front`(most: Int) {
        var random = SystemRandomNumberGenerator()
        let elements = (0..<1000).map { _ in Int.random(in: 0..<200, using: &random) }
        let (found, count) = elements.first(most, by: <)
        #expect(found == Array(elements.sorted().prefix(most)) && count == 1000)
        let (last, _) = elements.lazy.filter { $0 > 100 }.first(most, by: >)
        #expect(last == Array(elements.filter { $0 > 100 }.sorted(by: >).prefix(most)))
    }
}
