public import CeleryMessage

/// Reads a handler's options with types, defaults and errors that name the option.
public struct OptionReader: Sendable {
    /// The options as they came.
    public let values: JSONObject
    /// The keys that lead here from the handler's `options`.
    public let path: [String]

    /// Reads `values`, found under `path`.
    public init(_ values: JSONObject, path: [String] = []) {
        self.values = values
        self.path = path
    }

    /// The error for option `key`.
    public func error(_ key: String, _ message: String) -> HandlerOptionError {
        HandlerOptionError(path: path + [key], message: message)
    }

    /// Refuses keys that are not in `known`, naming the nearest one.
    public func refuseUnknown(except known: [String]) throws(HandlerOptionError) {
        for key in values.keys where !known.contains(key) {
            throw error(key, "unknown option; known are \(known.sorted().joined(separator: ", "))")
        }
    }

    /// The raw value, `nil` when absent or `null`.
    public func value(_ key: String) -> JSONValue? {
        guard let value = values[key], !value.isNull else { return nil }
        return value
    }

    /// A text option, or `nil` when absent.
    public func string(_ key: String) throws(HandlerOptionError) -> String? {
        guard let value = value(key) else { return nil }
        guard let text = value.string else { throw error(key, "expected text, got \(value.kindName)") }
        return text
    }

    /// A text option that must be there.
    public func requiredString(_ key: String) throws(HandlerOptionError) -> String {
        guard let text = try string(key) else { throw error(key, "is required") }
        return text
    }

    /// A whole number within `range`, or `nil` when absent.
    public func int(_ key: String, in range: ClosedRange<Int> = Int.min...Int.max) throws(HandlerOptionError) -> Int? {
        guard let value = value(key) else { return nil }
        guard let number = value.int.map(Int.init) else {
            throw error(key, "expected a whole number, got \(value.kindName)")
        }
        guard range.contains(number) else {
            throw error(key, "must be between \(range.lowerBound) and \(range.upperBound), is \(number)")
        }
        return number
    }

    /// A number, or `nil` when absent.
    public func number(_ key: String) throws(HandlerOptionError) -> Double? {
        guard let value = value(key) else { return nil }
        guard let number = value.number, number.isFinite else {
            throw error(key, "expected a number, got \(value.kindName)")
        }
        return number
    }

    /// A boolean, or `nil` when absent.
    public func bool(_ key: String) throws(HandlerOptionError) -> Bool? {
        guard let value = value(key) else { return nil }
        guard let flag = value.bool else { throw error(key, "expected true or false, got \(value.kindName)") }
        return flag
    }

    /// A list, or `nil` when absent.
    public func array(_ key: String) throws(HandlerOptionError) -> [JSONValue]? {
        guard let value = value(key) else { return nil }
        guard let list = value.array else { throw error(key, "expected a list, got \(value.kindName)") }
        return list
    }

    /// A list of texts (a single text counts as a list of one), or `nil` when absent.
    public func strings(_ key: String) throws(HandlerOptionError) -> [String]? {
        guard let value = value(key) else { return nil }
        if let text = value.string { return [text] }
        guard let list = value.array else { throw error(key, "expected a list of texts, got \(value.kindName)") }
        var texts: [String] = []
        for (place, element) in list.enumerated() {
            guard let text = element.string else {
                throw HandlerOptionError(
                    path: path + [key, String(place)],
                    message: "expected text, got \(element.kindName)"
                )
            }
            texts.append(text)
        }
        return texts
    }

    /// A nested block, or `nil` when absent.
    public func block(_ key: String) throws(HandlerOptionError) -> OptionReader? {
        guard let value = value(key) else { return nil }
        guard let object = value.object else { throw error(key, "expected a block of options, got \(value.kindName)") }
        return OptionReader(object, path: path + [key])
    }

    /// A list of nested blocks, or `nil` when absent.
    public func blocks(_ key: String) throws(HandlerOptionError) -> [OptionReader]? {
        guard let list = try array(key) else { return nil }
        var blocks: [OptionReader] = []
        for (place, element) in list.enumerated() {
            let place = path + [key, String(place)]
            guard let object = element.object else {
                throw HandlerOptionError(path: place, message: "expected a block of options, got \(element.kindName)")
            }
            blocks.append(OptionReader(object, path: place))
        }
        return blocks
    }
}

extension JSONValue {
    /// What kind of value this is, in the words of a configuration file.
    public var kindName: String {
        switch self {
        case .null: "nothing"
        case .bool: "true or false"
        case .int, .bigInt: "a whole number"
        case .double: "a number"
        case .string: "text"
        case .array: "a list"
        case .object: "a block"
        case .tagged: "a typed value"
        }
    }
}
