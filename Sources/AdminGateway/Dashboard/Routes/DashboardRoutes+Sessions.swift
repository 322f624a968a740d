import HTTPTypes
import Hummingbird
import Logging

/// Logging in and out, and how somebody wants to see the pages.
extension DashboardRoutes {
    static let sessionCookie = "celeriac_session"
    static let noticeCookie = "celeriac_notice"
    static let languageCookie = "celeriac_language"
    static let themeCookie = "celeriac_theme"
    private static let yearSeconds = 31_536_000

    var cookiePath: String { configuration.basePath.isEmpty ? "/" : configuration.basePath }

    func addSessions(to routes: some RouterMethods<GatewayContext>) {
        routes.get("/login") { gate($0, $1, nil) }
        routes.post("/login") { try await logIn($0, $1) }
        routes.post("/logout") { try await logOut($0, $1) }
        routes.get("/preferences") { request, _ in preferences(request) }
    }

    // MARK: Who asks

    /// Who asks, by a session's cookie or by the token itself.
    ///
    /// - Throws: ``GatewayError`` 401, 403 or 429, as for every other route.
    func visitor(_ request: Request, _ context: GatewayContext) throws -> Visitor {
        var visitor = guest(request, context)
        if request.headers[.authorization] == nil, let cookie = request.cookies[Self.sessionCookie]?.value,
            let session = sessions.session(cookie, now: now()),
            let user = configuration.users.first(where: { sessions.seal.belongs(session, to: $0) })
        {
            visitor.user = user
            visitor.proof = .session(session, formToken: sessions.seal.formToken(session))
            return visitor
        }
        visitor.user = try door.admit(request, context, atLeast: .viewer)
        visitor.proof = .header
        return visitor
    }

    func guest(_ request: Request, _ context: GatewayContext) -> Visitor {
        let chosen =
            Form(encoded: request.uri.query ?? "")["lang"] ?? request.cookies[Self.languageCookie]?.value
        let locale =
            chosen.flatMap(StatusLocale.init)
            ?? Visitor.locale(accepted: request.headers[.acceptLanguage], otherwise: configuration.locale)
        var visitor = Visitor(locale: locale)
        visitor.theme = request.cookies[Self.themeCookie].map(\.value).flatMap { Self.theme($0) }
        visitor.address = context.remoteAddress
        return visitor
    }

    private static func theme(_ text: String) -> String? { ["light", "dark"].contains(text) ? text : nil }

    // MARK: The login page

    /// The page on which a token is typed; with the status that refuses everybody else.
    func gate(_ request: Request, _ context: GatewayContext, _ error: GatewayError?) -> Response {
        let visitor = guest(request, context)
        let words = Words.of(visitor.locale)
        let hadSession = request.cookies[Self.sessionCookie] != nil
        let problem: String? =
            switch error {
            case let error? where error.status == .tooManyRequests: words["login.tooMany"]
            case _? where request.headers[.authorization] != nil: words["login.wrong"]
            case _? where hadSession: words["login.ended"]
            default: nil
            }
        let isPage = request.method == .get && request.uri.path != home + "/login"
        return gate(visitor, problem, error, next: isPage ? request.head.path ?? home : home)
    }

    private func gate(
        _ visitor: Visitor,
        _ problem: String?,
        _ error: GatewayError?,
        next: String
    ) -> Response {
        let frame = PageFrame(visitor: visitor, now: now(), home: home, here: next)
        let text = frame.gate(hasUsers: !configuration.users.isEmpty, problem: problem, next: next)
        var response = Self.html(text, status: error?.status ?? .ok)
        if let error { response.headers.append(contentsOf: error.headers) }
        return response
    }

    private func logIn(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Self.checkOrigin(request)
        let form = try await body.form(request)
        let next = local(form["next"])
        let user: GatewayUser
        do {
            user = try door.admit(token: form["token"], context, atLeast: .viewer)
        } catch let error as GatewayError {
            let visitor = guest(request, context)
            let name = error.status == .tooManyRequests ? "login.tooMany" : "login.wrong"
            return gate(visitor, Words.of(visitor.locale)[name], error, next: next)
        }
        context.logger.info("\(user.name) logged in from \(context.remoteAddress)")
        var response = Response.redirect(to: next)
        response.remember(
            Self.sessionCookie,
            sessions.seal.cookie(sessions.start(user, now: now())),
            at: cookiePath,
            isSecure: configuration.isEncrypted,
            seconds: Int(Sessions.lifetime.components.seconds),
            isSecret: true
        )
        return response
    }

    /// A browser says when another site's page sends a form.
    private static func checkOrigin(_ request: Request) throws {
        guard let site = request.headers[.secFetchSite], site != "same-origin", site != "none" else { return }
        throw GatewayError(.forbidden, "forbidden", "The form came from another site.")
    }

    private func logOut(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let form = try await body.form(request)
        var response = Response.redirect(to: home + "/login")
        if let visitor = try? visitor(request, context),  // Who is not logged in has nothing to leave.
            case .session(let session, let token)? = visitor.proof
        {
            guard form["csrf"] == token else {
                return problem(Refusal(status: .forbidden, name: "form"), frame(request, visitor), context)
            }
            sessions.end(session, now: now())
        }
        response.forget(Self.sessionCookie, at: cookiePath)
        return response
    }

    // MARK: Preferences

    private func preferences(_ request: Request) -> Response {
        let query = Form(encoded: request.uri.query ?? "")
        var response = Response.redirect(to: local(query["next"]))
        let isSecure = configuration.isEncrypted
        if let language = query["lang"].flatMap(StatusLocale.init) {
            response.remember(
                Self.languageCookie,
                language.rawValue,
                at: cookiePath,
                isSecure: isSecure,
                seconds: Self.yearSeconds
            )
        }
        if let theme = query["theme"].flatMap(Self.theme) {
            response.remember(
                Self.themeCookie,
                theme,
                at: cookiePath,
                isSecure: isSecure,
                seconds: Self.yearSeconds
            )
        }
        return response
    }

    /// An address of the dashboard; whatever else is asked for leads to its first page.
    func local(_ address: String?) -> String {
        guard let address, address.utf8.count <= 2000, address.hasPrefix(home),
            address.unicodeScalars.allSatisfy({ $0.isASCII && $0.value > 0x20 && $0 != "\\" })
        else { return home }
        let rest = address.dropFirst(home.count)
        return rest.isEmpty || rest.hasPrefix("/") || rest.hasPrefix("?") ? address : home
    }
}

extension Response {
    /// Has the browser keep something.
    ///
    /// - Parameter isSecret: whether the pages' own script must not see it.
    mutating func remember(
        _ name: String,
        _ value: String,
        at path: String,
        isSecure: Bool,
        seconds: Int = 31_536_000,
        isSecret: Bool = false
    ) {
        let text = """
            \(name)=\(value); Path=\(path); Max-Age=\(seconds); SameSite=Strict\
            \(isSecret ? "; HttpOnly" : "")\(isSecure ? "; Secure" : "")
            """
        headers.append(HTTPField(name: .setCookie, value: text))
    }

    /// Has the browser forget it.
    mutating func forget(_ name: String, at path: String) {
        headers.append(HTTPField(name: .setCookie, value: "\(name)=; Path=\(path); Max-Age=0; SameSite=Strict"))
    }
}
