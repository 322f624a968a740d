import Settings
import Testing

@Suite struct `What beats what` {
    /// Sources of the broker's URL, and the server that must win.
    struct Sources: Sendable, CustomTestStringConvertible {
        var file: String?
        var redis: String?
        var host: String?
        var celery: String?
        var option: String?
        var winner: String
        var testDescription: String { "\(winner) of \([file, redis, host, celery, option].compactMap { $0 })" }
    }

    @Test(arguments: [
        Sources(winner: "127.0.0.1:6379"),
        Sources(file: "file", winner: "file"),
        Sources(file: "file", host: "host", winner: "host:6379"),
        Sources(file: "file", redis: "url", winner: "url"),
        Sources(file: "file", redis: "url", host: "host", winner: "url"),
        Sources(file: "file", redis: "url", celery: "celery", winner: "celery"),
        Sources(host: "host", celery: "celery", winner: "celery"),
        Sources(file: "file", redis: "url", host: "host", celery: "celery", option: "option", winner: "option"),
        Sources(file: "file", option: "option", winner: "option"),
    ])
    func `for the broker is the command line, CELERY, REDIS, the file, the default`(sources: Sources) throws {
        var environment: [String: String] = [:]
        environment["REDIS_URL"] = sources.redis.map { "redis://\($0)/0" }
        environment["REDIS_HOST"] = sources.host
        environment["CELERY_BROKER_URL"] = sources.celery.map { "redis://\($0)/0" }
        let configuration = try configuration(
            sources.file.map { "broker_url: redis://\($0)/0" } ?? "",
            environment: environment,
            overrides: sources.option.map { [.init("broker_url", "redis://\($0)/0", option: "--broker")] } ?? []
        )
        #expect(configuration.broker.consumeURLs == [ServerURL("redis://\(sources.winner)/0")])
        #expect(configuration.broker.publishURLs == [ServerURL("redis://\(sources.winner)/0")])
    }

    @Test func `holds for each setting by itself`() throws {
        let text =
            "broker_url: redis://file\nresult_backend: redis://file-results\nresult_expires: 10\nresult_extended: true\n"
        let configuration = try configuration(
            text,
            environment: [
                "CELERY_RESULT_BACKEND": "redis://env-results", "CELERY_BROKER_WRITE_URL": "redis://env-write",
            ],
            overrides: [.init("result_expires", "55"), .init("broker_transport_options.visibility_timeout", "4")]
        )
        #expect(configuration.broker.consumeURLs == [ServerURL("redis://file")])
        #expect(configuration.broker.publishURLs == [ServerURL("redis://env-write")])
        #expect(configuration.results.backend == .server(ServerURL("redis://env-results")))
        #expect(configuration.results.expires == .seconds(55))
        #expect(configuration.results.extended)
        #expect(configuration.broker.transport.visibilityTimeout == .seconds(4))
    }

    @Test func `lets a broker from a higher place drop the read and write URLs of a lower one`() throws {
        let text = "broker_url: redis://file\nbroker_read_url: redis://read\nbroker_write_url: redis://write\n"
        let environment = ["CELERY_BROKER_URL": "redis://env", "CELERY_BROKER_READ_URL": "redis://env-read"]
        let fromEnvironment = try configuration(text, environment: environment)
        #expect(fromEnvironment.broker.consumeURLs == [ServerURL("redis://env-read")])
        #expect(fromEnvironment.broker.publishURLs == [ServerURL("redis://env")])
        let overrides = [
            ConfigurationLoader.Override("broker_read_url", "redis://cli-read"), .init("broker_url", "redis://cli"),
        ]
        let fromCommandLine = try configuration(text, environment: environment, overrides: overrides)
        #expect(fromCommandLine.broker.consumeURLs == [ServerURL("redis://cli-read")])
        #expect(fromCommandLine.broker.publishURLs == [ServerURL("redis://cli")])
    }

    @Test func `takes lists and blocks from the command line`() throws {
        let overrides = [
            ConfigurationLoader.Override("accept_content", "[json, yaml]"),
            .init("broker_transport_options", "{global_keyprefix: 'a:', sep: ':'}"), .init("task_acks_late", "1"),
            .init("task_default_queue", "123"),
        ]
        let configuration = try configuration("", overrides: overrides)
        #expect(configuration.acceptContent == [.json, .yaml])
        #expect(configuration.broker.transport.globalKeyPrefix == "a:")
        #expect(configuration.taskDefaults.acksLate == true)
        #expect(configuration.defaultQueue == "123")
    }

