import Testing

@testable import Settings

@Suite struct `The nearest name` {
    @Test(
        arguments: [
            ("max_retires", "max_retries"), ("maxretries", "max_retries"), ("Max-Retries", "max_retries"),
            ("prority", "priority"),
            ("queu", "queue"), ("xyz", nil), ("", nil), ("q", nil), ("max_retries_and_much_more", nil),
        ] as [(String, String?)]
    )
    func `is found for slips and for nothing else`(name: String, nearest: String?) {
        #expect(NearestName.find(name, in: ["max_retries", "priority", "queue"]) == nearest)
    }

    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "bcd", 2), ("kitten", "sitting", 3),
    ])
    func `counts insertions, deletions, replacements and swaps`(left: String, right: String, distance: Int) {
        #expect(NearestName.distance(Array(left.utf8), Array(right.utf8)) == distance)
        #expect(NearestName.distance(Array(right.utf8), Array(left.utf8)) == distance)
    }
}
