package import CeleryMessage
package import RedisClient
package import RedisTransport
import Transport
import WorkerRuntime

/// Sends requests to workers and collects their replies, as Celery's own clients do (`kombu/pidbox.py`).
package struct ControlClient {
    /// One worker's reply.
    struct Reply {
        var node: String
        var value: JSONValue
    }

    let client: RedisClient
    let transport: RedisTransportConfiguration
    /// The exchange of requests, `celery.pidbox`.
    let exchange: String

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

    /// Sends a request and hands each reply on as it comes, until the time is over or every node named has replied.
    func call(
        _ method: String,
        _ arguments: JSONObject,
        destination: [String],
        timeout: Double,
        onReply: (Reply) -> Void
    ) async throws -> [Reply] {
        let keys = transport.keys
        let oid = Identifier.uuid()
        let replies = "reply." + exchange
        let mailbox = "\(oid).\(replies)"
        let member = keys.bindingMember(routingKey: oid, queue: mailbox)
        let request = ControlRequest(
            method: method,
            arguments: arguments,
            destination: destination,
            ticket: Identifier.uuid(),
            replyTo: ControlRequest.ReplyAddress(exchange: replies, routingKey: oid)
        )
        let now = Instant.now()
        let deadline = String(now.microseconds / 1000 + 3_600_000)
        // The binding comes first: a reply without a mailbox is dropped.
        let sent = try await client.send([
            RedisCommand("SADD", keys.binding(exchange: replies), member),
            RedisCommand("ZADD", keys.bindingDeadlines, "GT", deadline, replies),
            publish(request, expires: now.seconds + timeout),
        ])
        for reply in sent { _ = try reply.get() }
        let limit = destination.isEmpty ? Int.max : Set(destination).count
        let collected: Result<[Reply], any Error>
        do {
            collected = .success(
                try await collect(keys.prefix + mailbox, request.ticket, timeout, limit, onReply: onReply)
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
        _ ticket: String?,
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
                message.headers["ticket"]?.string == ticket, let nodes = try? message.value().object
            else { continue }
            for (node, value) in nodes {
                let reply = Reply(node: node, value: value)
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
