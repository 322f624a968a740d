/// A state that a handler reported.
struct StateFrame: Equatable {
    var job: UInt64
    var state: String
    var meta: [UInt8]

    init(job: UInt64, state: String, meta: [UInt8]) {
        self.job = job
        self.state = state
        self.meta = meta
    }

    func append(to writer: inout FrameWriter) {
        writer.append(.state) { writer in
            writer.field(1, job)
            writer.field(2, state)
            writer.field(3, meta)
        }
    }

    init(payload: RawSpan) throws(PoolError) {
        var job: UInt64?
        var state = ""
        var meta: [UInt8] = []
        try Frame.fields(of: payload) { tag, value throws(PoolError) in
            switch tag {
            case 1: job = try value.number()
            case 2: state = value.text
            case 3: meta = value.array
            default: break
            }
        }
        guard let job, !state.isEmpty else {
            throw PoolError(code: .malformedFrame, message: "a state frame without job or state")
        }
        self.init(job: job, state: state, meta: meta)
    }
}
