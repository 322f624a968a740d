import Settings
import Testing

@Suite struct `The block of the gateway` {
    @Test func `has safe defaults`() throws {
        let gateway = try configuration("").gateway
        #expect(gateway.host == "127.0.0.1")
        #expect(gateway.port == 5000)
        #expect(gateway.locale == .turkish)
        #expect(gateway.statusAccess == .everyone)
        #expect(gateway.users.isEmpty && gateway.origins.isEmpty && gateway.tls == nil)
    }

    @Test func `is read whole`() throws {
        let text = """
            gateway:
              host: 0.0.0.0
              port: 8443
              base_path: /jobs/
              locale: en
              status_access: token
              polling_interval: 2
              max_wait: 25
              session_key: "${TOKEN}"
              users:
                ops: {role: admin, token: "${TOKEN}"}
                app: {token_sha256: 2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824}
              cors_origins: [https://app.example.com, "http://localhost:3000"]
              tls: {certificate: tls/cert.pem, key: /etc/key.pem}
            """
        let gateway = try configuration(text, environment: ["TOKEN": "sixteen-characters-at-least"]).gateway
        #expect(gateway.host == "0.0.0.0" && gateway.port == 8443 && gateway.basePath == "/jobs")
        #expect(gateway.locale == .english && gateway.statusAccess == .token)
        #expect(gateway.pollingInterval == .seconds(2) && gateway.longestWait == .seconds(25))
        #expect(gateway.sessionKey?.text == "sixteen-characters-at-least")
        #expect(gateway.users.map(\.name) == ["ops", "app"])
        #expect(gateway.users.map(\.role) == [.admin, .viewer])
        #expect(gateway.users[0].token.text == "sixteen-characters-at-least")
        #expect(gateway.users[1].tokenDigest?.hasPrefix("2cf24dba") == true)
        #expect(gateway.origins == ["https://app.example.com", "http://localhost:3000"])
        #expect(gateway.tls?.certificateFile.hasSuffix("/tls/cert.pem") == true)
        #expect(gateway.tls?.keyFile == "/etc/key.pem")
    }

    @Test(arguments: [
        ("prot: 1", "gateway.prot: unknown key; did you mean 'port'?"),
        ("port: 70000", "gateway.port: expected a whole number from 0 to 65535"),
        ("locale: de", "gateway.locale: expected tr or en"),
        ("session_key: short", "expected a text of 16 to 4096"),
        ("status_access: everyone", "expected public or token"),
        ("base_path: jobs", "expected a path"), ("base_path: /a//b", "expected a path"),
        ("base_path: \"/{x}\"", "expected a path"),
        ("cors_origins: \"*\"", "would let every page"), ("cors_origins: [app.example.com]", "expected origins"),
        ("cors_origins: [https://a.example/path]", "expected origins"),
        ("users: {a: {role: root, token: sixteen-characters}}", "expected viewer, operator or admin"),
        ("users: {a: {role: admin}}", "needs either 'token' or 'token_sha256'"),
        ("users: {a: {token: hunter2}}", "expected a text of 16 to 4096"),
        ("users: {a: {token: 1234567890123456789 x}}", "expected a text of 16 to 4096"),
        ("users: {a: {token_sha256: hunter2}}", "64 hexadecimal digits"),
        ("users: {a: {token: sixteen-characters, token_sha256: hunter2}}", "needs either"),
        ("tls: {certificate: a.pem}", "needs both"), ("max_wait: 0", "more than 0 seconds"),
        ("idle_timeout: null_", "seconds"),
        ("start_routes: {api/x: {task: a}}", "expected an address"),
        ("start_routes: {/x/: {task: a}}", "expected an address"),
        ("start_routes: {/x: {}}", "the key 'task' is missing"),
        ("start_routes: {/x: {task: nope}}", "there is no task"),
        ("start_routes: {/api/tasks: {task: a}}", "the gateway itself answers"),
        ("start_routes: {/api/tasks/bulk: {task: a}}", "the gateway itself answers"),
        ("sync: {processes: 0}", "expected a whole number"), ("sync: {program: 5, slots: 2}", "slots"),
        ("downloads: {}", "needs 'folders'"), ("downloads: {folders: [/]}", "every file of this machine"),
        ("downloads: {folders: [a], signing_key: hunter2}", "expected a text of 16"),
        ("downloads: {folders: [a], link_lifetime: 0}", "more than 0 seconds"),
        ("downloads: {folders: [a], signing_key: sixteen-characters, signing_key_file: k}", "has both"),
        ("max_bulk_items: 10001", "expected a whole number"),
        ("tasks_per_minute: 0", "expected a whole number"), ("any_task: maybe", "expected true or false"),
        ("[]", "expected a block"),
    ])
    func `refuses what it cannot be`(line: String, message: String) throws {
        let text = line == "[]" ? "gateway: []" : "gateway:\n  " + line
        let report = try load(text).report
        #expect(report.hasErrors)
        #expect(report.description.contains(message), "\(report.description)")
        #expect(!report.description.contains("hunter2"))
    }

