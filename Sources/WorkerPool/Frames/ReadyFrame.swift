/// A pool process' answer to the hello frame.
struct ReadyFrame: Equatable {
    var version = Frame.version
    var processID: Int32
    /// Whether it keeps the ``StartBoard``.
    var usesBoard: Bool

    init(processID: Int32, usesBoard: Bool) {
        self.processID = processID
        self.usesBoard = usesBoard
    }

    func append(to writer: inout FrameWriter) {
        writer.append(.ready) { writer in
            writer.field(1, version)
            writer.field(2, Int(processID))
            if usesBoard { writer.flag(3) }
        }
    }

    init(payload: RawSpan) throws(PoolError) {
        var version: UInt64 = 0
        var processID = 0
        var usesBoard = false
        try Frame.fields(of: payload) { tag, value throws(PoolError) in
            switch tag {
            case 1: version = try value.number()
            case 2: processID = try value.int()
            case 3: usesBoard = try value.number() != 0
            default: break
            }
        }
        self.init(processID: Int32(truncatingIfNeeded: processID), usesBoard: usesBoard)
        self.version = version
    }
}
