/// Takes one list item apart in a single pass, without building a tree of it.
///
/// Header and property values go straight into their structs; the body stays where it is, as a place in the item.
/// Whatever was read before an error stays readable, so that the error can name the task.
struct EnvelopeReader {
    var headers = TaskHeaders(task: "", id: "")
    var properties = MessageProperties(routingKey: "")
    /// Whether the headers name a task, which is what marks protocol 2.
    private(set) var hasTask = false
    private(set) var hasID = false
    private(set) var hasProperties = false
    private(set) var hasDeliveryInfo = false
    private(set) var contentType: String?
    private(set) var body: JSONScanner.Text?
    /// The first thing that makes the task unfit to run.
    private(set) var problem: String?
    // Producers repeat the task's id in several places; one string serves them all.
    private var idText: JSONScanner.Text?

    init() { headers.rootID = nil }

    mutating func read(_ scanner: inout JSONScanner) throws(JSONError) {
        try scanner.members(depth: 0) { scanner, key throws(JSONError) in
            if scanner.matches("headers", key) {
                try readHeaders(&scanner)
            } else if scanner.matches("properties", key) {
                try readProperties(&scanner)
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

    private mutating func readHeaders(_ scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.peek() == UInt8(ascii: "{") else { return try scanner.skipValue(depth: 1) }
        try scanner.members(depth: 1) { scanner, key throws(JSONError) in try readHeader(key, &scanner) }
    }

    private mutating func readHeader(
        _ key: JSONScanner.Text,
        _ scanner: inout JSONScanner
    ) throws(JSONError) {
        switch key.end - key.start {
        case 2 where scanner.matches("id", key): try readID(&scanner)
        case 3 where scanner.matches("eta", key): headers.eta = try readMoment("eta", &scanner)
        case 4 where scanner.matches("task", key): try readTask(&scanner)
        case 4 where scanner.matches("lang", key): headers.lang = try scanner.optionalString() ?? "py"
        case 5 where scanner.matches("group", key): headers.group = try scanner.optionalString()
        case 6 where scanner.matches("shadow", key): headers.shadow = try scanner.optionalString()
        case 6 where scanner.matches("origin", key): headers.origin = try scanner.optionalString()
        case 6 where scanner.matches("stamps", key): headers.stamps = try scanner.optionalObject(depth: 2)
        case 7 where scanner.matches("expires", key): headers.expires = try readMoment("expires", &scanner)
        case 7 where scanner.matches("retries", key): headers.retries = max(0, try scanner.optionalInteger() ?? 0)
        case 7 where scanner.matches("root_id", key): headers.rootID = try readSharedString(&scanner)
        case 8 where scanner.matches("argsrepr", key): headers.argsrepr = try scanner.optionalString()
        case 9 where scanner.matches("timelimit", key): try readTimeLimits(&scanner)
        case 9 where scanner.matches("parent_id", key): headers.parentID = try readSharedString(&scanner)
        case 10 where scanner.matches("kwargsrepr", key): headers.kwargsrepr = try scanner.optionalString()
        case 11 where scanner.matches("group_index", key): headers.groupIndex = try scanner.optionalInteger()
        case 11 where scanner.matches("compression", key): headers.compression = try scanner.optionalString()
        case 11 where scanner.matches("redelivered", key):
            headers.redelivered = try scanner.optionalBool() ?? false
        case 13 where scanner.matches("ignore_result", key): headers.ignoreResult = try scanner.optionalBool()
        case 15 where scanner.matches("stamped_headers", key): try readStampNames(&scanner)
        case 21 where scanner.matches("replaced_task_nesting", key):
            headers.replacedTaskNesting = max(0, try scanner.optionalInteger() ?? 0)
        default: headers.extra[scanner.string(key)] = try scanner.value(depth: 2)
        }
    }

    private mutating func readTask(_ scanner: inout JSONScanner) throws(JSONError) {
        hasTask = try scanner.peek() == UInt8(ascii: "\"")
        if hasTask {
            headers.task = scanner.string(try scanner.text())
        } else {
            try scanner.skipValue(depth: 2)
        }
    }

    private mutating func readID(_ scanner: inout JSONScanner) throws(JSONError) {
        if try scanner.peek() == UInt8(ascii: "\"") {
            let text = try scanner.text()
            idText = text
            headers.id = scanner.string(text)
            hasID = true
        } else {
            let id = try scanner.optionalString()
            idText = nil
            headers.id = id ?? ""
            hasID = id != nil
        }
    }

    /// A string that is often the task's id again.
    private func readSharedString(_ scanner: inout JSONScanner) throws(JSONError) -> String? {
        guard let idText, try scanner.peek() == UInt8(ascii: "\"") else { return try scanner.optionalString() }
        let text = try scanner.text()
        return scanner.same(text, idText) ? headers.id : scanner.string(text)
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

    private mutating func readTimeLimits(_ scanner: inout JSONScanner) throws(JSONError) {
        headers.hardTimeLimit = nil
        headers.softTimeLimit = nil
        guard try scanner.peek() == UInt8(ascii: "[") else { return try scanner.skipValue(depth: 2) }
        var place = 0
        try scanner.elements(depth: 2) { scanner throws(JSONError) in
            let limit = try scanner.optionalNumber()
            if place == 0 { headers.hardTimeLimit = limit }
            if place == 1 { headers.softTimeLimit = limit }
            place += 1
        }
    }

    private mutating func readStampNames(_ scanner: inout JSONScanner) throws(JSONError) {
        headers.stampedHeaders = nil
        guard try scanner.peek() == UInt8(ascii: "[") else { return try scanner.skipValue(depth: 2) }
        var names: [String] = []
        try scanner.elements(depth: 2) { scanner throws(JSONError) in
            if let name = try scanner.optionalString() { names.append(name) }
        }
        headers.stampedHeaders = names
    }

    // MARK: Properties

    private mutating func readProperties(_ scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.peek() == UInt8(ascii: "{") else { return try scanner.skipValue(depth: 1) }
        hasProperties = true
        try scanner.members(depth: 1) { scanner, key throws(JSONError) in try readProperty(key, &scanner) }
    }

    private mutating func readProperty(
        _ key: JSONScanner.Text,
        _ scanner: inout JSONScanner
    ) throws(JSONError) {
        switch key.end - key.start {
        case 8 where scanner.matches("reply_to", key): properties.replyTo = try scanner.optionalString()
        case 8 where scanner.matches("priority", key): properties.priority = try scanner.optionalInteger() ?? 0
        case 10 where scanner.matches("expiration", key): properties.expiration = try scanner.optionalString()
        case 12 where scanner.matches("delivery_tag", key): properties.deliveryTag = try scanner.optionalString()
        case 13 where scanner.matches("delivery_mode", key):
            properties.deliveryMode = try scanner.optionalInteger() ?? 2
        case 13 where scanner.matches("delivery_info", key): try readDeliveryInfo(&scanner)
        case 13 where scanner.matches("body_encoding", key):
            properties.bodyEncoding = try scanner.optionalString()
        case 14 where scanner.matches("correlation_id", key):
            properties.correlationID = try readSharedString(&scanner)
        default: properties.extra[scanner.string(key)] = try scanner.value(depth: 2)
        }
    }

    private mutating func readDeliveryInfo(_ scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.peek() == UInt8(ascii: "{") else { return try scanner.skipValue(depth: 2) }
        hasDeliveryInfo = true
        try scanner.members(depth: 2) { scanner, key throws(JSONError) in
            if scanner.matches("exchange", key) {
                properties.exchange = try scanner.optionalString() ?? ""
            } else if scanner.matches("routing_key", key) {
                properties.routingKey = try scanner.optionalString() ?? ""
            } else if scanner.matches("redelivered", key) {
                properties.redelivered = try scanner.optionalBool() ?? false
            } else {
                properties.deliveryInfo[scanner.string(key)] = try scanner.value(depth: 3)
            }
        }
    }
}
