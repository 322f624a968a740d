import Foundation
import Schedules
import TestSupport
import Testing
import YAML

@testable import Settings

@Suite struct `The shipped files` {
    private static let names = [
        "pdf_tasks.generate_mutabakat_pdf": ("pdf.mutabakat", "pdf"),
        "pdf_tasks.generate_bulk_pdfs": ("pdf.mutabakat_bulk", "pdf"),
        "email_tasks.send_email": ("mail.send", "email"),
        "email_tasks.send_bulk_emails": ("mail.send_bulk", "email"),
        "sms_tasks.send_sms": ("sms.send", "sms"),
        "sms_tasks.send_bulk_sms": ("sms.send_bulk", "sms"),
        "excel_tasks.process_excel_upload": ("excel.process_upload", "excel"),
        "maintenance_tasks.cleanup_old_logs": ("maintenance.cleanup_old_logs", "maintenance"),
        "maintenance_tasks.check_password_expiry": ("maintenance.check_password_expiry", "maintenance"),
    ]

    private func shipped(_ environment: [String: String] = [:]) throws -> CeleriacConfiguration {
        let path = repository.appendingPathComponent("tasks.yaml").path
        let handlers = Self.names.values.map(\.0)
        let loaded = ConfigurationLoader(
            file: .named(path),
            environment: environment,
            handlers: handlers,
            workingFolder: "/"
        ).load()
        #expect(loaded.report.lines == [])
        return try #require(loaded.configuration)
    }

    @Test func `bind the nine tasks without a single warning`() throws {
        let configuration = try shipped()
        #expect(configuration.tasks.count == 9)
        for (name, (handler, queue)) in Self.names {
            let task = try #require(configuration.task(named: "backend.tasks." + name))
            #expect((task.handler, task.queue) == (handler, queue))
            let attributes = configuration.policy(forTask: task.name, from: queue)
            #expect(attributes.maxRetries == .times(3))
        }
        let pdf = configuration.policy(forTask: "backend.tasks.pdf_tasks.generate_mutabakat_pdf", from: "pdf")
        #expect((pdf.softTimeLimit, pdf.timeLimit) == (.seconds(1500), .seconds(1800)))
        #expect(configuration.worker.maxTasksPerChild == 1000)
        #expect(configuration.queuesByTier.map(\.name) == ["pdf", "sms", "email", "celery", "excel", "maintenance"])
        #expect(configuration.broker.isConfigured == false)
    }

    @Test func `keep their data where CELERIAC_DATA says`() throws {
        let configuration = try shipped(["CELERIAC_DATA": "/var/lib/celeriac"])
        #expect(configuration.dataFolder == "/var/lib/celeriac")
        for task in configuration.tasks {
            #expect("\(task.options)".contains("/var/lib/celeriac/"))
        }
    }

    @Test func `schedule only tasks and queues that exist`() throws {
        let configuration = try shipped()
        let path = repository.appendingPathComponent("beat.yaml").path
        let schedule = try schedule(at: path)
        #expect(schedule.zone.name == "Europe/Istanbul")
        #expect(schedule.entries.map(\.name) == ["cleanup-old-logs", "check-password-expiry"])
        for entry in schedule.entries {
            #expect(configuration.task(named: entry.task) != nil)
            #expect(configuration.queue(named: entry.options.queue ?? "celery") != nil)
            #expect(!entry.purpose.isEmpty)
        }
    }

