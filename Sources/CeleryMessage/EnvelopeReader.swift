/// Takes one list item apart in a single pass, without building a tree of it.
///
/// Header and property values go straight into their structs; the body stays where it is, as a place in the item.
/// What was read goes straight into the message, so that nothing is copied at the end and an error can still name the
/// task. The reader itself remembers only what the message has no place for.
struct EnvelopeReader {
    /// Whether the headers name a task, which is what marks protocol 2.
    private(set) var hasTask = false
    private(set) var hasID = false
    private(set) var hasProperties = false
    private(set) var hasDeliveryInfo = false
    private(set) var hasDeliveryTag = false
    /// The headers' compression and whether the body is base64, kept here too: reading one field of a large struct
    /// may copy all of it.
    private(set) var compression: String?
    private(set) var isBase64 = false
    private(set) var contentType: String?
    private(set) var body: JSONScanner.Text?
    /// The first thing that makes the task unfit to run.
    private(set) var problem: String?
    // Producers repeat the task's id in several places; one string serves them all.
    private var idText: JSONScanner.Text?

    /// Passes the whole item.
    mutating func read(_ scanner: inout JSONScanner, into message: inout TaskMessage) throws(JSONError) {
        try scanner.members(depth: 0) { scanner, key throws(JSONError) in
            if scanner.matches("headers", key) {
                try readHeaders(&scanner, &message)
            } else if scanner.matches("properties", key) {
                try readProperties(&scanner, &message)
            } else if scanner.matches("body", key) {
                body = nil
                if try scanner.peek() == UInt8(ascii: "\"") {
                    body = try scanner.text()
                } else {
                    try scanner.skipValue(depth: 1)
                }
            } else if scanner.matches("content-type", key) {
                contentType = try readContentType(&scanner)
            } else {
                try scanner.skipValue(depth: 1)
            }
        }
        try scanner.finish()
    }

    /// The mime type; the common one costs no allocation.
    private func readContentType(_ scanner: inout JSONScanner) throws(JSONError) -> String? {
        guard try scanner.peek() == UInt8(ascii: "\"") else {
            try scanner.skipValue(depth: 1)
            return nil
        }
        let text = try scanner.text()
        return scanner.matches("application/json", text) ? JSONSerializer.contentType : scanner.string(text)
    }

    // MARK: Headers

    private mutating func readHeaders(_ scanner: inout JSONScanner, _ message: inout TaskMessage) throws(JSONError) {
        guard try scanner.peek() == UInt8(ascii: "{") else { return try scanner.skipValue(depth: 1) }
        try scanner.members(depth: 1) { scanner, key throws(JSONError) in
            try readHeader(key, &scanner, &message)
            passDefaults(&scanner, &message)
        }
    }

    private static var usualSchedule: StaticString {
        """
        , "shadow": null, "eta": null, "expires": null, "group": null, "group_index": null, "retries": 0, \
        "timelimit": [null, null]
        """
    }
    private static var usualEnd: StaticString {
        #", "ignore_result": false, "replaced_task_nesting": 0, "stamped_headers": null, "stamps": {}"#
    }

    /// Passes several headers in one comparison where Python's producers write them all with their usual values.
    private mutating func passDefaults(_ scanner: inout JSONScanner, _ message: inout TaskMessage) {
        if scanner.passed(Self.usualSchedule) {
            message.headers.shadow = nil
            message.headers.eta = nil
            message.headers.expires = nil
            message.headers.group = nil
            message.headers.groupIndex = nil
            message.headers.retries = 0
            message.headers.hardTimeLimit = nil
            message.headers.softTimeLimit = nil
        } else if scanner.passed(Self.usualEnd) {
            message.headers.ignoreResult = false
            message.headers.replacedTaskNesting = 0
            message.headers.stampedHeaders = nil
            message.headers.stamps = JSONObject()
        }
    }

