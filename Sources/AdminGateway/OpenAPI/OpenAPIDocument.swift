import COpenAPI
import CeleryMessage
import Hummingbird
import Inspection
import NIOCore

/// The gateway's OpenAPI 3.1 document: what every gateway has, completed by what this one is configured for.
struct OpenAPIDocument: Sendable {
    let configuration: GatewayConfiguration
    let catalog: TaskCatalog

    /// Adds the route that shows the document.
    func add(to routes: some RouterMethods<GatewayContext>) {
        let body = WebJSON.buffer(.object(json))
        let tag = EntityTag(body)
        routes.get("/openapi.json") { request, _ in
            guard !tag.matches(request.headers[.ifNoneMatch]) else {
                return Response(status: .notModified, headers: [.eTag: tag.header])
            }
            return Response(
                status: .ok,
                headers: [.contentType: "application/json; charset=utf-8", .eTag: tag.header],
                body: ResponseBody(byteBuffer: body)
            )
        }
    }

    /// The document.
    var json: JSONObject {
        // The text is part of this program and a test reads it.
        let text = UnsafeBufferPointer(start: celeriac_openapi(), count: celeriac_openapi_length())
        var root = (try? JSONReader.value(Array(text)))?.object ?? JSONObject()
        root["servers"] = [["url": .string(configuration.basePath.isEmpty ? "/" : configuration.basePath)]]
        var paths = root["paths"]?.object ?? JSONObject()
        for route in configuration.starts { paths[route.path] = .object(["post": operation(route)]) }
        if configuration.statusAccess == .token {
            for path in paths.keys where path.hasSuffix("/status") || path.hasSuffix("/events") {
                paths[path] = paths[path]?.replacing(["get", "security"], with: [["token": []]])
                for code in ["401", "403", "429"] {
                    paths[path] = paths[path]?.replacing(["get", "responses", code], with: Self.error)
                }
            }
        }
        if configuration.metricsAccess == .token {
            paths["/metrics"] = paths["/metrics"]?.replacing(["get", "security"], with: [["token": []]])
            for code in ["401", "403", "429"] {
                paths["/metrics"] = paths["/metrics"]?.replacing(["get", "responses", code], with: Self.error)
            }
        }
        let (file, link) = ("/api/tasks/{task_id}/files/{name}", "/api/tasks/{task_id}/files/{name}/link")
        switch configuration.downloads?.access {
        case nil: (paths[file], paths[link]) = (nil, nil)
        case .token?:
            paths[file] = paths[file]?.replacing(["get", "security"], with: [["token": []]])
            for code in ["401", "429"] {
                paths[file] = paths[file]?.replacing(["get", "responses", code], with: Self.error)
            }
        case .everyone?: break
        }
        root["paths"] = .object(paths)
        return completed(root)
    }

    /// Names the tasks and queues, and the longest wait.
    private func completed(_ root: JSONObject) -> JSONObject {
        var value = JSONValue.object(root)
        let seconds = JSONValue.int(configuration.limits.wait.components.seconds)
        for path in ["/api/tasks/{task_id}/status", "/tasks/{task_id}/status"] {
            guard var parameters = value["paths"]?[path]?["get"]?["parameters"]?.array else { continue }
            for place in parameters.indices where parameters[place]["name"] == "wait" {
                parameters[place] = parameters[place].replacing(["schema", "maximum"], with: seconds)
            }
            value = value.replacing(["paths", path, "get", "parameters"], with: .array(parameters))
        }
        let most = JSONValue.int(Int64(min(configuration.limits.bulkItems, configuration.limits.tasksPerMinute)))
        for (schema, list) in [("Tasks", "items"), ("Jobs", "jobs")] {
            value = value.replacing(["components", "schemas", schema, "properties", list, "maxItems"], with: most)
        }
        guard !catalog.allowsOthers else { return value.object ?? root }
        let tasks = JSONValue.array(catalog.queueOfTask.keys.sorted().map(JSONValue.string))
        let queues = catalog.queues.sorted().map(JSONValue.string)
        for schema in ["Task", "Tasks"] {
            let properties = ["components", "schemas", schema, "properties"]
            value = value.replacing(properties + ["task", "enum"], with: tasks)
            value = value.replacing(properties + ["queue", "enum"], with: .array(queues + [.null]))
        }
        return value.object ?? root
    }

    private static let error: JSONValue = ["$ref": "#/components/responses/Error"]

    private func operation(_ route: StartRoute) -> JSONValue {
        var schema: JSONObject = ["type": "object"]
        if let arguments = route.arguments {
            schema["required"] = .array(arguments.map(JSONValue.string))
            schema["properties"] = .object(JSONObject(arguments.map { ($0, JSONValue.object([:])) }))
            schema["additionalProperties"] = false
        }
        var responses: JSONObject = [
            "200": [
                "description": "The task was sent.",
                "content": [
                    "application/json": [
                        "schema": [
                            "anyOf": [["$ref": "#/components/schemas/Started"], ["$ref": "#/components/schemas/Ran"]]
                        ]
                    ]
                ],
            ]
        ]
        let refusals = ["400", "404", "408", "413", "415", "429", "500", "503"]
        for code in refusals + (route.access == .token ? ["401", "403"] : []) { responses[code] = Self.error }
        var operation: JSONObject = [
            "operationId": .string("start" + route.path.replacing("/", with: "_")),
            "summary": .string("Start \(route.task)"),
            "tags": ["sending"],
            "requestBody": ["required": true, "content": ["application/json": ["schema": .object(schema)]]],
            "responses": .object(responses),
        ]
        if route.access == .token { operation["security"] = [["token": []]] }
        return .object(operation)
    }
}

extension JSONValue {
    /// The value with what stands at a path of names replaced; objects on the way are made where there are none.
    fileprivate func replacing(_ path: [String], with value: JSONValue) -> JSONValue {
        guard let name = path.first else { return value }
        var object = object ?? JSONObject()
        object[name] = (object[name] ?? .object([:])).replacing(Array(path.dropFirst()), with: value)
        return .object(object)
    }
}
