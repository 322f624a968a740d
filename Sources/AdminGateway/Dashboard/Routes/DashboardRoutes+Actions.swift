import CeleryMessage
import HTTPTypes
import Hummingbird
import Inspection

/// What can be done on the pages: forms, the questions before those that hurt, and a note about what came of them.
extension DashboardRoutes {
    /// What came of a form.
    enum Answer {
        /// Somebody has to be asked first.
        case ask(Question)
        /// It was done: a note, shown on the next page.
        case done(String)
        /// It was not.
        case refused(String)
    }

    /// A form that was sent by somebody who may send it.
    struct Sent: Sendable {
        var form: Form
        var asked: Asked

        var words: Words { asked.frame.words }
        /// With the user in it, for the audit list.
        var context: GatewayContext { asked.context }
        /// Whether the question was answered.
        var isConfirmed: Bool { form["confirmed"] == "yes" }

        /// A number of things as the pages write it.
        func count(_ number: Int) -> String { asked.frame.humanizer.count(number) }
    }

    func addActions(to routes: some RouterMethods<GatewayContext>) {
        routes.post("/queues/{queue}/{verb}") { request, context in
            try await act(request, context, .admin, from: "queues", "queue", change(queue:_:))
        }
        routes.post("/tasks/bulk") { request, context in
            try await act(request, context, .operator, from: "tasks", nil, changePicked)
        }
        routes.post("/tasks/{task_id}/{verb}") { request, context in
            try await act(request, context, .operator, from: "tasks", "task_id", change(task:_:))
        }
        routes.post("/workers/{worker}/{verb}") { request, context in
            try await act(request, context, .admin, from: "workers", "worker", change(worker:_:))
        }
        routes.post("/schedule/{entry}/{verb}") { request, context in
            let role: GatewayUser.Role = context.parameters.get("verb") == "run" ? .operator : .admin
            return try await act(request, context, role, from: "schedule", nil) { verb, sent in
                try await change(entry: verb, sent)
            }
        }
        routes.post("/dead-letters/bulk") { request, context in
            try await act(request, context, .operator, from: "dead-letters", nil, changePickedLetters)
        }
        routes.post("/dead-letters/{fingerprint}/{verb}") { request, context in
            let role: GatewayUser.Role = context.parameters.get("verb") == "delete" ? .admin : .operator
            return try await act(request, context, role, from: "dead-letters", "fingerprint", change(letters:_:))
        }
    }

    // MARK: The common part

    /// Checks who sent a form and whether their own page made it, does what it says, and leads back to the page.
    private func act(
        _ request: Request,
        _ context: GatewayContext,
        _ role: GatewayUser.Role,
        from list: String,
        _ part: String?,
        _ change: (String, Sent) async throws -> Answer
    ) async throws -> Response {
        let visitor: Visitor
        do {
            visitor = try self.visitor(request, context)
        } catch let error as GatewayError {
            return gate(request, context, error)
        }
        var context = context
        context.user = visitor.user
        let frame = frame(request, visitor)
        do {
            let form = try await body.form(request)
            if case .session(let session, _) = visitor.proof {
                guard sessions.seal.accepts(form["csrf"] ?? "", of: session) else {
                    throw Refusal(status: .forbidden, name: "form")
                }
            }
            guard visitor.has(role) else { throw Refusal(status: .forbidden, name: "forbidden", role: role) }
            let sent = Sent(form: form, asked: Asked(frame: frame, query: Form([]), context: context))
            let name = try part.map { try sent.asked.part($0) }
            var back = "\(home)/\(list)" + (name.map { "/\(PercentEncoding.encoded($0))" } ?? "")
            if let next = form["next"] { back = local(next) }
            if list == "tasks", let queue = form["queue"] { back += "?queue=\(PercentEncoding.encoded(queue))" }
            let verb = context.parameters.get("verb") ?? form["do"] ?? ""
            return answer(try await change(verb, sent), sent, request, back)
        } catch {
            return problem(error, frame, context)
        }
    }

    private func answer(_ answer: Answer, _ sent: Sent, _ request: Request, _ back: String) -> Response {
        switch answer {
        case .ask(let question):
            let action = request.head.path ?? home
            let page = question.page(sent.asked.frame, form: sent.form, action: action, back: back)
            return Self.html(sent.asked.frame.html(page))
        case .done(let note): return lead(to: back, note: "+" + note)
        case .refused(let note): return lead(to: back, note: "!" + note)
        }
    }

    private func lead(to back: String, note: String) -> Response {
        var response = Response.redirect(to: back)
        response.remember(
            Self.noticeCookie,
            sessions.seal.seal(String(note.prefix(400))),
            at: cookiePath,
            isSecure: configuration.isEncrypted,
            seconds: 60,
            isSecret: true
        )
        return response
    }
}
