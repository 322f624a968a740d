import Settings
import Testing

@Suite struct `Secrets of a configuration` {
    @Test(arguments: [
        ("redis://h:6379/0", "redis://h:6379/0"), ("redis://:pw@h/0", "redis://:**@h/0"),
        ("redis://user:pw@h", "redis://user:**@h"), ("redis://pw@h", "redis://**@h"),
        ("redis://:a/b@c@h/0", "redis://:**@h/0"),
        ("rediss://:p@h?ssl_password=x&db=1", "rediss://:**@h?ssl_password=**&db=1"),
        ("sentinel://:p@a:1;sentinel://u:p@b:2/0", "sentinel://:**@a:1;sentinel://u:**@b:2/0"),
        ("redis+sentinel://u:p@a,b:2/m/0?sentinel_password=x", "redis+sentinel://u:**@a,b:2/m/0?sentinel_password=**"),
        ("redis://h?password=x", "redis://h?password=**"), ("secret", "**"), ("", "**"),
    ])
    func `are masked in URLs`(url: String, redacted: String) {
        #expect(ServerURL(url).redacted == redacted)
        #expect("\(ServerURL(url))" == redacted)
    }

    @Test func `are in no description and no dump`() throws {
        let text = """
            broker_url: redis://:hunter2@h:1/0
            broker_read_url: redis://:hunter2@h:2/0
            result_backend: redis://user:hunter2@h:3/0
            broker_transport_options: {master_name: m, sentinel_kwargs: {password: hunter2}}
            result_backend_transport_options: {master_name: m, sentinel_kwargs: {password: hunter2}}
            tasks:
              a: {handler: h, options: {password: hunter2, nested: {key: ["${SECRET}"]}}}
            """
        let configuration = try configuration(text, environment: ["SECRET": "hunter2", "REDIS_HOST": ""])
        var dumped = ""
        dump(configuration, to: &dumped)
        dump(configuration.tasks, to: &dumped)
        dump(configuration.broker, to: &dumped)
        dump(configuration.results, to: &dumped)
        let shown = [
            "\(configuration)", String(reflecting: configuration), "\(configuration.tasks)", "\(configuration.broker)",
            "\(configuration.results)", dumped,
        ]
        for text in shown { #expect(!text.contains("hunter2")) }
        #expect(configuration.description.contains("redis://:**@h:2/0"))
        #expect(configuration.description.contains("a → h(password, nested)"))
    }

    @Test(arguments: [
        "task_time_limit: ${SECRET}", "task_acks_late: ${SECRET}", "worker_prefetch_multiplier: '${SECRET}'",
        "worker_pool: ${SECRET}", "queues: {a: {tier: \"${SECRET}\"}}", "accept_content: [\"${SECRET}\"]",
        "broker_url: ${SECRET}", "broker_url: hunter2://x", "timezone: ${SECRET}", "task_default_rate_limit: ${SECRET}",
        "pools: {a: ${SECRET}}", "queues: {a: {pool: \"${SECRET}\"}}", "tasks: {a: {handler: \"${SECRET}\"}}",
    ])
    func `are in no problem when they came from the environment`(text: String) throws {
        let loaded = try load(text, environment: ["SECRET": "hunter2"], handlers: ["debug.echo"])
        #expect(loaded.report.hasErrors)
        let shown = loaded.report.description
        #expect(!shown.contains("hunter2") || text.contains("hunter2://"))
    }
}
