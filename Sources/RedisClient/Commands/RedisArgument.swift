/// A value that can be an argument of a command.
public protocol RedisArgument {
    /// Appends the value, as exactly one argument.
    func append(to arguments: inout RedisArguments)
}

extension String: RedisArgument {
    /// Appends the value.
    public func append(to arguments: inout RedisArguments) { arguments.append(self) }
}

extension Substring: RedisArgument {
    /// Appends the value.
    public func append(to arguments: inout RedisArguments) { arguments.append(String(self)) }
}

extension Int: RedisArgument {
    /// Appends the value.
    public func append(to arguments: inout RedisArguments) { arguments.append(self) }
}

extension Int64: RedisArgument {
    /// Appends the value.
    public func append(to arguments: inout RedisArguments) { arguments.append(self) }
}

extension Double: RedisArgument {
    /// Appends the value.
    public func append(to arguments: inout RedisArguments) { arguments.append(self) }
}

extension Array: RedisArgument where Element == UInt8 {
    /// Appends the value.
    public func append(to arguments: inout RedisArguments) { arguments.append(self) }
}

extension ArraySlice: RedisArgument where Element == UInt8 {
    /// Appends the value.
    public func append(to arguments: inout RedisArguments) { arguments.append(self) }
}
