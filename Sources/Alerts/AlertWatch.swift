import Inspection
package import Logging
import Synchronization

/// Watches the dead letters and tells the hooks, while it is this gateway's turn.
///
/// Each hook has a teller of its own: one that is down keeps no other waiting.
package struct AlertWatch: Sendable {
    private let hooks: [any AlertHook]
    private let ledger: any AlertLedger
    private let pacing: AlertPacing
    private let counter: AlertCounter
    private let logger: Logger

    /// How often the turn is taken or kept; it is lost some times this after a gateway has died.
    package static let turnEvery: Duration = .seconds(3)
    /// For how long a turn lasts that is not kept.
    package static let turnLasts: Duration = .seconds(10)

    /// A watch that does not look yet.
    package init(
        hooks: [any AlertHook],
        ledger: any AlertLedger,
        pacing: AlertPacing,
        counter: AlertCounter,
        logger: Logger
    ) {
        self.hooks = hooks
        self.ledger = ledger
        self.pacing = pacing
        self.counter = counter
        self.logger = logger
    }

    /// Tells until its task is cancelled, then gives the turn back.
    package func run() async {
        let turn = Turn()
        let tellers = hooks.map {
            AlertTeller($0, ledger: ledger, pacing: pacing, counter: counter, logger: logger)
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.hold(turn) }
            for teller in tellers { group.addTask { await self.tell(teller, turn) } }
        }
        // A task of its own: this one has been cancelled, and the next gateway should not have to wait.
        // Without Redis the turn ends by itself.
        await Task { [ledger] in try? await ledger.leaveTurn() }.value
        for hook in hooks { await hook.shutdown() }
    }

    private func hold(_ turn: Turn) async {
        repeat {
            do {
                turn.isOurs = try await ledger.takeTurn()
            } catch {
                turn.isOurs = false
            }
        } while (try? await Task.sleep(for: Self.turnEvery)) != nil  // throws when it is cancelled
    }

    private func tell(_ teller: AlertTeller, _ turn: Turn) async {
        var teller = teller
        var pause = Duration.zero
        while (try? await Task.sleep(for: pause)) != nil {  // throws when it is cancelled
            pause = AlertTeller.pause
            if turn.isOurs { pause = await teller.step() } else { teller.forget() }
        }
    }
}

/// Whether it is this gateway's turn.
private final class Turn: Sendable {
    private let state = Mutex(false)

    var isOurs: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
