/// The words of the command line, with those that the environment adds: `CELERY_WORKER_CONCURRENCY=3` is `-c 3`.
///
/// They are put right after the sub-command, so that what is typed comes later and wins.
struct CommandLineWords {
    let words: [String]

    /// The options that `CELERY_WORKER_<OPTION>` sets, and whether they take a value.
    static let workerOptions: [String: (option: String, takesValue: Bool)] = [
        "HOSTNAME": ("--hostname", true), "QUEUES": ("--queues", true), "EXCLUDE_QUEUES": ("--exclude-queues", true),
        "CONCURRENCY": ("--concurrency", true), "POOL": ("--pool", true), "LOGLEVEL": ("--loglevel", true),
        "TASK_EVENTS": ("--task-events", false), "AUTOSCALE": ("--autoscale", true),
        "MAX_TASKS_PER_CHILD": ("--max-tasks-per-child", true),
        "MAX_MEMORY_PER_CHILD": ("--max-memory-per-child", true), "TIME_LIMIT": ("--time-limit", true),
        "SOFT_TIME_LIMIT": ("--soft-time-limit", true), "PREFETCH_MULTIPLIER": ("--prefetch-multiplier", true),
        "DISABLE_PREFETCH": ("--disable-prefetch", false), "LOGFILE": ("--logfile", true),
        "PIDFILE": ("--pidfile", true), "PURGE": ("--purge", false),
        "WITHOUT_GOSSIP": ("--without-gossip", false), "WITHOUT_MINGLE": ("--without-mingle", false),
        "WITHOUT_HEARTBEAT": ("--without-heartbeat", false), "HEARTBEAT_INTERVAL": ("--heartbeat-interval", true),
        "STATEDB": ("--statedb", true), "LOG_FORMAT": ("--log-format", true),
    ]

    init(_ typed: some Sequence<String>, environment: [String: String]) {
        var words = Array(typed)
        if let place = Self.subcommand(in: words), words[place] == "worker" {
            words.insert(contentsOf: Self.added(from: environment), at: place + 1)
        }
        self.words = words
    }

    /// `-A` after the sub-command is where people new to Celery put it.
    func refuseMisplacedApp() throws {
        guard let place = Self.subcommand(in: words),
            let word = words[place...].first(where: { $0 == "-A" || $0 == "--app" || $0.hasPrefix("--app=") })
        else { return }
        throw Complaint(
            "\(word) stands before the sub-command: celeriac -A proj \(words[place]) …",
            code: .usage
        )
    }

    /// Where the sub-command stands: the first word that is neither an option nor an option's value.
    static func subcommand(in words: [String]) -> Int? {
        let withValue: Set<String> = [
            "--config", "-b", "--broker", "--result-backend", "-A", "--app", "--workdir", "--loader",
        ]
        var place = 0
        while place < words.count {
            guard words[place].hasPrefix("-") else { return place }
            place += withValue.contains(words[place]) ? 2 : 1
        }
        return nil
    }

    private static func added(from environment: [String: String]) -> [String] {
        var added: [String] = []
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("CELERY_WORKER_") {
            guard let option = workerOptions[String(name.dropFirst("CELERY_WORKER_".count))] else { continue }
            if option.takesValue {
                added += ["\(option.option)=\(value)"]
            } else if ["1", "true", "yes", "on"].contains(value.lowercased()) {
                added.append(option.option)
            }
        }
        return added
    }
}