    private mutating func readHeader(
        _ key: JSONScanner.Text,
        _ scanner: inout JSONScanner,
        _ message: inout TaskMessage
    ) throws(JSONError) {
        switch key.end - key.start {
        case 2 where scanner.matches("id", key): try readID(&scanner, &message)
        case 3 where scanner.matches("eta", key): message.headers.eta = try readMoment("eta", &scanner)
        case 4 where scanner.matches("task", key): try readTask(&scanner, &message)
        case 4 where scanner.matches("lang", key): message.headers.lang = try scanner.optionalString() ?? "py"
        case 5 where scanner.matches("group", key): message.headers.group = try scanner.optionalString()
        case 6 where scanner.matches("shadow", key): message.headers.shadow = try scanner.optionalString()
        case 6 where scanner.matches("origin", key): message.headers.origin = try scanner.optionalString()
        case 6 where scanner.matches("stamps", key): message.headers.stamps = try scanner.optionalObject(depth: 2)
        case 7 where scanner.matches("expires", key): message.headers.expires = try readMoment("expires", &scanner)
        case 7 where scanner.matches("retries", key):
            message.headers.retries = max(0, try scanner.optionalInteger() ?? 0)
        case 7 where scanner.matches("root_id", key): message.headers.rootID = try readSharedString(&scanner, &message)
        case 8 where scanner.matches("argsrepr", key): message.headers.argsrepr = try scanner.optionalString()
        case 9 where scanner.matches("timelimit", key): try readTimeLimits(&scanner, &message)
        case 9 where scanner.matches("parent_id", key):
            message.headers.parentID = try readSharedString(&scanner, &message)
        case 10 where scanner.matches("kwargsrepr", key): message.headers.kwargsrepr = try scanner.optionalString()
        case 11 where scanner.matches("group_index", key): message.headers.groupIndex = try scanner.optionalInteger()
        case 11 where scanner.matches("compression", key):
            compression = try scanner.optionalString()
            message.headers.compression = compression
        case 11 where scanner.matches("redelivered", key):
            message.headers.redelivered = try scanner.optionalBool() ?? false
        case 13 where scanner.matches("ignore_result", key): message.headers.ignoreResult = try scanner.optionalBool()
        case 15 where scanner.matches("stamped_headers", key): try readStampNames(&scanner, &message)
        case 21 where scanner.matches("replaced_task_nesting", key):
            message.headers.replacedTaskNesting = max(0, try scanner.optionalInteger() ?? 0)
        default: message.headers.extra[scanner.string(key)] = try scanner.value(depth: 2)
        }
    }

    private mutating func readTask(_ scanner: inout JSONScanner, _ message: inout TaskMessage) throws(JSONError) {
        hasTask = try scanner.peek() == UInt8(ascii: "\"")
        if hasTask {
            let text = try scanner.text()
            if text.start == text.end { problem = problem ?? "the task's name is empty" }
            message.headers.task = scanner.string(text)
        } else {
            try scanner.skipValue(depth: 2)
        }
    }

    private mutating func readID(_ scanner: inout JSONScanner, _ message: inout TaskMessage) throws(JSONError) {
        if try scanner.peek() == UInt8(ascii: "\"") {
            let text = try scanner.text()
            idText = text
            message.headers.id = scanner.string(text)
            hasID = true
        } else {
            let id = try scanner.optionalString()
            idText = nil
            message.headers.id = id ?? ""
            hasID = id != nil
        }
    }

    /// A string that is often the task's id again.
    private func readSharedString(_ scanner: inout JSONScanner, _ message: inout TaskMessage) throws(JSONError)
        -> String?
    {
        guard let idText, try scanner.peek() == UInt8(ascii: "\"") else { return try scanner.optionalString() }
        let text = try scanner.text()
        return scanner.same(text, idText) ? message.headers.id : scanner.string(text)
    }

    /// An ISO 8601 text, or a tagged datetime; anything else but null makes the task invalid.
    private mutating func readMoment(_ name: String, _ scanner: inout JSONScanner) throws(JSONError) -> String? {
        if try scanner.passedNull() { return nil }
        let text: String
        switch try scanner.value(depth: 2) {
        case .string(let value), .tagged(.datetime(let value)): text = value
        default:
            problem = problem ?? "invalid \(name): not a string"
            return nil
        }
        if ISO8601.date(text) == nil { problem = problem ?? "invalid \(name): not an ISO 8601 date" }
        return text
    }

