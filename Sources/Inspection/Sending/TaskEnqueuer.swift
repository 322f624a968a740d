public import CeleryMessage

/// Makes messages of requests as Celery's producers do, and sends them.
public struct TaskEnqueuer: Sendable {
    /// What may be sent, and where to.
    public let catalog: TaskCatalog
    private let sending: any TaskSending
    private let codecs: MessageCodecs
    private let serializer: String
    private let origin: String
    private let depthLimit: Int?
    private let tenants: TenantNames?
    private let now: @Sendable () -> Instant

    /// An enqueuer of one deployment.
    ///
    /// - Parameters:
    ///   - serializer: what bodies are written in.
    ///   - origin: who sends, as `gen<pid>@<host>`.
    ///   - depthLimit: with as many waiting messages in a queue nothing more is sent to it.
    ///   - tenants: how a message names its tenant, where plans bound how many are sent.
    ///   - now: the wall clock.
    public init(
        catalog: TaskCatalog,
        sending: any TaskSending,
        codecs: MessageCodecs = .json,
        serializer: String = "json",
        origin: String,
        depthLimit: Int? = nil,
        tenants: TenantNames? = nil,
        now: @escaping @Sendable () -> Instant = { .now() }
    ) {
        self.catalog = catalog
        self.sending = sending
        self.codecs = codecs
        self.serializer = serializer
        self.origin = origin
        self.depthLimit = depthLimit
        self.tenants = tenants
        self.now = now
    }

    /// The present moment, for requests that count from it.
    public var present: Instant { now() }

    /// Sends a task.
    public func send(_ request: TaskRequest) async throws -> SendOutcome {
        try await sending.send(try message(request))
    }

    /// Sends tasks of one queue, all of them or none.
    public func send(_ requests: [TaskRequest]) async throws -> BulkSendOutcome {
        let queues = Set(requests.map(\.queue))
        guard queues.count <= 1 else { throw InspectionError(.refused, "tasks that are sent together need one queue") }
        guard !requests.isEmpty else { return .sent(existing: []) }
        return try await sending.send(try requests.map(message))
    }

    private func message(_ request: TaskRequest) throws -> OutgoingMessage {
        var message = TaskMessage(
            task: request.task,
            id: request.id,
            args: request.args,
            kwargs: request.kwargs,
            queue: request.queue,
            origin: origin,
            replyTo: Identifier.uuid()
        )
        message.properties.priority = request.priority
        message.headers.eta = request.eta.map { ISO8601.string($0) }
        if let expires = request.expires { message.setExpires(ISO8601.string(expires), now: now()) }
        if let retry = request.retry { message.headers.extra[RequestedRetry.header] = retry.json }
        var tenant: String?
        if let tenants, let header = tenants.names.first {
            if let named = request.tenant { message.headers.extra[header] = .string(named) }
            tenant = tenants.tenant(headers: message.headers.extra, keywords: request.kwargs)
        }
        let item: [UInt8]
        do throws(MessageError) {
            item = try message.encode(codecs: codecs, serializer: serializer)
        } catch {
            throw InspectionError(.refused, "\(request.task): \(error.message)")
        }
        var outgoing = OutgoingMessage(
            item: item,
            taskID: request.id,
            queue: request.queue,
            priority: request.priority
        )
        outgoing.depthLimit = depthLimit
        outgoing.uniqueFor = request.uniqueFor
        outgoing.patience = request.patience
        outgoing.tenant = tenant
        return outgoing
    }
}
