import CeleryMessage
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Inspection
import Logging
import NIOCore
import Testing

@testable import AdminGateway

/// A gateway over a deployment in memory, asked without a socket.
struct GatewayUnderTest {
    let deployment = InMemoryDeployment()
    let administration: InMemoryAdministration
    let history = InMemoryHistory()
    let deadLetters = InMemoryDeadLetters()
    var configuration = GatewayConfiguration()
    var resultLifetime: Duration?
    var depthLimit: Int?
    var runner: (any TaskRunning)?
    var catalog = TaskCatalog(
        queueOfTask: [
            "backend.tasks.email_tasks.send": "email", "backend.tasks.pdf_tasks.generate": "pdf",
            "backend.tasks.export_tasks.bookings_csv": "export", "a.twin": "export", "b.twin": "export",
        ],
        queues: ["email", "pdf", "export", "celery"]
    )
    var hasDashboard = false
    var now = Instant(seconds: 1_790_000_000)

    init(queues: [String] = ["celery", "email", "export", "pdf"]) {
        administration = InMemoryAdministration(queues: queues)
    }

    /// The token that `withUsers` gives each role.
    static func token(_ role: GatewayUser.Role) -> String { "a-token-for-tests-of-\(role.rawValue)" }

    mutating func addUsers() {
        configuration.users = GatewayUser.Role.allCases.map {
            GatewayUser(name: $0.rawValue, role: $0, token: Self.token($0))
        }
    }

    func router() -> Router<GatewayContext> { gateway().router() }

    func gateway() -> Gateway {
        let now = now
        return Gateway(
            configuration: configuration,
            inspector: TaskInspector(reading: deployment, resultLifetime: resultLifetime, now: { now }),
            reading: deployment,
            feed: deployment,
            enqueuer: TaskEnqueuer(
                catalog: catalog,
                sending: deployment,
                origin: "gen1@test",
                depthLimit: depthLimit,
                now: { now }
            ),
            runner: runner,
            administration: Administration(administration, deadLetters: deadLetters),
            history: history,
            dashboard: hasDashboard
                ? Dashboard(
                    administration: Administration(administration, deadLetters: deadLetters),
                    history: history,
                    now: { now }
                ) : nil,
            now: { now }
        )
    }

    func run(_ body: @Sendable (any TestClientProtocol) async throws -> Void) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        try await Application(router: router(), logger: logger).test(.router, body)
    }
}

extension TestClientProtocol {
    func get(_ uri: String, _ headers: HTTPFields = [:]) async throws -> TestResponse {
        try await execute(uri: uri, method: .get, headers: headers)
    }
}

extension TestResponse {
    var text: String { String(buffer: body) }

    /// The body as JSON.
    var json: JSONValue {
        get throws { try JSONReader.value(Array(body.readableBytesView)) }
    }
}

extension HTTPFields {
    static func bearer(_ role: GatewayUser.Role) -> HTTPFields {
        [.authorization: "Bearer " + GatewayUnderTest.token(role)]
    }
}