    private mutating func readTimeLimits(_ scanner: inout JSONScanner, _ message: inout TaskMessage) throws(JSONError) {
        message.headers.hardTimeLimit = nil
        message.headers.softTimeLimit = nil
        guard try scanner.peek() == UInt8(ascii: "[") else { return try scanner.skipValue(depth: 2) }
        var place = 0
        try scanner.elements(depth: 2) { scanner throws(JSONError) in
            let limit = try scanner.optionalNumber()
            if place == 0 { message.headers.hardTimeLimit = limit }
            if place == 1 { message.headers.softTimeLimit = limit }
            place += 1
        }
    }

    private mutating func readStampNames(_ scanner: inout JSONScanner, _ message: inout TaskMessage) throws(JSONError) {
        message.headers.stampedHeaders = nil
        guard try scanner.peek() == UInt8(ascii: "[") else { return try scanner.skipValue(depth: 2) }
        var names: [String] = []
        try scanner.elements(depth: 2) { scanner throws(JSONError) in
            if let name = try scanner.optionalString() { names.append(name) }
        }
        message.headers.stampedHeaders = names
    }

    // MARK: Properties

    private mutating func readProperties(_ scanner: inout JSONScanner, _ message: inout TaskMessage) throws(JSONError) {
        guard try scanner.peek() == UInt8(ascii: "{") else { return try scanner.skipValue(depth: 1) }
        hasProperties = true
        try scanner.members(depth: 1) { scanner, key throws(JSONError) in try readProperty(key, &scanner, &message) }
    }

    private mutating func readProperty(
        _ key: JSONScanner.Text,
        _ scanner: inout JSONScanner,
        _ message: inout TaskMessage
    ) throws(JSONError) {
        switch key.end - key.start {
        case 8 where scanner.matches("reply_to", key): message.properties.replyTo = try scanner.optionalString()
        case 8 where scanner.matches("priority", key): message.properties.priority = try scanner.optionalInteger() ?? 0
        case 10 where scanner.matches("expiration", key): message.properties.expiration = try scanner.optionalString()
        case 12 where scanner.matches("delivery_tag", key):
            let tag = try scanner.optionalString()
            hasDeliveryTag = tag != nil
            message.properties.deliveryTag = tag
        case 13 where scanner.matches("delivery_mode", key):
            message.properties.deliveryMode = try scanner.optionalInteger() ?? 2
        case 13 where scanner.matches("delivery_info", key): try readDeliveryInfo(&scanner, &message)
        case 13 where scanner.matches("body_encoding", key):
            let encoding = try scanner.optionalString()
            isBase64 = encoding == "base64"
            message.properties.bodyEncoding = encoding
        case 14 where scanner.matches("correlation_id", key):
            message.properties.correlationID = try readSharedString(&scanner, &message)
        default: message.properties.extra[scanner.string(key)] = try scanner.value(depth: 2)
        }
    }

    private mutating func readDeliveryInfo(_ scanner: inout JSONScanner, _ message: inout TaskMessage) throws(JSONError)
    {
        guard try scanner.peek() == UInt8(ascii: "{") else { return try scanner.skipValue(depth: 2) }
        hasDeliveryInfo = true
        try scanner.members(depth: 2) { scanner, key throws(JSONError) in
            if scanner.matches("exchange", key) {
                message.properties.exchange = try scanner.optionalString() ?? ""
            } else if scanner.matches("routing_key", key) {
                message.properties.routingKey = try scanner.optionalString() ?? ""
            } else if scanner.matches("redelivered", key) {
                message.properties.redelivered = try scanner.optionalBool() ?? false
            } else {
                message.properties.deliveryInfo[scanner.string(key)] = try scanner.value(depth: 3)
            }
        }
    }
}
