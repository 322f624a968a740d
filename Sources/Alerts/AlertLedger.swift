package import CeleryMessage
package import Inspection

/// The dead letters in their order, what was told of them, and whose turn it is to tell: shared by all gateways.
///
/// All calls throw `InspectionError`.
package protocol AlertLedger: Sendable {
    /// Takes the turn where nobody has it, or keeps it; answers whether it is ours.
    func takeTurn() async throws -> Bool

    /// Gives the turn back, where it is ours.
    func leaveTurn() async throws

    /// The letters that were kept after a position, oldest first, with their positions and without their items.
    func letters(after position: Int64, limit: Int) async throws -> [(position: Int64, letter: DeadLetter)]

    /// The position of the newest letter; 0 where there is none.
    func newest() async throws -> Int64

    /// What is remembered for a hook; `nil` where it is nothing.
    func state(of hook: String) async throws -> JSONValue?

    /// Remembers something for a hook, as long as the turn is ours; answers whether it still is.
    func keep(_ state: JSONValue, of hook: String) async throws -> Bool
}
