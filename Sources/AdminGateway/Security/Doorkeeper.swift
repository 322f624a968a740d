import HTTPTypes
import Hummingbird
import Logging

/// Finds out who asks, by the token in the `Authorization` header.
struct Doorkeeper: Sendable {
    private let users: [GatewayUser]
    private let failures: RateLimiter
    private let failuresPerMinute: Int

    /// - Parameter failures: counts wrong tokens, by address.
    init(users: [GatewayUser], failures: RateLimiter, perMinute: Int) {
        self.users = users
        self.failures = failures
        failuresPerMinute = perMinute
    }

    /// The user a request's token belongs to, when the user may do what is asked.
    ///
    /// - Throws: 401 without a token or with an unknown one, 429 after too many of those from one address, 403 when the
    ///   role does not suffice.
    func admit(_ request: Request, _ context: GatewayContext, atLeast role: GatewayUser.Role) throws -> GatewayUser {
        try admit(token: Self.token(request), context, atLeast: role)
    }

    /// The user whose token this is, when the user may do what is asked; throws as for a request.
    func admit(token: String?, _ context: GatewayContext, atLeast role: GatewayUser.Role) throws -> GatewayUser {
        guard failures.mayGoOn(context.remoteAddress, perMinute: failuresPerMinute) else {
            throw GatewayError(
                .tooManyRequests,
                "too_many_failures",
                "Too many wrong tokens came from this address.",
                retryAfter: 60
            )
        }
        guard let token else {
            throw Self.unknown("A token is needed: Authorization: Bearer …", context, nil)
        }
        guard let user = user(of: token) else {
            failures.count(context.remoteAddress, perMinute: failuresPerMinute)
            context.logger.warning("A wrong token came from \(context.remoteAddress)")
            throw Self.unknown("The token is not known.", context, "invalid_token")
        }
        guard user.role >= role else {
            throw GatewayError(.forbidden, "forbidden", "This needs the role \(role.rawValue).")
        }
        return user
    }

    /// Looks at all users whatever it finds, so that the time tells nothing.
    private func user(of token: String) -> GatewayUser? {
        let digest = TokenDigest.of(token)
        var found: GatewayUser?
        for user in users where TokenDigest.areEqual(user.tokenDigest, digest) { found = user }
        return found
    }

    private static func token(_ request: Request) -> String? {
        guard let header = request.headers[.authorization] else { return nil }
        let words = header.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        return String(words[1])
    }

    private static func unknown(_ message: String, _ context: GatewayContext, _ reason: String?) -> GatewayError {
        var error = GatewayError(.unauthorized, "unauthorized", message)
        error.headers[.wwwAuthenticate] = "Bearer" + (reason.map { " error=\"\($0)\"" } ?? "")
        return error
    }
}

/// Lets only users of a role on.
struct RequireRole: RouterMiddleware {
    let doorkeeper: Doorkeeper
    let role: GatewayUser.Role

    func handle(
        _ request: Request,
        context: GatewayContext,
        next: Next
    ) async throws -> Response {
        var context = context
        context.user = try doorkeeper.admit(request, context, atLeast: role)
        return try await next(request, context)
    }
}
