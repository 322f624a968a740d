public import CeleryMessage

/// What makes an entry, its times and its slots recognisable on every host.
public struct EntryFingerprint: Sendable, Hashable {
    /// Of everything that decides what is sent, and when: beats whose files differ here do not send the same entry.
    public var content: UInt64
    /// Of the times alone: where it changed, slots before the change are nobody's any more.
    public var timing: UInt64

    /// Two fingerprints that belong together.
    public init(content: UInt64, timing: UInt64) {
        self.content = content
        self.timing = timing
    }

    /// Both as the store keeps them: sixteen hexadecimal digits each, with a blank between.
    public var text: String { EntryState.hexadecimal(content) + " " + EntryState.hexadecimal(timing) }
}

extension ScheduleEntry {
    /// The entry's fingerprint.
    public var fingerprint: EntryFingerprint {
        var timing = StableHash()
        // No values are printed by way of reflection here: a schedule of a hundred thousand entries is hashed at a start.
        timing.combine(schedule.description)
        // Its description rounds.
        if case .interval(let interval) = schedule { timing.combine(interval.every.wholeMicroseconds) }
        timing.combine(zone.name)
        timing.combine(rules.clockChanges.gap.rawValue)
        timing.combine(rules.clockChanges.repeated.rawValue)
        timing.combine(jitter.wholeMicroseconds)
        timing.combine(isEnabled ? 1 : 0)
        var content = timing
        content.combine(task)
        content.combine(args)
        content.combine(kwargs)
        content.combine(options.text)
        content.combine(options.headers.isEmpty ? "{}" : JSONWriter.string(.object(options.headers)))
        content.combine(missed.rule.rawValue)
        content.combine(Int64(missed.limit))
        content.combine(missed.deadline?.wholeMicroseconds ?? -1)
        switch overlap {
        case .allow: content.combine("allow")
        case .skip(let span): content.combine(span.wholeMicroseconds)
        }
        return EntryFingerprint(content: content.value, timing: timing.value)
    }

    /// The id of the task that a slot sends: the same whoever sends it, and however often it has to be sent.
    public func taskID(schedule: String, slot: Instant) -> String {
        var hash = StableHash()
        hash.combine(schedule)
        hash.combine(name)
        hash.combine(slot.microseconds)
        return hash.uuid
    }
}
