import CeleryMessage
import Transport

/// What waits for a word about the plans of tenants, and what has ended since the last one.
struct TenantGate {
    /// Tasks that are asked for next.
    var arriving: [ActiveTask] = []
    /// What counts no longer.
    var freed: [TenantSlot] = []
    /// When some tenant's time comes; `nil` where nobody is known to wait.
    var nextLook: Instant?

    /// The most slots that are named in one step.
    static let mostFreed = 1000

    /// Takes out what a step names, and whose tasks may have room by it.
    mutating func takeFreed() -> (slots: [TenantSlot], tenants: Set<String>) {
        let slots = Array(freed.prefix(Self.mostFreed))
        freed.removeFirst(slots.count)
        return (slots, Set(slots.map(\.tenant)))
    }
}

extension TenantSlot {
    /// Whose slot it is.
    var tenant: String {
        switch self {
        case .held(_, let tenant), .kept(_, let tenant): tenant
        }
    }
}

extension TenantBound {
    /// Why a task waits, in a few words.
    func reason(_ tenant: String) -> String {
        switch kind {
        case .concurrency: "tenant \(tenant) runs \(limit), as many as its plan \(plan) allows at once"
        case .perMinute: "tenant \(tenant) has started \(limit) within a minute, as many as its plan \(plan) allows"
        }
    }
}
