import CeleryMessage
import Foundation
import Settings
import TestSupport
import Testing

@Suite struct `Reading a configuration` {
    @Test func `starts from Celery's defaults`() throws {
        let configuration = try configuration("")
        #expect(configuration.broker.isConfigured == false)
        #expect(configuration.broker.consumeURLs == [ServerURL("redis://127.0.0.1:6379/0")])
        #expect(configuration.broker.transport.visibilityTimeout == .seconds(3600))
        #expect(configuration.broker.transport.prioritySteps == [0, 3, 6, 9])
        #expect(configuration.broker.transport.separator == "\u{06}\u{16}")
        #expect(configuration.broker.connectionMaxRetries == 100)
        #expect(configuration.results.backend == .sameAsBroker)
        #expect(configuration.results.expires == .seconds(86_400))
        #expect(configuration.results.failureLifetime == .seconds(86_400))
        #expect(configuration.acceptContent == [.json])
        #expect(configuration.worker.prefetchMultiplier == nil)
        #expect(configuration.queues == [QueueSettings(name: "celery")])
        #expect(configuration.pools == [PoolSettings(name: "default")])
        let attributes = configuration.policy(forTask: "any", from: "celery")
        #expect(attributes.maxRetries == .times(3))
        #expect(attributes.defaultRetryDelay == .seconds(180))
        #expect(attributes.acksLate == nil)
        #expect(attributes.timeLimit == nil)
    }

    @Test func `keeps a thousand completed and five thousand failed tasks of each queue`() throws {
        let retention = try configuration("").retention(ofQueue: "any")
        #expect(retention.completed == .init(count: 1000, age: .seconds(86_400)))
        #expect(retention.failed == .init(count: 5000, age: .seconds(604_800)))
    }

    @Test func `has four plans of tenants once the block is there, and none without it`() throws {
        #expect(try configuration("").tenants == nil)
        #expect(try configuration("").tenantNames == ["tenant_id", "tenant"])
        let usual = try #require(try configuration("tenants:").tenants)
        #expect(usual.plans.map(\.name) == ["free", "starter", "pro", "enterprise"])
        #expect(usual.plans.map(\.concurrency) == [2, 5, 10, 20])
        #expect(usual.plans.map(\.perMinute) == [10, 50, 200, 1000])
        let text = """
            tenants:
              argument: customer
              default_plan: none
              plans: {none: {}, pro: {concurrency: 3}}
              members: {acme: pro, "42": enterprise}
            """
        let configuration = try configuration(text)
        #expect(configuration.tenantNames == ["customer"])
        let tenants = try #require(configuration.tenants)
        #expect(tenants.defaultPlan == "none" && tenants.members == ["acme": "pro", "42": "enterprise"])
        #expect(tenants.plans.count == 5)
        let pro = try #require(tenants.plans.first { $0.name == "pro" })
        #expect(pro.concurrency == 3 && pro.perMinute == nil)
    }

    @Test func `lets a queue's retention beat the history's, bound by bound`() throws {
        let text = """
            history:
              completed: {count: 50, age: 60}
              failed: 70
              tenant: company
              mask: [phone, password]
            queues:
              pdf: {retention: {completed: 10, failed: {age: 5}}}
              email: {history: false}
              celery:
            tasks:
              quiet: {handler: debug.noop, history: false}
              loud: {handler: debug.noop, history: true, queue: email}
            """
        let configuration = try configuration(text)
        let pdf = configuration.retention(ofQueue: "pdf")
        #expect(pdf.completed == .init(count: 10, age: .seconds(60)))
        #expect(pdf.failed == .init(count: 70, age: .seconds(5)))
        #expect(configuration.retention(ofQueue: "email").completed == .init(count: 50, age: .seconds(60)))
        #expect(configuration.history.tenant == ["company"])
        #expect(configuration.history.mask == ["phone", "password"])
        #expect(configuration.policy(forTask: "quiet", from: "celery").history == false)
        #expect(configuration.policy(forTask: "loud", from: "email").history == true)
        #expect(configuration.policy(forTask: "other", from: "email").history == false)
        #expect(configuration.policy(forTask: "other", from: "pdf").history == nil)
    }

