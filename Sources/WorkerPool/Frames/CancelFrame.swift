import CeleriacTasks

/// Cancels one run, or returns it when it has not started.
struct CancelFrame: Equatable {
    var job: UInt64
    var reason: CancellationReason

    init(job: UInt64, reason: CancellationReason) {
        self.job = job
        self.reason = reason
    }

    func append(to writer: inout FrameWriter) {
        writer.append(.cancel) { writer in
            writer.field(1, job)
            writer.field(2, reason.rawValue)
        }
    }

    init(payload: RawSpan) throws(PoolError) {
        var job: UInt64?
        var reason: CancellationReason?
        try Frame.fields(of: payload) { tag, value throws(PoolError) in
            switch tag {
            case 1: job = try value.number()
            case 2: reason = CancellationReason(rawValue: value.text)
            default: break
            }
        }
        guard let job, let reason else {
            throw PoolError(code: .malformedFrame, message: "a cancel frame without job or known reason")
        }
        self.init(job: job, reason: reason)
    }
}