    @Test func `has addresses that start tasks`() throws {
        let text = """
            tasks: {reports.make: {handler: debug.echo, queue: celery}}
            gateway:
              max_queue_depth: null
              start_routes:
                /api/reports/start: {task: reports.make, arguments: [year], access: public}
            """
        let gateway = try configuration(text).gateway
        #expect(gateway.queueDepth == nil)
        let route = try #require(gateway.startRoutes.first)
        #expect(route.path == "/api/reports/start" && route.task == "reports.make")
        #expect(route.arguments == ["year"] && route.access == .everyone && route.queue == nil)
    }

    @Test func `has folders whose files can be downloaded`() throws {
        let text = """
            gateway:
              downloads:
                folders: [results/pdf, /srv/exports]
                link_lifetime: 600
                signing_key: [hunter2-hunter2-hunter2, the-key-that-was-before]
                access: token
                max_downloads: 7
            """
        let downloads = try #require(try configuration(text).gateway.downloads)
        #expect(downloads.folders.first?.hasSuffix("/results/pdf") == true)
        #expect(downloads.folders.last == "/srv/exports")
        #expect(downloads.linkLifetime == .seconds(600) && downloads.simultaneous == 7)
        #expect(downloads.signingKeys.map(\.text) == ["hunter2-hunter2-hunter2", "the-key-that-was-before"])
        #expect(downloads.access == .token)
        #expect(!"\(downloads)".contains("hunter2"))
        #expect(try configuration("gateway: {downloads: {folders: one}}").gateway.downloads?.folders.count == 1)
        #expect(try configuration("").gateway.downloads == nil)
    }

    @Test func `runs tasks itself where they or their queues allow it`() throws {
        let configuration = try configuration(
            """
            queues: {quick: {sync_fallback: true}, other: {}}
            tasks:
              a: {handler: debug.echo, queue: quick}
              b: {handler: debug.echo, queue: quick, sync_fallback: false}
              c: {handler: debug.echo, queue: other}
              d: {handler: debug.echo, queue: other, sync_fallback: true}
            gateway:
              sync: {program: bin/worker, processes: 3, waiting: 0, idle_timeout: 5, max_result_bytes: 2048}
            """
        )
        let allowed = configuration.tasks.filter { task in
            let queue = configuration.queueName(forTask: task.name)
            return configuration.policy(forTask: task.name, from: queue).syncFallback == true
        }
        #expect(allowed.map(\.name) == ["a", "d"])
        let sync = configuration.gateway.sync
        #expect(sync.program?.hasSuffix("/bin/worker") == true)
        #expect(sync.processes == 3 && sync.waiting == 0 && sync.resultBytes == 2048)
        #expect(sync.idleTimeout == .seconds(5))
    }

    @Test func `shows no token in descriptions and dumps`() throws {
        let gateway = try configuration("gateway: {users: {a: {token: hunter2-hunter2-hunter2}}}").gateway
        var dumped = ""
        dump(gateway, to: &dumped)
        for text in ["\(gateway)", String(reflecting: gateway), dumped] { #expect(!text.contains("hunter2")) }
    }
}
