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
            fingerprint.text,
            String(anchor.microseconds), String(mark.microseconds),
            slot.map { String($0.microseconds) } ?? "-", sentAt.map { String($0.microseconds) } ?? "-",
            String(sent), String(missed), String(skipped), String(lag.wholeMicroseconds), taskID ?? "-", sender ?? "-",
        ]
        return words.joined(separator: " ")
    }

    /// Reads a state; `nil` for anything else.
    public init?(text: String) { self.init(bytes: Array(text.utf8)) }

    /// Reads a state from the bytes of its text: a beat reads as many of these as it has entries before it is ready.
    public init?(bytes: [UInt8]) {
        var words = StateWords(bytes)
        guard let content = words.hexadecimal(), let timing = words.hexadecimal(), let anchor = words.number(),
            let mark = words.number(), let slot = words.optionalNumber(), let sentAt = words.optionalNumber(),
            let sent = words.number(), let missed = words.number(), let skipped = words.number(),
            let lag = words.number(), let taskID = words.text(), let sender = words.rest()
        else { return nil }
        fingerprint = EntryFingerprint(content: content, timing: timing)
        self.anchor = Instant(microseconds: anchor)
        self.mark = Instant(microseconds: mark)
        self.slot = slot.map(Instant.init(microseconds:))
        self.sentAt = sentAt.map(Instant.init(microseconds:))
        self.sent = Int(sent)
        self.missed = Int(missed)
        self.skipped = Int(skipped)
        self.lag = .microseconds(lag)
        self.taskID = taskID == "-" ? nil : taskID
        self.sender = sender == "-" ? nil : sender
    }

    /// Sixteen hexadecimal digits.
    public static func hexadecimal(_ number: UInt64) -> String {
        String(unsafeUninitializedCapacity: 16) { buffer in
            for place in 0..<16 {
                let digit = UInt8(truncatingIfNeeded: number >> UInt64(60 - 4 * place)) & 0xF
                buffer[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit
            }
            return 16
        }
    }
}
