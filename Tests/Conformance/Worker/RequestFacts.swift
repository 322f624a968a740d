import Celeriac

/// Tasks that return what they know of their own run.
enum RequestFacts {
    static let tasks: [any TaskDeclaration] = [
        TaskDefinition(integration("ids"), "i") { (context: TaskContext, i: JSONValue) in
            ids(context.request, i)
        },
        TaskDefinition(integration("collect_ids"), "res", "i") {
            (context: TaskContext, before: JSONValue, i: JSONValue) -> JSONValue in
            [before, ids(context.request, i)]
        },
        RawTask(integration("return_priority")) { _, context in "Priority: \(context.request.priority)" },
        TaskDefinition(integration("return_request_eta")) { (context: TaskContext) in context.request.headers.eta },
        TaskDefinition(integration("return_properties")) { (context: TaskContext) in context.request.properties.json },
        TaskDefinition(integration("return_request_time_limits")) { (context: TaskContext) in
            limits(context.request)
        },
        TaskDefinition(
            integration("task_with_declared_time_limits"),
            options: TaskOptions(timeLimit: .seconds(60), softTimeLimit: .seconds(45))
        ) { (context: TaskContext) in limits(context.request) },
    ]

    private static func ids(_ request: TaskRequest, _ i: JSONValue) -> JSONValue {
        [.string(request.rootID), request.parentID.map(JSONValue.string) ?? .null, i]
    }

    private static func limits(_ request: TaskRequest) -> JSONValue {
        [
            "time_limit": request.timeLimit.map(JSONValue.double) ?? .null,
            "soft_time_limit": request.softTimeLimit.map(JSONValue.double) ?? .null,
        ]
    }
}
