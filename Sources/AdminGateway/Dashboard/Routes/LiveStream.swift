import CeleryMessage
import Hummingbird
import Inspection
import NIOCore
import ServiceLifecycle

/// How far several tasks are, as server-sent events: one `progress` for each change, and `end` when one has ended.
///
/// Browsers have six connections to a server; a page with many bars must not need one for each.
struct LiveStream: Sendable {
    let changes: [(id: String, changes: ResultChanges)]
    let keepAlive: Duration
    let inspector: TaskInspector
    let words: Words
    let place: Places.Place
    /// Whether who follows still may.
    let isAllowed: @Sendable () -> Bool

    @concurrent func write(to writer: inout any ResponseBodyWriter) async throws {
        let (news, source) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(200))
        let followers = changes.map { id, changes in
            Task {
                source.yield(id)
                for await _ in changes { source.yield(id) }
            }
        }
        let watch = Task {
            // Ended by the server's shutdown, or below.
            try? await gracefulShutdown()
            source.finish()
        }
        defer {
            watch.cancel()
            for (follower, change) in zip(followers, changes) {
                follower.cancel()
                change.changes.finish()
            }
            place.leave()
        }
        try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
        var sent: [String: String] = [:]
        var lastWrite = ContinuousClock.now
        for await id in news {
            guard isAllowed() else { return }
            guard let event = try await event(of: id) else { continue }
            if sent[id] != event {
                sent[id] = event
                try await writer.write(ByteBuffer(string: event))
                lastWrite = .now
            } else if ContinuousClock.now - lastWrite >= keepAlive {
                try await writer.write(ByteBuffer(string: ": alive\n\n"))
                lastWrite = .now
            }
        }
    }

    private func event(of id: String) async throws -> String? {
        let status: TaskStatus
        do {
            status = try await inspector.status(of: id)
        } catch is InspectionError {
            // What cannot be read now is looked at with the next change.
            return nil
        }
        if status.state.isReady { return "event: end\ndata: \(WebJSON.string(["id": .string(id)]))\n\n" }
        let progress = Self.progress(status) ?? JobProgress(current: 0, total: 100)
        let shown = TaskRow.progress(progress, Humanizer(words: words, now: .now()))
        let body: JSONObject = [
            "id": .string(id), "current": .double(min(max(0, progress.current), progress.total)),
            "total": .double(progress.total), "percent": .string(shown["percent"] as? String ?? ""),
            "status": .string(progress.status ?? ""),
        ]
        return "event: progress\ndata: \(WebJSON.string(.object(body)))\n\n"
    }

    /// What a task says of its progress, where that makes sense.
    static func progress(_ status: TaskStatus) -> JobProgress? {
        // What a task stored may be anything.
        guard status.state == .progress, let info = try? status.record?.value() else { return nil }
        let (current, total) = (info["current"]?.number ?? 0, info["total"]?.number ?? 100)
        guard current.isFinite, total.isFinite, total > 0 else { return nil }
        return JobProgress(current: current, total: total, status: info["status"]?.string)
    }
}

extension DashboardRoutes {
    /// The most tasks that one page follows.
    private static let mostFollowed = 50

    func live(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let visitor = try visitor(request, context)
        let ids = Set(Form(encoded: request.uri.query ?? "").all("id"))
        guard !ids.isEmpty, ids.count <= Self.mostFollowed, ids.allSatisfy(NameParameter.isFit) else {
            throw GatewayError.invalid("id", "Expected 1 to \(Self.mostFollowed) ids of tasks.")
        }
        let place = try memory.followers.enter(most: configuration.limits.followers)
        var changes: [(id: String, changes: ResultChanges)] = []
        do {
            for id in ids.sorted() { changes.append((id, try await feed.changes(of: id))) }
        } catch {
            for each in changes { each.changes.finish() }
            place.leave()
            throw error
        }
        let stream = LiveStream(
            changes: changes,
            keepAlive: configuration.limits.keepAlive,
            inspector: inspector,
            words: Words.of(visitor.locale),
            place: place,
            isAllowed: { [memory, sessions, now] in
                guard memory.admits(visitor.user) else { return false }
                guard case .session(let session, _) = visitor.proof else { return true }
                return sessions.goesOn(session, now: now())
            }
        )
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store", .xAccelBuffering: "no",
            ],
            body: ResponseBody { writer in
                try await stream.write(to: &writer)
                try await writer.finish(nil)
            }
        )
    }
}
