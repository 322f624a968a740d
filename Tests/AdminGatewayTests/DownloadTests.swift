import CeleryMessage
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Inspection
import NIOCore
import Testing

@testable import AdminGateway

/// A folder with results that is gone with the test.
private final class Results {
    let root: URL
    var folder: String { root.appendingPathComponent("pdf").path }

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("downloads-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    /// Writes a file and answers its path.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        let file = root.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(text.utf8).write(to: file)
        return file.path
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: root.appendingPathComponent(name).path,
            withDestinationPath: target
        )
    }

    /// A gateway that lets the folder's files be downloaded, and a task whose result names what it names.
    func gateway(result: JSONValue) -> GatewayUnderTest {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        var downloads = DownloadConfiguration(folders: [folder], baseFolder: root.path)
        downloads.signingKeys = ["a-key-for-tests-of-downloads"]
        gateway.configuration.downloads = downloads
        let record = """
            {"status": "SUCCESS", "result": \(JSONWriter.string(result)), "traceback": null, "children": [],
             "date_done": "2026-09-21T14:13:20+00:00", "task_id": "t1"}
            """
        gateway.deployment.store(Array(record.utf8), for: "t1")
        return gateway
    }
}

extension TestClientProtocol {
    /// The links of the task's status.
    fileprivate func files() async throws -> [JSONValue] {
        try await get("/api/tasks/t1/status").json["files"]?.array ?? []
    }

    fileprivate func url() async throws -> String { try await files().first?["url"]?.string ?? "" }
}

@Suite struct `Files of results` {
    @Test func `are named in the status behind the other members, and their links send them`() async throws {
        let results = try Results()
        let path = try results.write("%PDF-1.7", to: "pdf/mutabakat-1.pdf")
        let gateway = results.gateway(result: ["file": .string(path), "pages": 1])
        try await gateway.run { client async throws in
            let status = try await client.get("/api/tasks/t1/status")
            let plain = try await client.get("/api/tasks/t1/status?plain=1").text
            #expect(status.text.hasPrefix(String(plain.dropLast())))
            #expect(try #require(try status.json.object).keys.last == "files")
            let file = try #require(try await client.files().first)
            #expect(file["name"] == "mutabakat-1.pdf" && file["size"] == 8)
            let answer = try await client.get(try await client.url())
            #expect(answer.status == .ok)
            #expect(answer.text == "%PDF-1.7")
            #expect(answer.headers[.contentType] == "application/pdf")
            #expect(answer.headers[.contentLength] == "8")
            #expect(answer.headers[.contentDisposition] == #"attachment; filename="mutabakat-1.pdf""#)
            #expect(answer.headers[.acceptRanges] == "bytes")
            #expect(answer.headers[.xContentTypeOptions] == "nosniff")
            #expect(answer.headers[.contentSecurityPolicy]?.contains("sandbox") == true)
        }
    }

    @Test func `keep the status' tag for as long as their links stay the same`() async throws {
        let results = try Results()
        let path = try results.write("x", to: "pdf/a.pdf")
        var gateway = results.gateway(result: .string(path))
        // A second before links change, and the second they do: they change every quarter of an hour.
        let edge = Int64(1_790_000_000) / 900 * 900 + 900
        var answers: [(String, String)] = []
        for second in [edge - 800, edge - 1, edge] {
            gateway.now = Instant(seconds: Double(second))
            let answer = Answer()
            try await gateway.run { client async throws in
                await answer.set(
                    try await client.get("/api/tasks/t1/status").headers[.eTag] ?? "",
                    try await client.url()
                )
            }
            answers.append(await answer.value)
        }
        #expect(answers[0] == answers[1])
        #expect(answers[1].0 != answers[2].0 && answers[1].1 != answers[2].1)
        #expect(answers[0].1.contains("expires=\(edge + 3600)&"))
    }

    private actor Answer {
        var value = ("", "")
        func set(_ tag: String, _ url: String) { value = (tag, url) }
    }

