import CeleryMessage
import Inspection
import Testing

@testable import Alerts

@Suite struct `Grouping alerts` {
    private static let start = Instant(seconds: 1_790_000_000)
    private static var pacing: AlertPacing {
        var pacing = AlertPacing()
        pacing.mostPerHour = 3
        return pacing
    }

    /// Everything that is due, told at once.
    private func tellAll(_ groups: inout AlertGroups, at now: Instant, _ pacing: AlertPacing = pacing) -> [Alert] {
        var told: [Alert] = []
        while let alert = groups.due(at: now, pacing) {
            told.append(alert)
            groups.tell(alert, at: now, pacing)
        }
        return told
    }

    @Test func `tells the first of a kind at once and gathers the others`() {
        var groups = AlertGroups(from: 0)
        groups.note(.sample("a", at: Self.start), at: 1)
        let first = tellAll(&groups, at: Self.start)
        #expect(first.map(\.subject) == [.new] && first.map(\.count) == [1])
        for number in 0..<499 { groups.note(.sample("b\(number)", at: Self.start + .seconds(1)), at: Int64(number)) }
        #expect(tellAll(&groups, at: Self.start + .seconds(59)).isEmpty)
        let more = tellAll(&groups, at: Self.start + .seconds(60))
        #expect(more.map(\.subject) == [.more] && more.map(\.count) == [499])
        #expect(more.first?.firstSeen == Self.start + .seconds(1))
        #expect(tellAll(&groups, at: Self.start + .seconds(600)).isEmpty)
    }

    @Test func `a burst that is seen at once is one alert`() {
        var groups = AlertGroups(from: 0)
        for number in 0..<500 { groups.note(.sample("a\(number)", at: Self.start), at: Int64(number)) }
        let told = tellAll(&groups, at: Self.start)
        #expect(told.map(\.count) == [500])
        #expect(told.first?.letter.id == "a499")
        #expect(groups.position == 499)
    }

    @Test func `a kind that was quiet is new again`() {
        var groups = AlertGroups(from: 0)
        groups.note(.sample("a", at: Self.start), at: 1)
        _ = tellAll(&groups, at: Self.start)
        groups.note(.sample("b", kind: "KeyError", at: Self.start + .seconds(90)), at: 2)
        _ = tellAll(&groups, at: Self.start + .seconds(90))
        groups.note(.sample("c", at: Self.start + .seconds(91)), at: 3)
        #expect(tellAll(&groups, at: Self.start + .seconds(91)).map(\.subject) == [.new])
    }

    @Test func `beyond the most of an hour there is one summary`() {
        var groups = AlertGroups(from: 0)
        for kind in 0..<6 {
            for letter in 0...kind {
                groups.note(.sample("\(kind).\(letter)", kind: "E\(kind)", at: Self.start - .seconds(9 - kind)), at: 1)
            }
        }
        #expect(tellAll(&groups, at: Self.start).map(\.letter.exception) == ["E0", "E1", "E2"])
        groups.note(.sample("late", kind: "E9", at: Self.start + .seconds(10)), at: 2)
        #expect(tellAll(&groups, at: Self.start + .seconds(3599)).isEmpty)
        let summary = tellAll(&groups, at: Self.start + .seconds(3600))
        #expect(summary.map(\.subject) == [.summary(kinds: 4)])
        #expect(summary.first?.count == 4 + 5 + 6 + 1)
        #expect(summary.first?.lines.map(\.letter.exception) == ["E5", "E4", "E3", "E9"])
        #expect(summary.first?.lastSeen == Self.start + .seconds(10))
        #expect(tellAll(&groups, at: Self.start + .seconds(7200)).isEmpty)
    }

    @Test func `kinds without number take bounded memory, and all letters are counted`() {
        var groups = AlertGroups(from: 0)
        for kind in 0..<1000 { groups.note(.sample("\(kind)", kind: "E\(kind)", at: Self.start), at: Int64(kind)) }
        #expect(groups.groups.count == AlertGroups.mostGroups)
        let told = tellAll(&groups, at: Self.start)
        #expect(told.map(\.count) == [1000])
        #expect(told.first?.lines.count == AlertGroups.mostLines)
    }

    @Test func `is remembered as it was`() throws {
        var groups = AlertGroups(from: 7)
        for kind in 0..<5 { groups.note(.sample("\(kind)", kind: "E\(kind)", at: Self.start), at: 8) }
        _ = tellAll(&groups, at: Self.start)
        var copy = try #require(AlertGroups(try JSONReader.value(JSONWriter.bytes(groups.json))))
        #expect(copy == groups)
        #expect(tellAll(&copy, at: Self.start + .seconds(3600)).map(\.count) == [2])
    }

    @Test(arguments: ["null", "[]", "{}", #"{"position": "1"}"#])
    func `what is no state is none`(text: String) throws {
        #expect(AlertGroups(try JSONReader.value(Array(text.utf8))) == nil)
    }

    @Test func `parts of a state that cannot be read are left out`() throws {
        let text = #"{"position": 5, "groups": [null, {"newest": {}}, 4], "told": ["x", 5], "others": -4}"#
        let groups = try #require(AlertGroups(try JSONReader.value(Array(text.utf8))))
        #expect(groups.position == 5 && groups.groups.isEmpty && groups.others == 0)
    }
}
