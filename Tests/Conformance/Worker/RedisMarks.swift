import Celeriac
import Glibc
import NIOCore
import NIOPosix

/// Tasks that leave a mark in Redis, where the suite looks for it.
enum RedisMarks {
    static let tasks: [any TaskDeclaration] = [
        TaskDefinition(integration("redis_echo"), "message", TaskParameter("redis_key", default: "redis-echo")) {
            (message: JSONValue, key: String) in
            try await push(Self.bytes(message), to: key)
        },
        TaskDefinition(
            integration("redis_echo_group_id"),
            "_",
            TaskParameter("redis_key", default: "redis-group-ids")
        ) { (context: TaskContext, _: JSONValue, key: String) in
            try await push(context.request.headers.group ?? "", to: key)
        },
        TaskDefinition(integration("redis_count"), TaskParameter("redis_key", default: "redis-count")) {
            (key: String) in
            try await increment(key)
        },
        TaskDefinition(integration("sum_and_record"), "values", "redis_key") {
            (context: TaskContext, values: [JSONValue], key: String) in
            let sum = try Python.sum(values)
            try await push(context.request.id, to: key)
            return sum
        },
        TaskDefinition(integration("write_to_file_and_return_int"), "file_name", "i") {
            (path: String, number: JSONValue) in
            try append(JSONWriter.string(number) + "\n", to: path)
            return number
        },
    ]

    /// The echo that a task is asked to link: of its result, or of `link_msg`, deaf to the result.
    static func echo(of arguments: TaskArguments) -> Signature {
        let echo = Signature(integration("redis_echo"))
        guard let message = arguments.keyword["link_msg"], !message.isNull else { return echo }
        return echo.adding(args: [message]).immutably
    }

    /// Appends to a list of the suite's Redis.
    static func push(_ text: String, to key: String) async throws { try await push(Array(text.utf8), to: key) }

    private static func push(_ bytes: [UInt8], to key: String) async throws {
        try await command([Array("RPUSH".utf8), Array(key.utf8), bytes])
    }

    /// Adds one to a counter of the suite's Redis.
    static func increment(_ key: String) async throws {
        try await command([Array("INCR".utf8), Array(key.utf8)])
    }

    /// A message as Python's client of Redis writes it.
    private static func bytes(_ message: JSONValue) -> [UInt8] {
        if case .tagged(.bytes(let bytes)) = message { return bytes }
        return Array((message.string ?? JSONWriter.string(message)).utf8)
    }

    /// Runs one command over a connection of its own: these tasks are about what happened, not about speed.
    private static func command(_ words: [[UInt8]]) async throws {
        let host = getenv("REDIS_HOST").map { String(cString: $0) } ?? "localhost"
        let port = getenv("REDIS_PORT").flatMap { Int(String(cString: $0)) } ?? 6379
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let reply = try await channel.executeThenClose { inbound, outbound in
            var request = ByteBuffer(string: "*\(words.count)\r\n")
            for word in words {
                request.writeString("$\(word.count)\r\n")
                request.writeBytes(word + Array("\r\n".utf8))
            }
            try await outbound.write(request)
            for try await reply in inbound { return String(buffer: reply) }
            return "-the connection was closed"
        }
        if reply.hasPrefix("-") { throw TaskFailure.runtimeError(reply) }
    }

    private static func append(_ text: String, to path: String) throws {
        guard let file = fopen(path, "a") else { throw TaskFailure.fileNotFound(path) }
        defer { fclose(file) }
        fputs(text, file)
    }
}