    @Test func `keeps dead letters within bounds, or none`() throws {
        let usual = try configuration("").deadLetters
        #expect((usual.isOn, usual.count, usual.bytes) == (true, 10_000, 64 << 20))
        #expect(usual.age == .seconds(14 * 86_400))
        let some = try configuration("dead_letters: {count: 5, bytes: 100000, age: 60}").deadLetters
        #expect((some.count, some.bytes, some.age) == (5, 100_000, .seconds(60)))
        let none = try configuration("dead_letters: false\ntasks: {a: {handler: debug.noop, dead_letter: false}}")
        #expect(none.deadLetters.isOn == false)
        #expect(none.policy(forTask: "a", from: "celery").deadLetter == false)
    }

    @Test func `may keep no history at all`() throws {
        #expect(try configuration("history: false").history.isOn == false)
        #expect(try configuration("history:").history.isOn)
    }

    @Test func `reads the shape that tools rely on`() throws {
        let text = """
            broker_url: redis://127.0.0.1:6379/0
            result_backend: redis://127.0.0.1:6379/1
            timezone: Europe/Istanbul
            task_soft_time_limit: 1500
            task_time_limit: 1800.5
            pools:
              cpu: {processes: 2, slots: 1, max_tasks_per_child: 100}
              io:  {processes: auto, slots: 200}
              here: {inline: true}
            queues:
              pdf:   {pool: cpu, tier: high, concurrency: 2}
              email: {pool: io, tier: medium, max_retries: 5, default_retry_delay: 1}
              celery:
            tasks:
              backend.tasks.pdf_tasks.generate_mutabakat_pdf:
                handler: pdf.mutabakat
                queue: pdf
                max_retries: 3
                retry_backoff: true
                autoretry_for: [ConnectionError, smtplib.SMTPException]
                rate_limit: 90/m
                acks_late: false
                options: {a: [1, 1.0, null, "x"], b: {c: true}}
              other.task:
                handler: debug.echo
                pool: here
                max_retries: null
            """
        let configuration = try configuration(text)
        #expect(configuration.results.backend == .server(ServerURL("redis://127.0.0.1:6379/1")))
        #expect(configuration.timezone == "Europe/Istanbul")
        #expect(configuration.taskDefaults.timeLimit == .milliseconds(1_800_500))
        #expect(configuration.pools.map(\.name) == ["cpu", "io", "here", "default"])
        #expect(configuration.pool(named: "cpu")?.maxTasksPerChild == 100)
        #expect(configuration.pool(named: "io")?.processes == nil)
        #expect(configuration.pool(named: "here")?.slots == 64)
        #expect(configuration.queues.map(\.name) == ["pdf", "email", "celery"])
        #expect(configuration.queue(named: "pdf")?.concurrency == 2)
        #expect(configuration.tasks.map(\.name) == ["backend.tasks.pdf_tasks.generate_mutabakat_pdf", "other.task"])
        let task = try #require(configuration.tasks.first)
        #expect(task.handler == "pdf.mutabakat")
        #expect(task.policy.retryBackoff == .exponential(factor: .seconds(1)))
        #expect(task.policy.autoretryFor == ["ConnectionError", "smtplib.SMTPException"])
        #expect(task.policy.rateLimit == TaskAttributes.RateLimit(perSecond: 1.5, text: "90/m"))
        #expect(task.policy.acksLate == false)
        #expect(task.options == ["a": [1, .double(1), nil, "x"], "b": ["c": true]])
        #expect(configuration.task(named: "other.task")?.policy.maxRetries == .unlimited)
        #expect(configuration.poolName(forTask: task.name, from: "pdf") == "cpu")
        #expect(configuration.poolName(forTask: "other.task", from: "pdf") == "here")
        #expect(configuration.poolName(forTask: "unknown", from: "celery") == "default")
    }

