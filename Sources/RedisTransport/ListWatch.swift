/// Which lists are known to be empty and which queues to be paused, kept true by the server's client tracking.
///
/// A claim that sees a list empty reads it last of all in its script, so the server announces the next push to it. The
/// announcement travels on another connection and may overtake the claim's own answer; each claim therefore notes when
/// it was sent, and a list announced since then is not taken for empty.
struct ListWatch: Sendable {
    private var empty: Set<String> = []
    private var announced: [String: Int] = [:]
    private var everythingAnnounced = 0
    private var moment = 0
    private(set) var tracks = false
    /// Queues known to be paused: nothing is taken from them, and the server announces when that changes.
    private(set) var paused: Set<String> = []
    /// The key of the paused queues.
    let pausedKey: String
    /// The server cannot announce changes: nothing is ever known to be empty, and the broker polls.
    var isMissing = false

    init(pausedKey: String) {
        self.pausedKey = pausedKey
    }

    /// Whether a list may hold a message.
    func mayHold(_ list: String) -> Bool { !tracks || !empty.contains(list) }

    /// Announcements come from now on; what was known before does not count.
    mutating func start() {
        forget()
        tracks = !isMissing
    }

    /// Announcements may be missed from now on.
    mutating func stop() {
        forget()
        tracks = false
    }

    /// The moment a claim is sent at.
    mutating func sent() -> Int {
        moment += 1
        return moment
    }

    /// A claim sent at `moment` saw these lists empty.
    mutating func sawEmpty(_ lists: some Sequence<String>, sentAt sent: Int) {
        guard tracks else { return }
        for list in lists where !hasChanged(list, since: sent) { empty.insert(list) }
    }

    /// A claim sent at `moment` found these queues paused.
    mutating func sawPaused(_ queues: some Sequence<String>, sentAt sent: Int) {
        guard tracks, !hasChanged(pausedKey, since: sent) else { return }
        paused.formUnion(queues)
    }

    /// Whether a key may have changed after what was sent at `moment` read it.
    func hasChanged(_ key: String, since sent: Int) -> Bool {
        everythingAnnounced > sent || announced[key, default: 0] > sent
    }

    /// The server announced a change, or this process pushed.
    mutating func changed(_ lists: some Sequence<String>) {
        moment += 1
        for list in lists {
            if list == pausedKey { paused.removeAll() }
            empty.remove(list)
            announced[list] = moment
        }
        // Old announcements matter to no claim in flight; the bound only keeps a stranger's keys from piling up.
        if announced.count > 4096 {
            announced.removeAll(keepingCapacity: true)
            everythingAnnounced = moment
        }
    }

    /// A connection was lost, or the server forgot what it tracked: everything may have changed.
    mutating func forget() {
        moment += 1
        everythingAnnounced = moment
        empty.removeAll(keepingCapacity: true)
        announced.removeAll(keepingCapacity: true)
        paused.removeAll()
    }
}