    @Test func `have one link, which is for them and nothing else, and for a time`() async throws {
        let results = try Results()
        let path = try results.write("x", to: "pdf/a.pdf")
        try results.write("y", to: "pdf/b.pdf")
        var gateway = results.gateway(result: .string(path))
        let deployment = gateway.deployment
        let url = Answer()
        try await gateway.run { client async throws in
            let link = try await client.url()
            await url.set("", link)
            #expect(try await client.get(link).status == .ok)
            for wrong in [
                link.replacing("a.pdf", with: "b.pdf"), link.replacing("/t1/", with: "/t2/"),
                link.replacing("expires=1", with: "expires=2"), link + "0", String(link.dropLast()),
                String(link.prefix { $0 != "?" }), link.replacing(/&signature.*/, with: ""),
                link.replacing(/signature=./, with: "signature=%C3%BC"),
            ] {
                let answer = try await client.get(wrong)
                #expect(answer.status == .forbidden, "\(wrong)")
            }
            #expect(try await client.get(link + "&x=1").status == .badRequest)
            #expect(try await client.get(link.replacing("a.pdf", with: "%2E%2E%2Fa.pdf")).status == .badRequest)
        }
        let link = await url.value.1
        gateway.now = gateway.now + .seconds(3600)
        try await gateway.run { client async throws in #expect(try await client.get(link).status == .ok) }
        gateway.now = gateway.now + .seconds(901)
        try await gateway.run { client async throws in
            let late = try await client.get(link)
            #expect(late.status == .gone)
            #expect(try late.json["code"] == "expired")
        }
        try FileManager.default.removeItem(atPath: path)
        gateway.now = gateway.now + .seconds(-901)
        try await gateway.run { client async throws in
            #expect(try await client.get(link).status == .notFound)
            #expect(try await client.files().isEmpty)
        }
        withExtendedLifetime(deployment) {}
    }

    @Test func `are found by the keys of before and of others, and refused with other keys`() async throws {
        let results = try Results()
        let path = try results.write("x", to: "pdf/a.pdf")
        var gateway = results.gateway(result: .string(path))
        let url = Answer()
        try await gateway.run { client async throws in await url.set("", try await client.url()) }
        let link = await url.value.1
        gateway.configuration.downloads?.signingKeys = ["the-key-that-came-after-it", "a-key-for-tests-of-downloads"]
        try await gateway.run { client async throws in
            #expect(try await client.get(link).status == .ok)
            #expect(try await client.url() != link)
        }
        gateway.configuration.downloads?.signingKeys = ["the-key-that-came-after-it"]
        try await gateway.run { client async throws in #expect(try await client.get(link).status == .forbidden) }
    }

    @Test func `have any name`() async throws {
        let results = try Results()
        let name = "2026/Çiğdem & oğlu %41 \"İŞ\".pdf"
        let path = try results.write("x", to: "pdf/" + name)
        try await results.gateway(result: [.string(path)]).run { client async throws in
            #expect(try await client.files().first?["name"] == .string(name))
            let answer = try await client.get(try await client.url())
            #expect(answer.status == .ok)
            #expect(
                answer.headers[.contentDisposition]
                    == "attachment; filename=\"_i_dem & o_lu _41 ____.pdf\"; filename*=UTF-8''"
                    + "%C3%87i%C4%9Fdem%20%26%20o%C4%9Flu%20%2541%20%22%C4%B0%C5%9E%22.pdf"
            )
        }
    }

    @Test(arguments: [
        ("bytes=0-3", "0123", "bytes 0-3/10"), ("bytes=4-", "456789", "bytes 4-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"), ("bytes=8-99", "89", "bytes 8-9/10"),
        ("bytes=-99", "0123456789", "bytes 0-9/10"),
    ])
    func `are sent in parts`(header: String, part: String, range: String) async throws {
        let results = try Results()
        let path = try results.write("0123456789", to: "pdf/a.bin")
        try await results.gateway(result: .string(path)).run { client async throws in
            let answer = try await client.get(try await client.url(), [.range: header])
            #expect(answer.status == .partialContent)
            #expect(answer.text == part)
            #expect(answer.headers[.contentRange] == range)
            #expect(answer.headers[.contentLength] == String(part.utf8.count))
        }
    }

    @Test func `are sent whole, not at all, or refused in parts that are none`() async throws {
        let results = try Results()
        let path = try results.write("0123456789", to: "pdf/a.bin")
        try await results.gateway(result: .string(path)).run { client async throws in
            let url = try await client.url()
            for header in ["bytes=0-1,3-4", "bytes=5-2", "lines=1-2", "bytes=a-b", "bytes=-", "bytes=1"] {
                let answer = try await client.get(url, [.range: header])
                #expect(answer.status == .ok && answer.text == "0123456789", "\(header)")
            }
            for header in ["bytes=10-", "bytes=99-100", "bytes=-0"] {
                let answer = try await client.get(url, [.range: header])
                #expect(answer.status == .rangeNotSatisfiable, "\(header)")
                #expect(answer.headers[.contentRange] == "bytes */10")
            }
            let tag = try #require(try await client.get(url).headers[.eTag])
            #expect(try await client.get(url, [.ifNoneMatch: tag]).status == .notModified)
            #expect(try await client.get(url, [.ifNoneMatch: "\"other\""]).status == .ok)
            #expect(try await client.get(url, [.range: "bytes=0-1", .ifRange: tag]).status == .partialContent)
            #expect(try await client.get(url, [.range: "bytes=0-1", .ifRange: "\"other\""]).status == .ok)
            let head = try await client.execute(uri: url, method: .head)
            #expect(head.status == .ok && head.headers[.contentLength] == "10" && head.text.isEmpty)
        }
    }

    @Test func `outside of the folders are nobody's`() async throws {
        let results = try Results()
        let outside = try results.write("secret", to: "outside.txt")
        try results.write("secret", to: "pdf-old/a.pdf")
        try results.link("pdf/link.txt", to: outside)
        try results.link("pdf/folder", to: results.root.path)
        let inside = try results.write("x", to: "pdf/sub/a.pdf")
        #expect(mkfifo(results.folder + "/pipe", 0o600) == 0)
        let names = [
            outside, "\(results.folder)/../outside.txt", "pdf/../outside.txt", "outside.txt", "pdf-old/a.pdf",
            "\(results.folder)/link.txt", "\(results.folder)/folder/outside.txt", results.folder,
            "\(results.folder)/sub", "\(results.folder)/pipe", "\(results.folder)/none.pdf", "", "/", "pdf/",
            "pdf/a\u{0}b", "ok", "/etc/passwd", "\(results.folder)/sub//a.pdf",
        ].map(JSONValue.string)
        try await results.gateway(result: .array(names)).run { client async throws in
            #expect(try await client.files().map { $0["name"] } == ["sub/a.pdf"])
        }
        for name in ["link.txt", "folder/outside.txt", "../outside.txt", "sub", "pipe", "none.pdf", "/etc/passwd", ""] {
            #expect(OpenedFile.open(name, below: results.folder) == nil, "\(name)")
        }
        #expect(OpenedFile.open("sub/a.pdf", below: results.folder)?.size == 1)
        withExtendedLifetime(inside) {}
    }

    @Test func `below a folder that is a link are found by either name`() async throws {
        let results = try Results()
        try results.write("x", to: "real/a.pdf")
        try results.link("alias", to: results.root.appendingPathComponent("real").path)
        let files = ResultFiles(folders: [results.root.path + "/alias"], baseFolder: results.root.path)
        let named = files.names(in: ["alias/a.pdf", .string(results.root.path + "/real/b.pdf"), "real/c.pdf"])
        #expect(named.map(\.name) == ["a.pdf", "b.pdf", "c.pdf"])
    }

    @Test func `are looked for within bounds, each once`() {
        let files = ResultFiles(folders: ["/results"], baseFolder: "/app")
        func count(_ value: JSONValue) -> Int { files.names(in: value).count }
        #expect(count(.array((0..<500).map { .string("/results/\($0).pdf") })) == ResultFiles.mostFiles)
        #expect(count(.array(Array(repeating: .string("/results/a.pdf"), count: 50))) == 1)
        let late = Array(repeating: JSONValue.int(1), count: ResultFiles.mostValues) + [.string("/results/a.pdf")]
        #expect(count(.array(late)) == 0)
        #expect(count(["deep": [["file": "/results/a.pdf"], "/results/b.pdf"], "other": 5]) == 2)
        #expect(count(.string("/results/" + String(repeating: "a/", count: 40) + "b")) == 0)
        #expect(count(.string("/results/" + String(repeating: "a", count: 5000))) == 0)
    }

    @Test func `have their links on the task's page, unless those need a token`() async throws {
        let results = try Results()
        let path = try results.write("x", to: "pdf/<b>.pdf")
        let record = results.gateway(result: .string(path)).deployment
        for access in GatewayConfiguration.Access.allCases {
            var dashboard = DashboardUnderTest()
            var downloads = DownloadConfiguration(folders: [results.folder], baseFolder: results.root.path)
            downloads.access = access
            dashboard.configuration.downloads = downloads
            dashboard.deployment.store(try await record.record(taskID: "t1")?.bytes ?? [], for: "t1")
            try await dashboard.run { client async throws in
                let browser = Browser(client)
                try await browser.logIn(.viewer)
                let page = try await browser.get("/admin/jobs/tasks/t1").text
                #expect(page.contains("/api/tasks/t1/files/%3Cb%3E.pdf?expires=") == (access == .everyone))
                #expect(page.contains("&lt;b&gt;.pdf</a>") == (access == .everyone))
                #expect(!page.contains("<b>.pdf"))
            }
        }
    }

    @Test func `get links by hand, which are written down`() async throws {
        let results = try Results()
        let path = try results.write("x", to: "pdf/a.pdf")
        let gateway = results.gateway(result: .string(path))
        let administration = gateway.administration
        try await gateway.run { client async throws in
            let answer = try await client.post("/api/tasks/t1/files/a.pdf/link", #"{"lifetime": 60}"#)
            #expect(answer.status == .ok)
            let data = try answer.json["data"]
            #expect(data?["expires_at"]?.string?.hasPrefix("2026-09-21T14:14:20") == true)
            #expect(try await client.get(data?["url"]?.string ?? "").text == "x")
            #expect(try await client.post("/api/tasks/t1/files/b.pdf/link", "{}").status == .notFound)
            #expect(try await client.post("/api/tasks/t1/files/a.pdf/link", "{}", .viewer).status == .forbidden)
            for lifetime in ["0", "-1", "9999999", #""long""#] {
                let answer = try await client.post("/api/tasks/t1/files/a.pdf/link", #"{"lifetime": \#(lifetime)}"#)
                #expect(try answer.status == .badRequest && answer.json["field"] == "lifetime")
            }
            let entries = try await administration.entries(0..<10).entries
            #expect(entries.contains { $0.action == "file.link" && $0.target == "t1" && $0.outcome == "made" })
        }
    }

    @Test func `may need a token beside the link`() async throws {
        let results = try Results()
        let path = try results.write("x", to: "pdf/a.pdf")
        var gateway = results.gateway(result: .string(path))
        gateway.configuration.downloads?.access = .token
        try await gateway.run { client async throws in
            let url = try await client.url()
            #expect(try await client.get(url).status == .unauthorized)
            #expect(try await client.get(url, .bearer(.viewer)).status == .ok)
            #expect(try await client.get(String(url.prefix { $0 != "?" }), .bearer(.admin)).status == .forbidden)
        }
    }

    @Test func `are counted, those that were sent and those that were refused`() async throws {
        let results = try Results()
        let path = try results.write("0123456789", to: "pdf/a.pdf")
        var gateway = results.gateway(result: .string(path))
        gateway.configuration.metricsAccess = .everyone
        try await gateway.run { client async throws in
            let url = try await client.url()
            #expect(try await client.get(url).status == .ok)
            #expect(try await client.get(url, [.range: "bytes=0-3"]).status == .partialContent)
            #expect(try await client.execute(uri: url, method: .head).status == .ok)
            #expect(try await client.get(url, [.range: "bytes=99-"]).status == .rangeNotSatisfiable)
            #expect(try await client.get(String(url.prefix { $0 != "?" })).status == .forbidden)
            #expect(try await client.get(url + "0").status == .forbidden)
            #expect(try await client.post("/api/tasks/t1/files/a.pdf/link", "{}", .operator).status == .ok)
            #expect(try await client.post("/api/tasks/t1/files/b.pdf/link", "{}", .operator).status == .notFound)
            try FileManager.default.removeItem(atPath: path)
            #expect(try await client.get(url).status == .notFound)
            let lines = Set(try await client.get("/metrics").text.split(separator: "\n").map(String.init))
            for line in [
                #"celeriac_gateway_downloads_total{outcome="complete"} 2"#,
                #"celeriac_gateway_downloads_total{outcome="broken"} 0"#,
                "celeriac_gateway_download_bytes_total 14", "celeriac_gateway_download_links_total 1",
                #"celeriac_gateway_download_refusals_total{reason="signature"} 2"#,
                #"celeriac_gateway_download_refusals_total{reason="range"} 1"#,
                #"celeriac_gateway_download_refusals_total{reason="missing"} 1"#,
                #"celeriac_gateway_download_refusals_total{reason="expired"} 0"#,
                #"celeriac_gateway_download_refusals_total{reason="full"} 0"#, "celeriac_gateway_downloads_active 0",
            ] {
                #expect(lines.contains(line), "\(line)")
            }
        }
    }

    @Test func `keep their links while the gateway is replaced, where no key is configured`() async throws {
        let results = try Results()
        let path = try results.write("x", to: "pdf/a.pdf")
        var gateway = results.gateway(result: .string(path))
        gateway.configuration.downloads?.signingKeys = []
        let served = ServedGateway(gateway.gateway())
        try await Application(responder: served).test(.router) { [gateway] client async throws in
            let url = try await client.url()
            served.change(to: gateway.gateway())
            #expect(try await client.get(url).status == .ok)
            #expect(try await client.url() == url)
            var other = gateway
            other.configuration.downloads?.signingKeys = ["another-key-for-tests-of-downloads"]
            served.change(to: other.gateway())
            #expect(try await client.get(url).status == .forbidden)
        }
    }

    @Test func `are not there where none are configured`() async throws {
        let results = try Results()
        let path = try results.write("x", to: "pdf/a.pdf")
        var gateway = results.gateway(result: .string(path))
        gateway.configuration.downloads = nil
        try await gateway.run { client async throws in
            #expect(try await client.files().isEmpty)
            #expect(try await client.get("/api/tasks/t1/files/a.pdf?expires=1&signature=x").status == .notFound)
        }
    }
}