    @Test func `keeps the levels of attributes apart and joins them in order`() throws {
        let text = """
            task_time_limit: 100
            task_acks_late: true
            task_default_priority: 1
            queues: {q: {time_limit: 50, soft_time_limit: 40, max_retries: 7}, celery: {}}
            tasks:
              a: {handler: h, queue: q, time_limit: 45}
              b: {handler: h, queue: q}
            """
        let configuration = try configuration(text)
        #expect(configuration.task(named: "a")?.policy.softTimeLimit == nil)
        let a = configuration.policy(forTask: "a", from: "q")
        #expect((a.timeLimit, a.softTimeLimit) == (.seconds(45), .seconds(40)))
        #expect((a.maxRetries, a.acksLate, a.priority) == (.times(7), true, 1))
        let b = configuration.policy(forTask: "b", from: "celery")
        #expect((b.timeLimit, b.softTimeLimit, b.maxRetries) == (.seconds(100), nil, .times(3)))
    }

    @Test func `lets the newer acknowledgement settings beat the older one wherever they stand`() throws {
        for text in [
            "task_acks_on_failure_or_timeout: false\ntask_acks_on_timeout: true\n",
            "task_acks_on_timeout: true\ntask_acks_on_failure_or_timeout: false\n",
        ] {
            let attributes = try configuration(text).taskDefaults
            #expect((attributes.acksOnFailure, attributes.acksOnTimeout) == (false, true))
        }
    }

    @Test func `reads transport options and TLS`() throws {
        let text = """
            broker_transport_options:
              visibility_timeout: 4
              global_keyprefix: "office:"
              priority_steps: [9, 0, 5]
              sep: ":"
              queue_order_strategy: sorted
              fanout_prefix: false
              health_check_interval: 0
              socket_timeout: null
            broker_use_ssl: {ssl_cert_reqs: CERT_NONE, ssl_ca_certs: certs/ca.pem, ssl_keyfile: /abs/key.pem}
            redis_backend_use_ssl: true
            result_backend_transport_options: {global_keyprefix: "results:"}
            result_expires: 0
            result_failure_expires: 60
            result_compression: ZSTD
            """
        let configuration = try configuration(text)
        let transport = configuration.broker.transport
        #expect(transport.visibilityTimeout == .seconds(4))
        #expect(transport.globalKeyPrefix == "office:")
        #expect(transport.prioritySteps == [0, 5, 9])
        #expect((transport.separator, transport.queueOrder) == (":", .sorted))
        #expect((transport.fanoutPrefix, transport.healthCheckInterval, transport.socketTimeout) == (nil, nil, nil))
        let tls = try #require(configuration.broker.tls)
        #expect(tls.verification == .none)
        #expect(tls.authoritiesFile == configuration.baseFolder + "/certs/ca.pem")
        #expect(tls.keyFile == "/abs/key.pem")
        #expect(configuration.results.tls?.verification == .required)
        #expect(configuration.results.globalKeyPrefix == "results:")
        #expect(configuration.results.expires == nil)
        #expect(configuration.results.failureLifetime == .seconds(60))
        #expect(configuration.results.chordLifetime == nil)
        #expect(configuration.results.compression == .zstd)
    }

    @Test(arguments: [
        ("redis://a/0", ["redis://a/0"]), ("redis://a;rediss://b:1/2", ["redis://a", "rediss://b:1/2"]),
        ("'redis://:a;b@c'", ["redis://:a;b@c"]),
        ("[redis://a, 'redis+socket:///s']", ["redis://a", "redis+socket:///s"]),
    ])
    func `reads one server or several`(value: String, urls: [String]) throws {
        #expect(try configuration("broker_url: \(value)").broker.urls.map(\.text) == urls)
    }

