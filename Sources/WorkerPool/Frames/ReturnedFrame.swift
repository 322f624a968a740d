/// Runs given back because they have not started.
struct ReturnedFrame: Equatable {
    /// Whether this answers a recall; otherwise it answers a cancel.
    var answersRecall: Bool
    var jobs: [UInt64]

    init(answersRecall: Bool, jobs: [UInt64]) {
        self.answersRecall = answersRecall
        self.jobs = jobs
    }

    func append(to writer: inout FrameWriter) {
        writer.append(.returned) { writer in
            if answersRecall { writer.flag(2) }
            for job in jobs { writer.field(1, job) }
        }
    }

    init(payload: RawSpan) throws(PoolError) {
        var answersRecall = false
        var jobs: [UInt64] = []
        try Frame.fields(of: payload) { tag, value throws(PoolError) in
            switch tag {
            case 1: jobs.append(try value.number())
            case 2: answersRecall = try value.number() != 0
            default: break
            }
        }
        self.init(answersRecall: answersRecall, jobs: jobs)
    }
}