    @Test func `schedule rightly what stands there as a comment, too`() throws {
        let configuration = try shipped()
        let text = try String(contentsOf: repository.appendingPathComponent("beat.yaml"), encoding: .utf8)
        // Lines of an entry are indented behind their number sign; sentences are not, or begin with a capital letter.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard line.hasPrefix("  # "), let first = line.dropFirst(4).first, first == " " || first.isLowercase,
                line.contains(":")
            else { return String(line) }
            return "  " + line.dropFirst(4)
        }
        let folder = try ScratchFolder()
        let path = try folder.write(Data(lines.joined(separator: "\n").utf8), to: "beat.yaml")
        let schedule = try schedule(at: path)
        #expect(
            schedule.entries.map(\.name) == [
                "cleanup-old-logs", "check-password-expiry", "delete-old-logs", "rotate-turn-secret",
                "cleanup-expired-sessions", "anonymize-old-sessions", "cleanup-idempotency-keys",
                "cleanup-refresh-tokens", "cleanup-magic-links", "cleanup-revoked-tokens", "collect-health-metrics",
            ]
        )
        for entry in schedule.entries {
            #expect(configuration.queue(named: entry.options.queue ?? "celery") != nil)
            #expect(!entry.purpose.isEmpty)
        }
    }

    private func schedule(at path: String) throws -> ScheduleFile {
        let loaded = ScheduleFileLoader(path: path, environment: [:], workingFolder: "/").load()
        #expect(loaded.report.lines == [])
        return try #require(loaded.schedule)
    }

    @Test func `are documented key by key`() throws {
        let text = try page()
        let keys =
            CeleriacConfiguration.settings.map(\.name) + TransportOptions.settings.map(\.name)
            + TLSSettings.settings.map(\.name) + PoolSettings.settings.map(\.name) + QueueSettings.settings.map(\.name)
            + TaskSettings.settings.map(\.name) + Array(KnownSettings.ignored.keys) + gatewayKeys
            + HistorySettings.settings.map(\.name) + DeadLetterSettings.settings.map(\.name)
            + TenantSettings.settings.map(\.name) + TenantSettings.Plan.settings.map(\.name)
            + Array(TransportOptions.ignored.keys)
            + EnvironmentNames.settings.map(\.variable) + EnvironmentNames.withoutUse
            + EnvironmentNames.globalOptions
        for key in Set(keys).sorted() { #expect(text.contains("`\(key)`"), "\(key)") }
    }

    @Test func `no key is documented that the program does not know`() throws {
        let known = Set(
            [
                CeleriacConfiguration.settings.map(\.name), TransportOptions.settings.map(\.name),
                TLSSettings.settings.map(\.name), PoolSettings.settings.map(\.name), QueueSettings.settings.map(\.name),
                TaskSettings.settings.map(\.name), Array(EnvironmentNames.all), gatewayKeys,
                DeadLetterSettings.settings.map(\.name), HistorySettings.settings.map(\.name),
                TenantSettings.settings.map(\.name),
                [
                    "REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_DB",
                    "CELERIAC_DATA",
                ],
            ].joined()
        )
        var documented: [String] = []
        var isTableOfKeys = false
        for line in try page().split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("|") else {
                isTableOfKeys = false
                continue
            }
            let cells = line.split(separator: "|")
            let first = cells.first.map { $0.trimmingCharacters(in: .whitespaces) } ?? ""
            if ["key", "variable"].contains(first) { isTableOfKeys = true }
            guard isTableOfKeys else { continue }
            documented += first.split(separator: "`").map(String.init).filter { !$0.contains(" ") && !$0.contains("<") }
        }
        documented.removeAll { ["key", "variable"].contains($0) || $0.hasPrefix("-") }
        #expect(documented.count > 100)
        #expect(documented.filter { !known.contains($0) } == [])
    }

    private var gatewayKeys: [String] {
        GatewaySettings.settings.map(\.name) + GatewayUserSettings.settings.map(\.name)
            + StartRouteSettings.settings.map(\.name) + GatewayTLSSettings.settings.map(\.name)
            + DownloadSettings.settings.map(\.name) + SyncSettings.settings.map(\.name) + alertKeys
    }

    private var alertKeys: [String] {
        AlertSettings.settings.map(\.name) + SlackAlertSettings.settings.map(\.name)
            + MailAlertSettings.settings.map(\.name) + AlertMailServerSettings.settings.map(\.name)
            + SentryAlertSettings.settings.map(\.name)
    }

    private func page() throws -> String {
        try String(contentsOf: repository.appendingPathComponent("Docs/Configuration.md"), encoding: .utf8)
    }

    @Test func `the page says which keys nothing acts on yet`() throws {
        let text = try page()
        let section = try #require(
            text.components(separatedBy: "## Keys that are understood but not acted on yet").last
        )
        .components(separatedBy: "\n## ")[0]
        let documented = Set(
            section.split(separator: "`").enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
        )
        #expect(documented == Set(KnownSettings.unheeded.compactMap(\.last)))
    }

    @Test func `no key is named twice in a block`() {
        for names in [
            CeleriacConfiguration.settings.map(\.name), QueueSettings.settings.map(\.name),
            TaskSettings.settings.map(\.name),
            TransportOptions.settings.map(\.name), ResultSettings.settings.map(\.name),
        ] {
            #expect(Set(names).count == names.count)
        }
    }
}