    @Test func `reads what is said of sentinels`() throws {
        let text = """
            broker_url: sentinel://:pw@a:26379;sentinel://b:26379/1
            broker_transport_options:
              master_name: mymaster
              min_other_sentinels: 1
              sentinel_kwargs: {username: s, password: secret, ssl: true, ssl_ca_certs: /ca.pem, socket_timeout: 0.5}
            result_backend: sentinel://a;sentinel://b/2
            result_backend_transport_options: {master_name: results, sentinel_kwargs: {ssl: false}}
            """
        let configuration = try configuration(text)
        #expect(configuration.broker.consumeURL == ServerURL("sentinel://:pw@a:26379;sentinel://b:26379/1"))
        let broker = configuration.broker.transport.sentinel
        #expect(broker.masterName == "mymaster")
        #expect(broker.leastOthers == 1)
        #expect(broker.username == "s")
        #expect(broker.password == "secret")
        #expect(broker.patience == .milliseconds(500))
        guard case .on(let tls) = broker.tls else {
            Issue.record("not encrypted")
            return
        }
        #expect(tls.authoritiesFile == "/ca.pem")
        #expect(configuration.results.backend == .server(ServerURL("sentinel://a;sentinel://b/2")))
        #expect(configuration.results.sentinel.masterName == "results")
        #expect(configuration.results.sentinel.tls == .off)
    }

    @Test func `hands all servers and all sentinels on as one text`() throws {
        let servers = try configuration("broker_url: [redis://a, redis://b]").broker.consumeURL
        #expect(servers == ServerURL("redis://a;redis://b"))
        let sentinels = try configuration("broker_url: [sentinel://a, sentinel://b]").broker.consumeURL
        #expect(sentinels == ServerURL("sentinel://a;sentinel://b"))
    }

    @Test func `routes tasks by name and pattern, the first rule winning`() throws {
        let text = """
            queues: {pdf: , mail: , slow: , celery: }
            task_routes: {office.pdf.*: pdf, office.mail.send: {queue: mail, priority: 3}, "office.*.send": slow, "*": slow}
            tasks: {office.mail.send: {handler: h, queue: celery}, own: {handler: h, queue: pdf}}
            """
        let configuration = try configuration(text)
        #expect(configuration.queueName(forTask: "office.pdf.make") == "pdf")
        #expect(configuration.queueName(forTask: "office.mail.send") == "mail")
        #expect(configuration.queueName(forTask: "office.sms.send") == "slow")
        #expect(configuration.routes.map(\.pattern) == ["office.pdf.*", "office.mail.send", "office.*.send", "*"])
        #expect(configuration.routes[1].priority == 3)
    }

    @Test func `orders queues by tier, within a tier as written`() throws {
        let text = "queues: {c: {tier: low}, b: , a: {tier: high}, d: {tier: medium}, e: {tier: high}}"
        #expect(try configuration(text).queuesByTier.map(\.name) == ["a", "e", "b", "d", "c"])
    }

    @Test func `makes the queues that tasks name when the file lists none`() throws {
        let text = "tasks: {a: {handler: h, queue: x}, b: {handler: h}, c: {handler: h, queue: x}}"
        #expect(try configuration(text).queues.map(\.name) == ["celery", "x"])
    }

    @Test func `shares blocks by anchors and ignores keys for one's own use`() throws {
        let text = """
            x-retries: &retries {max_retries: 9, retry_backoff: 2.5}
            tasks:
              a: {<<: *retries, handler: h, max_retries: 1}
            """
        let attributes = try #require(try configuration(text).task(named: "a")?.policy)
        #expect(attributes.maxRetries == .times(1))
        #expect(attributes.retryBackoff == .exponential(factor: .milliseconds(2500)))
    }

