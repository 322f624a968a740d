import Inspection

/// Sends nothing: what the gateway sends through where `queue_enabled` is false.
///
/// Whoever wants to send is answered as if no queue could be reached.
struct QueuesOff: TaskSending {
    func send(_ message: OutgoingMessage) async throws -> SendOutcome {
        throw Self.error
    }

    func send(_ messages: [OutgoingMessage]) async throws -> BulkSendOutcome { throw Self.error }

    private static var error: InspectionError {
        InspectionError(.notSent, "queues are switched off (QUEUE_ENABLED or queue_enabled is false)")
    }
}
