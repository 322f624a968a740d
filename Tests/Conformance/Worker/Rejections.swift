import Celeriac

/// Tasks that reject their message, and what they do when it comes again.
enum Rejections {
    static let tasks: [any TaskDeclaration] = [
        TaskDefinition(integration("store_success_then_reject"), options: TaskOptions(acksLate: true)) {
            (context: TaskContext) in
            guard context.request.redelivered else {
                context.updateState("SUCCESS", meta: "first-pass")
                throw TaskReject(reason: "first pass", requeue: true)
            }
            return "dedup-pass"
        },
        TaskDefinition(integration("reject_then_succeed"), options: TaskOptions(acksLate: true)) {
            (context: TaskContext) in
            guard context.request.redelivered else { throw TaskReject(reason: "first pass", requeue: true) }
            return "second-pass"
        },
        TaskDefinition(integration("reject_without_requeue")) { throw TaskReject(reason: "rejected") },
    ]
}