    @Test func `replaces variables in values`() throws {
        let text = """
            broker_url: redis://:${SECRET}@${HOST:-localhost}:${PORT}/0
            worker_prefetch_multiplier: ${MULTIPLIER}
            tasks:
              a:
                handler: h
                options:
                  text: "${PORT}"
                  number: ${PORT}
                  none: "${EMPTY}"
                  literal: "$${HOST}"
                  list: ["a ${SECRET} b", "$5", "{}"]
            """
        let environment = ["SECRET": "pw", "PORT": "6380", "MULTIPLIER": "1", "EMPTY": ""]
        let configuration = try configuration(text, environment: environment)
        #expect(configuration.broker.urls.map(\.text) == ["redis://:pw@localhost:6380/0"])
        #expect(configuration.worker.prefetchMultiplier == 1)
        let expected: JSONObject = [
            "text": "6380", "number": 6380, "none": "", "literal": "${HOST}", "list": ["a pw b", "$5", "{}"],
        ]
        #expect(configuration.task(named: "a")?.options == expected)
    }

    @Test func `remembers where every option stands`() throws {
        let text =
            "tasks:\n  a.b:\n    handler: h\n    options:\n      db:\n        sqlite: x\n      list:\n        - {n: 1}\n"
        let configuration = try configuration(text)
        let file = try #require(configuration.file)
        #expect(
            configuration.place(of: ["tasks", "a.b", "options", "db", "sqlite"])
                == .file(path: file, line: 6, column: 9)
        )
        #expect(configuration.place(of: ["tasks", "a.b", "options", "list", "0", "n"]).line == 8)
        #expect(configuration.place(of: ["tasks", "a.b", "options", "missing", "key"]).line == 4)
        let problem = configuration.problem(inOptionsOf: "a.b", path: ["db", "sqlite"], "is no file")
        #expect(problem.description == "tasks.yaml:6:9: error: tasks[a.b].options.db.sqlite: is no file")
    }

    @Test func `puts relative paths into the folder of the file`() throws {
        let folder = try ScratchFolder()
        try FileManager.default.createDirectory(atPath: folder.file("conf"), withIntermediateDirectories: true)
        try folder.write(Data("data_folder: ./var".utf8), to: "conf/my.yaml")
        let loader = ConfigurationLoader(file: .named("conf/my.yaml"), environment: [:], workingFolder: folder.path)
        let configuration = try #require(loader.load().configuration)
        #expect(configuration.baseFolder == folder.file("conf"))
        #expect(configuration.dataFolder == folder.file("conf/var"))
        #expect(configuration.file == "conf/my.yaml")
    }

    @Test func `does without the standard file, but not without a named one`() throws {
        let folder = try ScratchFolder()
        let standard = ConfigurationLoader(environment: [:], workingFolder: folder.path).load()
        #expect(standard.configuration?.file == nil)
        #expect(standard.configuration?.dataFolder == folder.file("data"))
        let named = ConfigurationLoader(file: .named("my.yaml"), environment: [:], workingFolder: folder.path).load()
        #expect(named.configuration == nil)
        #expect(named.report.lines == ["my.yaml: error: cannot be read: No such file or directory"])
        let aFolder = ConfigurationLoader(file: .named("/"), environment: [:], workingFolder: folder.path).load()
        #expect(aFolder.report.lines == ["/: error: cannot be read: is a folder"])
    }

    @Test(
        arguments: [
            ("10", 10), ("10/s", 10), ("30/m", 0.5), ("7200/h", 2), ("0.5/s", 0.5), ("0", 0),
            ("", nil), ("x", nil), ("10/d", nil), ("10/s/s", nil), ("-1/s", nil), ("nan", nil), ("inf/s", nil),
            ("10/", nil),
        ] as [(String, Double?)]
    )
    func `reads rate limits as Celery`(text: String, perSecond: Double?) {
        #expect(TaskAttributes.RateLimit(text)?.perSecond == perSecond)
    }
}
