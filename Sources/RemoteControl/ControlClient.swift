package import CeleryMessage
package import RedisClient
package import RedisTransport
import Transport

/// Sends requests to workers and collects their replies, as Celery's own clients do (`kombu/pidbox.py`).
package struct ControlClient {
    /// What is asked or told.
    package struct Question {
        /// The command's name.
        package var method: String
        /// Its arguments by name.
        package var arguments: JSONObject

        package init(_ method: String, _ arguments: JSONObject = JSONObject()) {
            self.method = method
            self.arguments = arguments
        }
    }

    /// One worker's reply.
    package struct Reply {
        /// Which of the questions it is about.
        package var question: Int
        /// The worker's name.
        package var node: String
        /// What it says.
        package var value: JSONValue
    }

    let client: RedisClient
    let transport: RedisTransportConfiguration
    /// The exchange of requests, `celery.pidbox`.
    let exchange: String

    /// A client of the workers that listen on an exchange.
    ///
    /// - Parameter client: a connection that nobody else uses meanwhile: it blocks while replies are awaited.
    package init(client: RedisClient, transport: RedisTransportConfiguration, exchange: String) {
        self.client = client
        self.transport = transport
        self.exchange = exchange
    }

    /// Sends a request that nobody answers.
    package func cast(_ method: String, _ arguments: JSONObject = JSONObject(), destination: [String] = []) async throws
    {
        let request = ControlRequest(method: method, arguments: arguments, destination: destination)
        _ = try await client.send(publish(request, expires: 0))
    }

    /// Sends requests and hands each reply on as it comes, until the time is over or every node named has replied to each.
    ///
    /// - Parameter trustsCount: whether to stop when as many have replied as the server says it told.
    package func call(
        _ questions: [Question],
        destination: [String],
        timeout: Double,
        trustsCount: Bool = false,
        onReply: (Reply) -> Void = { _ in }
    ) async throws -> [Reply] {
        let keys = transport.keys
        let oid = Identifier.uuid()
        let replies = "reply." + exchange
        let mailbox = "\(oid).\(replies)"
        let member = keys.bindingMember(routingKey: oid, queue: mailbox)
        let requests = questions.map { question in
            ControlRequest(
                method: question.method,
                arguments: question.arguments,
                destination: destination,
                ticket: Identifier.uuid(),
                replyTo: ControlRequest.ReplyAddress(exchange: replies, routingKey: oid)
            )
        }
        let now = Instant.now()
        let deadline = String(now.microseconds / 1000 + 3_600_000)
        // The binding comes first: a reply without a mailbox is dropped.
        let sent = try await client.send(
            [
                RedisCommand("SADD", keys.binding(exchange: replies), member),
                RedisCommand("ZADD", keys.bindingDeadlines, "GT", deadline, replies),
            ] + requests.map { publish($0, expires: now.seconds + timeout) }
        )
        for reply in sent { _ = try reply.get() }
        let told = trustsCount ? sent.dropFirst(2).reduce(0) { $0 + ($1.int ?? 0) } : Int.max
        let limit = min(told, destination.isEmpty ? Int.max : Set(destination).count * requests.count)
        let tickets = Dictionary(
            requests.enumerated().map { ($1.ticket ?? "", $0) },
            uniquingKeysWith: { first, _ in first }
        )
        let collected: Result<[Reply], any Error>
        do {
            collected = .success(
                try await collect(keys.prefix + mailbox, tickets, timeout, limit, onReply: onReply)
            )
        } catch {
            collected = .failure(error)
        }
        // Should the connection be gone, Kombu's clients sweep the binding away later.
        _ = try? await client.send([
            RedisCommand("SREM", keys.binding(exchange: replies), member), RedisCommand("DEL", keys.prefix + mailbox),
        ])
        return try collected.get()
    }

    private func collect(
        _ list: String,
        _ tickets: [String: Int],
        _ timeout: Double,
        _ limit: Int,
        onReply: (Reply) -> Void
    ) async throws -> [Reply] {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(timeout)
        var found: [Reply] = []
        while found.count < limit {
            let left = (end - clock.now).inSeconds
            guard left > 0 else { break }
            let wait = RedisCommand("BRPOP", list, String(max(0.01, left)))
            let answer = try await client.send(wait, timeout: .seconds(left + 5))
            guard let item = answer.array?.last?.bytes else { break }
            // What is no reply, or one to somebody else's question, is passed over.
            guard let message = try? BroadcastMessage(decoding: item, largest: BroadcastMessage.largestReply),
                let question = message.headers["ticket"]?.string.flatMap({ tickets[$0] }),
                let nodes = try? message.value().object
            else { continue }
            for (node, value) in nodes {
                let reply = Reply(question: question, node: node, value: value)
                found.append(reply)
                onReply(reply)
            }
        }
        return found
    }

    private func publish(_ request: ControlRequest, expires: Double) -> RedisCommand {
        let channel = transport.keys.channel(
            exchange: exchange,
            routingKey: "",
            database: transport.broker.database
        )
        let message = BroadcastMessage(
            exchange: exchange,
            headers: ["clock": 1, "expires": expires > 0 ? .double(expires) : 0],
            body: JSONWriter.bytes(request.body),
            deliveryMode: 2
        )
        return RedisCommand("PUBLISH", channel, message.encode())
    }
}

extension Duration {
    /// Seconds with their fraction.
    fileprivate var inSeconds: Double { self / .seconds(1) }
}
