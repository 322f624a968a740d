import Settings
import TestSupport
import Testing

@Suite struct `Problems of a configuration` {
    /// A text and the report it must give, line by line.
    struct Wrong: Sendable, CustomTestStringConvertible {
        var text: String
        var lines: [String]
        var testDescription: String { lines.first ?? text }

        init(_ text: String, _ lines: String...) {
            self.text = text
            self.lines = lines.map { "tasks.yaml:" + $0 }
        }
    }

    @Test(arguments: [
        // Names.
        Wrong("broker_ulr: redis://a", "1:1: error: broker_ulr: unknown key; did you mean 'broker_url'?"),
        Wrong("nonsense: 1", "1:1: error: nonsense: unknown key"),
        Wrong("pools: {cpu: {process: 2}}", "1:15: error: pools.cpu.process: unknown key; did you mean 'processes'?"),
        Wrong("queues:\n  pdf: {teir: high}", "2:9: error: queues.pdf.teir: unknown key; did you mean 'tier'?"),
        Wrong(
            "tasks:\n  a.b:\n    handler: h\n    max_retires: 3",
            "4:5: error: tasks[a.b].max_retires: unknown key; did you mean 'max_retries'?"
        ),
        Wrong(
            "tasks: {a: {handler: h, task_time_limit: 3}}",
            "1:25: error: tasks.a.task_time_limit: unknown key; in a task's block it is 'time_limit'"
        ),
        Wrong("BROKER_URL: redis://a", "1:1: error: BROKER_URL: unknown key; it is written 'broker_url'"),
        Wrong(
            "CELERYD_CONCURRENCY: 2",
            "1:1: error: CELERYD_CONCURRENCY: unknown key; it is written 'worker_concurrency'"
        ),
        Wrong(
            "CELERY_TIMEZONE: UTC",
            "1:1: error: CELERY_TIMEZONE: unknown key; it is written 'timezone'"
        ),
        Wrong("max_retries: 3", "1:1: error: max_retries: unknown key; it stands in the block of a task or queue"),
        Wrong("tier: high", "1:1: error: tier: unknown key; it stands in the block of a queue"),
        Wrong(
            "task_queues: []",
            "1:1: error: task_queues: unknown key; queues are written under 'queues', one block each"
        ),
        Wrong(
            "broker_transport_options: {visibility_timout: 1}",
            "1:28: error: broker_transport_options.visibility_timout: unknown key; did you mean 'visibility_timeout'?"
        ),
        // Types.
        Wrong("- a\n- b", "1:1: error: expected a block of settings such as 'broker_url: …', found a list"),
        Wrong(
            "task_time_limit: long",
            "1:18: error: task_time_limit: expected more than 0 seconds, found 'long'"
        ),
        Wrong(
            "result_expires: -1",
            "1:17: error: result_expires: expected seconds, 0 or more, found -1"
        ),
        Wrong("task_time_limit: .inf", "1:18: error: task_time_limit: expected more than 0 seconds, found .inf"),
        Wrong("task_acks_late: 1", "1:17: error: task_acks_late: expected true or false, found 1"),
        Wrong("task_acks_late: 'true'", "1:17: error: task_acks_late: expected true or false, found 'true'"),
        Wrong(
            "worker_prefetch_multiplier: 2.5",
            "1:29: error: worker_prefetch_multiplier: expected a whole number from 0 to 1000000, found 2.5"
        ),
        Wrong(
            "worker_max_tasks_per_child: 0",
            "1:29: error: worker_max_tasks_per_child: expected a whole number, 1 or more, found 0"
        ),
        Wrong(
            "task_default_queue: 12",
            "1:21: error: task_default_queue: expected text, found 12; put it in quotes"
        ),
        Wrong("task_default_queue: [a]", "1:21: error: task_default_queue: expected text, found a list"),
        Wrong("pools: [cpu]", "1:8: error: pools: expected a block of pools by name, found a list"),
        Wrong(
            "pools: {cpu: 2}",
            "1:14: error: pools.cpu: expected a block such as {processes: 2, slots: 1}, found 2"
        ),
        Wrong(
            "tasks: {a: h}",
            "1:12: error: tasks.a: expected a block such as {handler: debug.echo}, found 'h'"
        ),
        Wrong(
            "tasks: {a: {queue: celery}}",
            "1:9: error: tasks.a: the key 'handler' is missing: which handler runs this task?"
        ),
        Wrong(
            "tasks: {a: {handler: h, options: 5}}",
            "1:34: error: tasks.a.options: expected a block of the handler's options, found 5"
        ),
        Wrong(
            "tasks: {a: {handler: h, options: {x: !!python/name:os.system ''}}}",
            "1:38: error: tasks.a.options.x: the tag !!python/name:os.system is not supported here"
        ),
        Wrong(
            "tasks: {a: {handler: h, rate_limit: 10/d}}",
            "1:37: error: tasks.a.rate_limit: expected a rate: starts per second, or text such as 10/s, 100/m or 1000/h"
        ),
        // Impossible values.
        Wrong(
            "queues: {a: {tier: hihg}}",
            "1:20: error: queues.a.tier: expected high, medium or low, found 'hihg'; did you mean 'high'?"
        ),
        Wrong(
            "accept_content: [json, pickle]",
            "1:24: error: accept_content: pickle is refused, since reading it runs code; json, yaml and msgpack are known"
        ),
        Wrong(
            "accept_content: []",
            "1:17: error: accept_content: expected at least one of json, yaml and msgpack"
        ),
        Wrong(
            "timezone: Europe/Istambul",
            "1:11: error: timezone: expected a time zone such as Europe/Istanbul; did you mean 'Europe/Istanbul'?"
        ),
        Wrong("timezone: ../etc/passwd", "1:11: error: timezone: expected a time zone such as Europe/Istanbul"),
        Wrong(
            "pools: {a: {inline: true, processes: 2}}",
            "1:27: error: pools.a.processes: an inline pool has no processes"
        ),
        Wrong(
            "broker_transport_options: {priority_steps: [0, 300]}",
            "1:48: error: broker_transport_options.priority_steps: expected a whole number from 0 to 255, found 300"
        ),
        Wrong(
            "broker_transport_options: {priority_steps: [1, 1]}",
            "1:44: error: broker_transport_options.priority_steps: names a priority twice"
        ),
        Wrong(
            "task_soft_time_limit: 20\ntask_time_limit: 10",
            "1:1: error: task_soft_time_limit: the soft limit must be shorter than the hard one, or the task is killed "
                + "before it can clean up"
        ),
        Wrong(
            "task_soft_time_limit: 20\nqueues:\n  celery: {time_limit: 10}",
            "3:12: warning: queues.celery.time_limit: with the soft_time_limit of the queue or the defaults, the soft limit "
                + "is not shorter than the hard one"
        ),
        // URLs, never repeated.
        Wrong(
            "broker_url: amqp://guest:pw@h//",
            "1:13: error: broker_url: has the scheme 'amqp'; known are redis, rediss, "
                + "redis+socket, unix, redis+unix, sentinel, redis+sentinel, rediss+sentinel"
        ),
        Wrong(
            "broker_url: localhost:6379",
            "1:13: error: broker_url: is not a URL; redis://127.0.0.1:6379/0 is the shape"
        ),
        Wrong(
            "broker_url: sentinels://h:26379",
            "1:13: error: broker_url: has the scheme 'sentinels'; known are redis, rediss, redis+socket, unix, "
                + "redis+unix, sentinel, redis+sentinel, rediss+sentinel"
        ),
        Wrong(
            "result_backend: redis",
            "1:17: error: result_backend: names no server; write a URL such as redis://127.0.0.1:6379/0"
        ),
        // Names that must exist.
        Wrong(
            "pools: {cpu: {}}\nqueues: {a: {pool: cup}}",
            "2:14: error: queues.a.pool: there is no pool of that name; did you mean 'cpu'?"
        ),
        Wrong(
            "queues: {pdf: {}, celery: {}}\ntasks: {a: {handler: h, queue: pfd}}",
            "2:25: error: tasks.a.queue: there is no queue of that name; did you mean 'pdf'?"
        ),
        Wrong(
            "queues: {pdf: {}}\ntasks: {a: {handler: h}}",
            "2:9: warning: tasks.a: has no queue, and the default queue 'celery' is not under 'queues'"
        ),
        Wrong(
            "pools: {cpu: {processes: 2}}\nqueues: {a: {pool: cpu, concurrency: 3}}",
            "2:25: warning: queues.a.concurrency: the pool 'cpu' runs only 2 at once"
        ),
        // Variables.
        Wrong(
            "broker_url: redis://:${REDIS_PW}@h",
            "1:13: error: broker_url: the environment variable REDIS_PW is not set"
        ),
        Wrong(
            "tasks: {a: {handler: h, options: {list: [x, '${no name}']}}}",
            "1:45: error: tasks.a.options.list.1: '${…}' takes the name of an environment variable, as in ${SMTP_PASSWORD}"
        ),
        Wrong(
            "task_default_queue: 'a${b'",
            "1:21: error: task_default_queue: a '${' without '}'; a literal '${' is written '$${'"
        ),
        // What other readers see differently.
        Wrong(
            "dead_letters: {bytes: 5}",
            "1:23: error: dead_letters.bytes: expected a whole number from 65536 to 17179869184, found 5"
        ),
        Wrong("rejected_limit: 5", "1:1: error: rejected_limit: unknown key; write dead_letters: {count: …}"),
        Wrong(
            "history: {complete: 5}",
            "1:11: error: history.complete: unknown key; did you mean 'completed'?"
        ),
        Wrong(
            "history: {completed: {age: 0}}",
            "1:28: error: history.completed.age: expected more than 0 seconds, found 0"
        ),
        Wrong("task_acks_late: yes", "1:17: warning: task_acks_late: 'yes' is read as true; write true"),
        Wrong(
            "queues: {celery: {exchange: on}}",
            "1:19: warning: queues.celery.exchange: is understood, but not acted on yet",
            "1:29: warning: queues.celery.exchange: 'on' is text here, but true or false to YAML 1.1 readers such as PyYAML; "
                + "put it in quotes"
        ),
        Wrong(
            "worker_concurrency: 010",
            "1:21: warning: worker_concurrency: 010 is read as 10, but as 8 by YAML 1.1 readers such as PyYAML; write 10"
        ),
        // Without effect.
        Wrong("broker_heartbeat: 10", "1:1: warning: broker_heartbeat: has no effect: Redis has no heartbeats"),
        Wrong(
            "beat_schedule: {}",
            "1:1: warning: beat_schedule: has no effect: the schedule is read from beat.yaml by celeriac-beat"
        ),
        Wrong(
            "task_serializer: yaml",
            "1:1: warning: task_serializer: accept_content does not have 'yaml', so workers refuse such messages"
        ),
        // YAML itself.
        Wrong(
            "a: 1\nb: [1,\nc: 2",
            "4:1: error: did not find expected ',' or ']' while parsing a flow sequence, begun on line 2"
        ),
        Wrong("timezone: UTC\ntimezone: UTC", "2:1: error: the key 'timezone' stands here twice; first on line 1"),
        Wrong("tasks:\n\ta: {}", "2:1: error: a tab may not indent; use spaces"),
    ])
    func `are told with place, key and what was expected`(wrong: Wrong) throws {
        let loaded = try load(wrong.text)
        #expect(loaded.report.lines == wrong.lines)
        let isGood = !wrong.lines.contains { $0.contains(": error: ") }
        #expect((loaded.configuration != nil) == isGood)
    }

