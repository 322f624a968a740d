public import CeleryMessage

/// What all beats of a schedule know together about one entry; kept by the ``ScheduleStore``.
public struct EntryState: Sendable, Hashable {
    /// The entry as it was when a beat last loaded it.
    public var fingerprint: EntryFingerprint
    /// When the entry was first seen, or its last slot before its times were changed: intervals count from here.
    public var anchor: Instant
    /// Every slot up to here is dealt with: sent, skipped, or from before the entry's times were changed.
    public var mark: Instant
    /// The last slot that was sent.
    public var slot: Instant?
    /// When it was sent, by the store's clock.
    public var sentAt: Instant?
    /// How many were sent.
    public var sent: Int
    /// How many passed without being sent.
    public var missed: Int
    /// How many were left out because the run before was unfinished.
    public var skipped: Int
    /// How much later than its slot the last one was sent.
    public var lag: Duration
    /// The id of the last task.
    public var taskID: String?
    /// The name of the beat that sent it.
    public var sender: String?

    /// The state of an entry that is seen for the first time.
    public init(fingerprint: EntryFingerprint, seen: Instant) {
        self.fingerprint = fingerprint
        anchor = seen
        mark = seen
        sent = 0
        missed = 0
        skipped = 0
        lag = .zero
    }

    /// The state after an entry was loaded as `fresh`: new times begin now, and run on from the last run.
    ///
    /// `celery/beat.py` keeps the last run of an edited entry too, but runs a slot of the new times that lies before the edit.
    public func reloaded(as fresh: EntryFingerprint, now: Instant) -> EntryState {
        var state = self
        if fresh.timing != fingerprint.timing {
            state.anchor = slot ?? anchor
            state.mark = max(mark, now)
        }
        // No beat sends ahead of its time: such a mark was set while the store's clock was wrong.
        if state.mark > now + Self.disbelieved { state.mark = now }
        state.fingerprint = fresh
        return state
    }

    /// How far ahead of the clock a mark may lie and still be believed.
    public static let disbelieved = Duration.seconds(86_400)
}

// MARK: As text

extension EntryState {
    /// The state as the store keeps it: twelve words; the sender is last, as it may contain blanks.
    public var text: String {
        let words = [
            Self.hexadecimal(fingerprint.content), Self.hexadecimal(fingerprint.timing),
            String(anchor.microseconds), String(mark.microseconds),
            slot.map { String($0.microseconds) } ?? "-", sentAt.map { String($0.microseconds) } ?? "-",
            String(sent), String(missed), String(skipped), String(lag.wholeMicroseconds), taskID ?? "-", sender ?? "-",
        ]
        return words.joined(separator: " ")
    }

    /// Reads a state; `nil` for anything else.
    public init?(text: String) {
        // By bytes: a beat reads as many of these as it has entries before it is ready.
        let words = text.utf8.split(separator: UInt8(ascii: " "), maxSplits: 11, omittingEmptySubsequences: false)
            .map { Substring($0) }
        guard words.count == 12, let content = UInt64(words[0], radix: 16), let timing = UInt64(words[1], radix: 16),
            let anchor = Int64(words[2]), let mark = Int64(words[3]), let sent = Int(words[6]),
            let missed = Int(words[7]), let skipped = Int(words[8]), let lag = Int64(words[9])
        else { return nil }
        fingerprint = EntryFingerprint(content: content, timing: timing)
        self.anchor = Instant(microseconds: anchor)
        self.mark = Instant(microseconds: mark)
        slot = Int64(words[4]).map(Instant.init(microseconds:))
        sentAt = Int64(words[5]).map(Instant.init(microseconds:))
        self.sent = sent
        self.missed = missed
        self.skipped = skipped
        self.lag = .microseconds(lag)
        taskID = words[10] == "-" ? nil : String(words[10])
        sender = words[11] == "-" ? nil : String(words[11])
    }

    /// Sixteen hexadecimal digits.
    public static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
