import CeleryMessage

/// The first frame a pool process gets.
struct HelloFrame: Equatable {
    var version = Frame.version
    var pool: String
    var process: String
    var slots: Int
    var frameLimit: Int
    var setup: PoolSetup

    init(pool: String, process: String, slots: Int, frameLimit: Int, setup: PoolSetup) {
        self.pool = pool
        self.process = process
        self.slots = slots
        self.frameLimit = frameLimit
        self.setup = setup
    }

    func append(to writer: inout FrameWriter) {
        writer.append(.hello) { writer in
            writer.field(1, version)
            writer.field(2, pool)
            writer.field(3, process)
            writer.field(4, slots)
            writer.field(5, frameLimit)
            writer.field(6, JSONWriter.bytes(setup.json))
        }
    }

    init(payload: RawSpan) throws(PoolError) {
        var version: UInt64 = 0
        var pool = ""
        var process = ""
        var slots = 1
        var frameLimit = Frame.defaultLimit
        var setup: PoolSetup?
        try Frame.fields(of: payload) { tag, value throws(PoolError) in
            switch tag {
            case 1: version = try value.number()
            case 2: pool = value.text
            case 3: process = value.text
            case 4: slots = max(1, try value.int())
            case 5: frameLimit = max(1, try value.int())
            case 6: setup = try PoolSetup(json: value.json())
            default: break
            }
        }
        guard let setup else { throw PoolError(code: .malformedFrame, message: "a hello frame without setup") }
        self.init(pool: pool, process: process, slots: slots, frameLimit: frameLimit, setup: setup)
        self.version = version
    }
}