    @Test func `names the option that is wrong`() throws {
        let overrides = [
            ConfigurationLoader.Override("broker_url", "amqp://x:secret@h", option: "--broker"),
            .init("result_expire", "5"),
            .init("task_acks_late", "maybe"), .init("accept_content", "[json"),
        ]
        #expect(
            try load("", overrides: overrides).report.lines == [
                "command line --broker: error: broker_url: has the scheme 'amqp'; known are redis, rediss, redis+socket, unix, "
                    + "redis+unix, sentinel, redis+sentinel, rediss+sentinel",
                "command line accept_content: error: did not find expected ',' or ']' while parsing a flow sequence, begun "
                    + "on line 1",
                "command line result_expire: error: result_expire: unknown key; did you mean 'result_expires'?",
                "command line task_acks_late: error: task_acks_late: expected true or false, found 'maybe'",
            ]
        )
    }

    // MARK: Switches

    @Test(arguments: [
        ("true", true), ("false", false), ("False", false), ("0", false), ("1", true), ("off", false), ("no", false),
        ("", true),
    ])
    func `lets QUEUE_ENABLED switch queues off and on`(value: String, isOn: Bool) throws {
        #expect(try configuration("", environment: ["QUEUE_ENABLED": value]).queueEnabled == isOn)
        let file = try configuration("queue_enabled: \(!isOn)", environment: ["QUEUE_ENABLED": value])
        #expect(file.queueEnabled == (value.isEmpty ? !isOn : isOn))
    }

    @Test func `lets the command line beat QUEUE_ENABLED`() throws {
        let overrides = [ConfigurationLoader.Override("queue_enabled", "true")]
        #expect(try configuration("", environment: ["QUEUE_ENABLED": "0"], overrides: overrides).queueEnabled)
    }

    @Test func `refuses a QUEUE_ENABLED that is neither`() throws {
        #expect(
            try load("", environment: ["QUEUE_ENABLED": "maybe"]).report.lines == [
                "environment variable QUEUE_ENABLED: error: queue_enabled: expected true or false, found 'maybe'"
            ]
        )
    }

    // MARK: REDIS_*

    @Test(arguments: [
        (["REDIS_HOST": "h"], "redis://h:6379/0"),
        (["REDIS_HOST": "h", "REDIS_PORT": "1234", "REDIS_DB": "5"], "redis://h:1234/5"),
        (["REDIS_HOST": "h", "REDIS_PASSWORD": "p@ss/:w"], "redis://:p%40ss%2F%3Aw@h:6379/0"),
        (["REDIS_HOST": "h", "REDIS_USERNAME": "u", "REDIS_PASSWORD": "ş"], "redis://u:%C5%9F@h:6379/0"),
        (["REDIS_HOST": "::1"], "redis://[::1]:6379/0"),
        (["REDIS_HOST": "redis://h:1/2"], "redis://h:1/2"),
        (["REDIS_HOST": "h", "REDIS_PORT": "tcp://10.0.0.1:7000"], "redis://h:7000/0"),
        (["REDIS_PORT": "tcp://10.0.0.1:7000"], "redis://127.0.0.1:6379/0"),
        (["REDIS_URL": "", "REDIS_HOST": "h"], "redis://h:6379/0"),
    ])
    func `makes a URL of the REDIS variables`(environment: [String: String], url: String) throws {
        #expect(try configuration("", environment: environment).broker.consumeURLs == [ServerURL(url)])
    }

    @Test(arguments: [
        (
            ["REDIS_HOST": "h", "REDIS_PORT": "x"],
            "environment variable REDIS_PORT: error: expected a port from 1 to 65535"
        ),
        (
            ["REDIS_HOST": "h", "REDIS_DB": "one"],
            "environment variable REDIS_DB: error: expected the number of a database"
        ),
        (
            ["REDIS_URL": "host:6379"],
            "environment variable REDIS_URL: error: broker_url: is not a URL; redis://127.0.0.1:6379/0 is the shape"
        ),
    ])
    func `names the variable that is wrong`(environment: [String: String], line: String) throws {
        #expect(try load("", environment: environment).report.lines == [line])
    }

    @Test func `moves results along with the broker, unless they are switched off`() throws {
        let environment = ["REDIS_URL": "redis://env"]
        let moved = try load("broker_url: redis://a\nresult_backend: redis://b", environment: environment)
        #expect(moved.configuration?.results.backend == .sameAsBroker)
        #expect(
            moved.report.lines == [
                "environment variable REDIS_URL: note: replaces the broker and result backend of the file"
            ]
        )
        let off = try configuration("result_backend: disabled", environment: environment)
        #expect(off.results.backend == .disabled)
    }

    // MARK: Unknown CELERY_* names

    @Test func `warns of CELERY names that mean nothing`() throws {
        let environment = [
            "CELERY_BROKER_ULR": "x", "CELERY_TASK_TIME_LIMIT": "5", "CELERY_WORKER_CONCURENCY": "2",
            "CELERY_WORKER_CONCURRENCY": "2", "CELERY_WORKER_REVOKES_MAX": "5", "CELERY_INSPECT_TIMEOUT": "1",
            "CELERY_CONFIG_MODULE": "m", "CELERYD_NODES": "w1", "OTHER": "x",
        ]
        let loaded = try load("", environment: environment)
        #expect(loaded.configuration != nil)
        #expect(
            loaded.report.lines == [
                "environment variable CELERY_BROKER_ULR: warning: unknown, has no effect; did you mean 'CELERY_BROKER_URL'?",
                "environment variable CELERY_TASK_TIME_LIMIT: warning: is not read from the environment; write "
                    + "task_time_limit into tasks.yaml or on the command line",
                "environment variable CELERY_WORKER_CONCURENCY: warning: unknown, has no effect; did you mean "
                    + "'CELERY_WORKER_CONCURRENCY'?",
            ]
        )
    }
}
