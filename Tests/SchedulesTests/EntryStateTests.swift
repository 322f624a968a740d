import CeleryMessage
import Schedules
import Testing

@Suite struct `The state of an entry` {
    private var full: EntryState {
        var state = EntryState(
            fingerprint: EntryFingerprint(content: .max, timing: 0xA),
            seen: Instant(microseconds: -1)
        )
        state.mark = Instant(microseconds: 1_800_000_000_000_001)
        state.slot = state.mark
        state.sentAt = state.mark + .milliseconds(3)
        (state.sent, state.missed, state.skipped, state.lag) = (3, 4, 5, .milliseconds(3))
        (state.taskID, state.sender) = ("0190-af", "beat one@host/12")
        return state
    }

    @Test func `is written as twelve words and reads back`() {
        let fresh = EntryState(fingerprint: full.fingerprint, seen: full.anchor)
        #expect(fresh.text == "ffffffffffffffff 000000000000000a -1 -1 - - 0 0 0 0 - -")
        for state in [full, fresh] { #expect(EntryState(text: state.text) == state) }
    }

    @Test(arguments: [
        "", "x", "ffffffffffffffff 000000000000000a 1 1 - - 0 0 0 0 -", "f 000000000000000a 1 1 - - 0 0 0 0 - -",
        "ffffffffffffffff 00000000000000-a 1 1 - - 0 0 0 0 - -",
        "ffffffffffffffff 000000000000000a - 1 - - 0 0 0 0 - -",
        "ffffffffffffffff 000000000000000a 1 1x - - 0 0 0 0 - -",
        "ffffffffffffffff 000000000000000a 1  - - 0 0 0 0 - -",
        "ffffffffffffffff 000000000000000a 1 99999999999999999999 - - 0 0 0 0 - -",
    ]) func `is not read from anything else`(_ text: String) {
        #expect(EntryState(text: text) == nil)
    }
}
