import FoundationEssentials
import Glibc
import Testing
import WorkerPool

@Suite struct ProcessStartTests {
    /// Runs a shell script to its end and returns what it wrote to its output and errors.
    private func output(
        _ script: String,
        _ change: (inout ProcessStart) -> Void = { _ in }
    ) throws -> String {
        let file = FileManager.default.temporaryDirectory.path + "/process-start-\(UUID().uuidString)"
        defer { unlink(file) }
        var start = ProcessStart(executable: "/bin/sh", words: ["sh", "-c", script])
        start.outputFile = file
        change(&start)
        let process = try start.run()
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        #expect(status == 0)
        return try String(contentsOfFile: file, encoding: .utf8)
    }

    private func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    @Test func `gives a program its words, the environment and no input`() throws {
        let text = try output(#"echo "$0" "$CELERIAC_TEST" "${HOME-none}"; cat"#) {
            $0.words += ["zero"]
            $0.environment = ["CELERIAC_TEST": "one two"]
        }
        #expect(text == "zero one two none\n")
        #expect(try output(#"test -n "$PATH" && echo inherited"#) == "inherited\n")
    }

    @Test func `appends output and errors to the file`() throws {
        #expect(try output("echo first; echo second >&2; echo third") == "first\nsecond\nthird\n")
    }

    @Test func `gives a program the descriptors that are named, from 3 on, and no others`() throws {
        let (first, second) = (try pipe(), try pipe())
        defer { for end in [first.reading, first.writing, second.reading, second.writing] { close(end) } }
        let text = try output("echo a >&3; echo b >&4; ls /proc/$$/fd") {
            $0.descriptors = [second.writing, first.writing]
        }
        #expect(text == "0\n1\n2\n3\n4\n")
        var byte: UInt8 = 0
        #expect(read(second.reading, &byte, 1) == 1 && byte == UInt8(ascii: "a"))
        #expect(read(first.reading, &byte, 1) == 1 && byte == UInt8(ascii: "b"))
    }

    @Test func `gives a program its standard input`() throws {
        let (reading, writing) = try pipe()
        defer { close(reading) }
        #expect(write(writing, "hello\n", 6) == 6)
        close(writing)
        #expect(try output("cat") { $0.standardInput = reading } == "hello\n")
    }

    @Test(arguments: [false, true])
    func `starts a program as the leader of its group, and of a session when asked`(_ session: Bool) throws {
        // Process id, parent, group, session: the fields of `stat` after the name and the state.
        let text = try output("cut -d' ' -f1,5,6 /proc/$$/stat") { $0.leadsSession = session }
        let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
        try #require(numbers.count == 3)
        #expect(numbers[1] == numbers[0])
        #expect((numbers[2] == numbers[0]) == session)
    }

    @Test func `unblocks signals and puts them back to their defaults`() throws {
        var (blocked, before) = (sigset_t(), sigset_t())
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGTERM)
        sigaddset(&blocked, SIGUSR2)
        pthread_sigmask(SIG_BLOCK, &blocked, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let ignored = signal(SIGUSR2, SIG_IGN)
        defer { signal(SIGUSR2, ignored) }
        let text = try output("sed -n 's/Sig[BI][lg][kn]:\\t//p' /proc/self/status")
        let masks = text.split(separator: "\n").compactMap { UInt64($0, radix: 16) }
        // The C library keeps signals 32 and 33 to itself.
        #expect(masks.map { $0 & 0x7fff_ffff } == [0, 0])
    }

    @Test func `says why a program does not start`() throws {
        let error = #expect(throws: PoolError.self) {
            try ProcessStart(executable: "/nonexistent/program", words: ["program"]).run()
        }
        #expect(error?.code == .spawn)
        #expect(error?.message == "cannot start /nonexistent/program: No such file or directory")
    }

    @Test(arguments: [[-1], [0, 0, 0, 0, 0]])
    func `refuses descriptors it cannot give`(_ descriptors: [Int32]) throws {
        var start = ProcessStart(executable: "/bin/true", words: ["true"])
        start.descriptors = descriptors
        #expect(throws: PoolError.self) { try start.run() }
    }
}
