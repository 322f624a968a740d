import ArgumentParser
import Glibc
import Settings

/// The words of the command line, with those that the environment adds: `CELERY_WORKER_CONCURRENCY=3` is `-c 3`.
///
/// They are put right after the sub-command, so that what is typed comes later and wins.
struct CommandLineWords {
    /// The first word of a process that `-D` started: it has left the terminal and stands in its folder already.
    static let detachedWord = "__detached"

    let words: [String]
    /// Whether this process is the one that `-D` started.
    let isDetached: Bool
    /// Where the sub-command stands in `words`.
    private let place: Int?
    private let environment: [String: String]

    init(_ typed: some Sequence<String>, environment: [String: String]) {
        var words = Array(typed)
        isDetached = words.first == Self.detachedWord
        if isDetached { words.removeFirst() }
        place = Self.subcommand(in: words)
        if let place, words[place] == "worker" {
            words.insert(contentsOf: Self.added(from: environment), at: place + 1)
        }
        self.words = words
        self.environment = environment
    }

    // MARK: The folder

    /// Makes the folder that `--workdir` names the process's own, before anything is read.
    func enterFolder() throws {
        guard !isDetached, let folder = workingFolder else { return }
        guard chdir(folder) == 0 else {
            throw Complaint("--workdir: \(folder): \(String(cString: strerror(errno)))", code: .usage)
        }
    }

    private var workingFolder: String? {
        let options = words[..<(place ?? words.endIndex)]
        if let option = options.lastIndex(where: { $0 == "--workdir" || $0.hasPrefix("--workdir=") }) {
            guard options[option] == "--workdir" else { return String(options[option].dropFirst("--workdir=".count)) }
            return options.indices.contains(option + 1) ? options[option + 1] : nil
        }
        return environment["CELERY_WORKDIR"].flatMap { $0.isEmpty ? nil : $0 }
    }

    // MARK: Slips

    /// `-A` after the sub-command is where people new to Celery put it.
    func refuseMisplacedApp() throws {
        guard let place,
            let word = words[place...].first(where: { $0 == "-A" || $0 == "--app" || $0.hasPrefix("--app=") })
        else { return }
        throw Complaint(
            "\(word) stands before the sub-command: celeriac -A proj \(words[place]) …",
            code: .usage
        )
    }

    /// Names the right sub-command for a mistyped one, and what to do in place of those that only Celery has.
    func refuseUnknownCommand(known: [any ParsableCommand.Type]) throws {
        let names = known.compactMap { $0.configuration.commandName } + ["help"]
        guard let place, !names.contains(words[place]) else { return }
        let word = words[place]
        let hint =
            Self.celeryOnly[word]
            ?? NearestName.find(word, in: names).map { "did you mean '\($0)'?" }
            ?? "there are " + names.sorted().joined(separator: ", ")
        throw Complaint("\(word): no such sub-command; \(hint)", code: .usage)
    }

    /// Celery's sub-commands that are none here.
    private static let celeryOnly: [String: String] = {
        let python = "it concerns Python code and stays with `celery`"
        return [
            "beat": "it is a program of its own, celeriac-beat; or `celeriac worker -B`",
            "flower": "Flower runs beside the workers: celery -b URL flower",
            "multi": "one worker serves any number of queues and pools; for several let systemd start them",
            "amqp": "the broker is Redis: use redis-cli", "migrate": "Redis has its own tools for that",
            "logtool": "use --log-format json and any tool for JSON lines", "shell": python, "graph": python,
            "upgrade": "settings already have Celery's new names",
        ]
    }()

    /// Where the sub-command stands: the first word that is neither an option nor an option's value.
    private static func subcommand(in words: [String]) -> Int? {
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

    // MARK: The environment

    private static func added(from environment: [String: String]) -> [String] {
        var added: [String] = []
        for (name, value) in environment.sorted(by: { $0.key < $1.key })
        where name.hasPrefix("CELERY_WORKER_") && !value.isEmpty {
            let option = String(name.dropFirst("CELERY_WORKER_".count))
            let word = "--" + option.lowercased().replacing("_", with: "-")
            if EnvironmentNames.workerOptions.contains(option) {
                added.append("\(word)=\(value)")
            } else if EnvironmentNames.workerFlags.contains(option), isTrue(value) {
                added.append(word)
            }
        }
        return added
    }

    private static func isTrue(_ value: String) -> Bool {
        ["1", "true", "t", "yes", "y", "on"].contains(value.lowercased())
    }
}