    @Test func `are told all at once, in order, with a count`() throws {
        let text = """
            broker_ulr: redis://h
            task_time_limit: soon
            queues:
              pdf: {pool: nowhere}
            tasks:
              a: {queue: pdf, acks_late: maybe}
            worker_timer_precision: 1
            """
        #expect(
            try load(text).report.description == """
                tasks.yaml:1:1: error: broker_ulr: unknown key; did you mean 'broker_url'?
                tasks.yaml:2:18: error: task_time_limit: expected more than 0 seconds, found 'soon'
                tasks.yaml:4:9: error: queues.pdf.pool: there is no pool of that name
                tasks.yaml:6:3: error: tasks.a: the key 'handler' is missing: which handler runs this task?
                tasks.yaml:6:30: error: tasks.a.acks_late: expected true or false, found 'maybe'
                tasks.yaml:7:1: warning: worker_timer_precision: has no effect: timers are exact
                5 errors and 1 warning; nothing was started

                """
        )
    }

    @Test func `name the nearest handler`() throws {
        let loaded = try load("tasks: {a: {handler: pdf.mutabakt}}", handlers: ["pdf.mutabakat", "debug.echo"])
        #expect(
            loaded.report.lines == [
                "tasks.yaml:1:13: error: tasks.a.handler: there is no handler of that name; did you mean 'pdf.mutabakat'?"
            ]
        )
    }

    @Test func `do not send control characters to the terminal`() throws {
        let line = try #require(try load("\"a\\e[31m\": 1").report.lines.first)
        #expect(line == "tasks.yaml:1:1: error: a\u{FFFD}[31m: unknown key")
    }

    @Test func `bound what a file may ask for`() throws {
        var text = "x-a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            text +=
                "x-a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n"
        }
        #expect(try load(text).report.lines.first?.hasSuffix("more than 200000 values, aliases expanded") == true)
        let large = "# " + String(repeating: "x", count: 5 << 20)
        #expect(try load(large).report.lines == ["tasks.yaml: error: cannot be read: is larger than 4 MiB"])
    }

    @Test func `can be added to by handlers, once each`() throws {
        let loaded = try load("tasks: {a: {handler: h, options: {x: 1}}}")
        let configuration = try #require(loaded.configuration)
        var report = loaded.report
        let problem = configuration.problem(inOptionsOf: "a", path: ["x"], "expected text, got a whole number")
        report.add([problem, problem])
        #expect(report.hasErrors)
        #expect(
            report.description == """
                tasks.yaml:1:35: error: tasks.a.options.x: expected text, got a whole number
                1 error; nothing was started

                """
        )
    }
}
