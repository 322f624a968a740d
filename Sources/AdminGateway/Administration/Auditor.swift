import CeleryMessage
import Hummingbird
import Inspection
import Logging

/// Makes changes and remembers who made them.
struct Auditor: Sendable {
    let trail: any AuditTrail

    /// What came of a change.
    struct Outcome {
        /// A stable name.
        var name: String
        /// More about it.
        var detail = JSONObject()
    }

    /// Makes a change and remembers it, whatever came of it.
    ///
    /// A change that was made and cannot be remembered has still been made: the log says so.
    func change<Value>(
        _ action: String,
        _ target: String,
        _ context: GatewayContext,
        outcome: (Value) -> Outcome,
        _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            let value = try await body()
            await remember(action, target, outcome(value), context)
            return value
        } catch let error as InspectionError {
            await remember(action, target, Outcome(name: error.code.rawValue), context)
            throw error
        } catch let error as GatewayError {
            await remember(action, target, Outcome(name: error.code), context)
            throw error
        }
    }

    private func remember(_ action: String, _ target: String, _ outcome: Outcome, _ context: GatewayContext) async {
        let who = context.user?.name ?? ""
        let named = Self.onOneLine(target)
        context.logger.info("\(action) \(named) by \(who) from \(context.remoteAddress): \(outcome.name)")
        let entry = AuditEntry(
            at: .now(),
            who: who,
            address: context.remoteAddress,
            action: action,
            target: target,
            outcome: outcome.name,
            detail: outcome.detail
        )
        do {
            try await trail.record(entry)
        } catch {
            context.logger.warning("The change could not be added to the audit list: \(error)")
        }
    }

    /// What was to be changed has whatever name somebody gave it; in the log that must not become a line of its own.
    private static func onOneLine(_ name: String) -> String {
        let scalars = name.unicodeScalars.lazy.map { scalar -> Unicode.Scalar in
            scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) ? "\u{FFFD}" : scalar
        }
        return String(String.UnicodeScalarView(scalars))
    }
}
