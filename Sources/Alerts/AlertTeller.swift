package import CeleryMessage
import Inspection
package import Logging

/// Tells one hook of the dead letters, and remembers what was told.
///
/// What the hook was told is remembered after it was told: a gateway that dies in between tells it again.
package struct AlertTeller: Sendable {
    private let hook: any AlertHook
    private let ledger: any AlertLedger
    private let pacing: AlertPacing
    private let counter: AlertCounter
    private let logger: Logger
    private let now: @Sendable () -> Instant
    /// What was told; `nil` until it has been read.
    private var groups: AlertGroups?
    private var failures = 0

    /// Letters that are read at a time.
    static let batch = 200
    /// Batches that are read before somebody is told, so that a burst is one alert.
    private static let mostBatches = 100
    /// The longest pause between two attempts.
    private static let longestPause: Duration = .seconds(300)

    /// A teller that has not looked yet.
    package init(
        _ hook: any AlertHook,
        ledger: any AlertLedger,
        pacing: AlertPacing,
        counter: AlertCounter,
        logger: Logger,
        now: @escaping @Sendable () -> Instant = { .now() }
    ) {
        self.hook = hook
        self.ledger = ledger
        self.pacing = pacing
        self.counter = counter
        self.logger = logger
        self.now = now
    }

    /// What was told by others is read again before the next step.
    package mutating func forget() { groups = nil }

    /// Looks for new letters and tells what is to be told; answers after how long to do so again.
    package mutating func step() async -> Duration {
        do {
            var groups = try await remembered()
            let pause =
                switch hook.wants {
                case .groups: try await tellGroups(&groups)
                case .each: try await tellEach(&groups)
                }
            self.groups = groups
            return pause
        } catch is TurnLost {
            groups = nil
            return Self.pause
        } catch {
            // Redis is away: what was told is read again when it is back.
            groups = nil
            logger.debug("alerts: \(error)")
            return Self.pause
        }
    }

    static let pause: Duration = .seconds(1)

    /// Another gateway has taken over.
    private struct TurnLost: Error {}

    private func remembered() async throws -> AlertGroups {
        if let groups { return groups }
        if let stored = try await ledger.state(of: hook.name), let groups = AlertGroups(stored) { return groups }
        // What failed before there was this hook is no news.
        let groups = AlertGroups(from: try await ledger.newest())
        try await keep(groups)
        return groups
    }

    private func keep(_ groups: AlertGroups) async throws {
        // A task of its own: what was told must be remembered though the gateway is stopping, or the next one tells it again.
        let (ledger, state, name) = (ledger, groups.json, hook.name)
        guard try await Task(operation: { try await ledger.keep(state, of: name) }).value else { throw TurnLost() }
    }

    // MARK: Kinds

    private mutating func tellGroups(_ groups: inout AlertGroups) async throws -> Duration {
        for _ in 0..<Self.mostBatches {
            let letters = try await ledger.letters(after: groups.position, limit: Self.batch)
            guard !letters.isEmpty else { break }
            for (position, letter) in letters { groups.note(AlertLetter(letter), at: position) }
            try await keep(groups)
            if letters.count < Self.batch { break }
        }
        while let alert = groups.due(at: now(), pacing) {
            if let pause = await tell(alert) { return pause }
            groups.tell(alert, at: now(), pacing)
            try await keep(groups)
        }
        return Self.pause
    }

    // MARK: Each

    private mutating func tellEach(_ groups: inout AlertGroups) async throws -> Duration {
        while true {
            let letters = try await ledger.letters(after: groups.position, limit: Self.batch)
            guard !letters.isEmpty else { return Self.pause }
            for (position, letter) in letters {
                if let pause = await tell(Alert(.new, AlertLetter(letter))) { return pause }
                groups.advance(to: position)
                try await keep(groups)
            }
        }
    }

    // MARK: The hook

    /// Tells the hook; answers for how long to leave it alone where it cannot be told now.
    private mutating func tell(_ alert: Alert) async -> Duration? {
        // One that is going has told enough.
        guard !Task.isCancelled else { return Self.pause }
        do {
            let answer = try await toItsEnd(alert).get()
            if failures > 0 { logger.info("alerts: \(hook.name) can be told again") }
            failures = 0
            counter.count(.told, of: hook.name)
            logger.debug("alerts: \(hook.name) was told: \(answer)")
            return nil
        } catch  where error.isFinal {
            counter.count(.refused, of: hook.name)
            logger.error("alerts: \(hook.name) refuses an alert about \(alert.letter.fingerprint): \(error)")
            return nil
        } catch {
            counter.count(.failed, of: hook.name)
            failures += 1
            let pause = max(error.retryAfter ?? .zero, Self.backOff(failures))
            // The first line of a fault is news, the others only say that it goes on.
            let level: Logger.Level = failures == 1 ? .warning : .debug
            let seconds = pause.components.seconds
            logger.log(level: level, "alerts: \(hook.name) cannot be told, next attempt in \(seconds) s: \(error)")
            return min(pause, Self.longestPause)
        }
    }

    /// What the hook answers, though the gateway is stopping: an alert that it has and did not answer would be told again.
    private func toItsEnd(_ alert: Alert) async -> Result<String, AlertHookError> {
        let telling = Task { [hook] () -> Result<String, AlertHookError> in
            do throws(AlertHookError) {
                return .success(try await hook.tell(alert))
            } catch {
                return .failure(error)
            }
        }
        return await withTaskCancellationHandler {
            await telling.value
        } onCancel: {
            // Ends by itself: nobody waits for it but the telling.
            Task {
                try await Task.sleep(for: Self.patience)
                telling.cancel()
            }
        }
    }

    /// How long a hook may still take to answer when the gateway stops.
    private static let patience: Duration = .seconds(5)

    /// 1, 2, 4 seconds and so on, five minutes at most.
    static func backOff(_ failures: Int) -> Duration { min(.seconds(1 << min(failures - 1, 9)), longestPause) }
}
