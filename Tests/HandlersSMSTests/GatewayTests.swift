import CeleriacTasks
import CeleryMessage
import HandlersSMS
import NIOHTTP1
import TestSupport
import Testing

struct GatewayTests {
    private let arguments = TaskArguments(positional: ["0532 123 45 67", "Merhaba şöyle", 1])

    private func run(
        _ options: JSONObject,
        _ arguments: TaskArguments? = nil,
        retries: Int = 0
    ) async throws -> JSONValue {
        let handler = try SendSMSHandler(setup(options, folder: ScratchFolder()))
        do {
            let result = try await handler.run(arguments ?? self.arguments, context: context(retries: retries))
            await handler.shutdown()
            return result
        } catch {
            await handler.shutdown()
            throw error
        }
    }

    @Test func `speaks to Netgsm`() async throws {
        try await withGateway { _ in
            .reply(200, #"{"code":"00","jobid":"17377215342605050417149344"}"#)
        } _: { gateway in
            let result = try await run(netgsm(gateway))
            #expect(
                result == [
                    "status": "sent", "phone": "+905321234567", "transport": "netgsm", "account": "default",
                    "encoding": "GSM-7 Turkish", "parts": 1, "id": "17377215342605050417149344",
                ]
            )
            let request = try #require(gateway.requests.first)
            #expect(request.uri == "POST /sms/rest/v2/send")
            #expect(request.headers["Authorization"] == ["Basic ODUwMTIzNDU2NzrFn2lmcmU="])
            #expect(request.headers["Content-Type"] == ["application/json"])
            #expect(
                request.json == [
                    "msgheader": "ACME", "messages": [["msg": "Merhaba şöyle", "no": "5321234567"]], "iysfilter": "0",
                    "encoding": "TR",
                ]
            )
        }
    }

    @Test func `leaves the encoding out for plain text and dials abroad`() async throws {
        try await withGateway { _ in
            .reply(200, #"{"code":"00","jobid":1}"#)
        } _: { gateway in
            let result = try await run(netgsm(gateway), TaskArguments(positional: ["+49 151 23456789", "Hallo"]))
            #expect(result["id"] == "1")
            let request = try #require(gateway.requests.first)
            #expect(request.json["encoding"] == nil)
            #expect(request.json["messages"]?.array?[0]["no"] == "004915123456789")
        }
    }

    @Test func `speaks to İleti Merkezi`() async throws {
        let answer = #"{"response":{"status":{"code":200,"message":"İşlem başarılı"},"order":{"id":"4711"}}}"#
        try await withGateway { _ in
            .reply(200, answer)
        } _: { gateway in
            var options = iletiMerkezi(gateway)
            options["iys"] = true
            options["iys_list"] = "TACIR"
            let result = try await run(options)
            #expect(result["id"] == "4711")
            #expect(result["transport"] == "ileti_merkezi")
            let request = try #require(gateway.requests.first)
            #expect(request.uri == "POST /v1/send-sms/json")
            #expect(
                request.json == [
                    "request": [
                        "authentication": [
                            "key": "anahtar",
                            // printf anahtar | openssl dgst -sha256 -hmac gizli
                            "hash": "58b01ed34fbb7c9cd2d0a3455217e834990dd5b31466252b92f31066525ea572",
                        ],
                        "order": [
                            "sender": "ACME", "sendDateTime": [], "iys": "1", "iysList": "TACIR",
                            "message": ["text": "Merhaba şöyle", "receipents": ["number": ["905321234567"]]],
                        ],
                    ]
                ]
            )
        }
    }

    @Test func `speaks to Twilio`() async throws {
        try await withGateway { _ in
            .reply(201, #"{"sid":"SM1","status":"queued"}"#)
        } _: { gateway in
            let result = try await run(twilio(gateway), TaskArguments(positional: ["05321234567", "ş & + =\n%"]))
            #expect(result["id"] == "SM1")
            #expect(result["encoding"] == "UCS-2")
            let request = try #require(gateway.requests.first)
            #expect(request.uri == "POST /2010-04-01/Accounts/AC123/Messages.json")
            #expect(request.headers["Authorization"] == ["Basic QUMxMjM6dG9rZW4="])
            #expect(request.body == "To=%2B905321234567&From=%2B15005550006&Body=%C5%9F%20%26%20%2B%20%3D%0A%25")
        }
    }

    enum Kind: String, Sendable, CaseIterable { case netgsm, ileti, twilio }

    @Test(arguments: [
        (Kind.netgsm, 200, #"{"code":"30"}"#, "30"), (.netgsm, 200, #"{"code":"20","description":"x"}"#, "20"),
        (.netgsm, 406, #"{"code":"40"}"#, "40"), (.netgsm, 200, #"{"code":50}"#, "50"),
        (.netgsm, 200, #"{"code":"99"}"#, "99"),
        (.netgsm, 401, "no", "401"), (.ileti, 401, #"{"response":{"status":{"code":401,"message":"Üyelik"}}}"#, "401"),
        (.ileti, 200, #"{"response":{"status":{"code":"452"}}}"#, "452"), (.ileti, 404, "", "404"),
        (.ileti, 200, #"{"response":{"status":{"code":451}}}"#, "451"),
        (.twilio, 400, #"{"code":21211,"message":"Invalid 'To'","status":400}"#, "21211"), (.twilio, 401, "{}", "401"),
    ])
    func `a refusal fails the task for good`(kind: Kind, status: Int, body: String, code: String) async throws {
        try await withGateway { _ in
            .reply(status, body)
        } _: { gateway in
            let failure = await #expect(throws: TaskFailure.self) { try await run(options(kind, gateway)) }
            #expect(failure?.type == "SMSRefused")
            #expect(failure?.arguments.last == .string(code))
            #expect(gateway.requests.count == 1)
        }
    }

    @Test(arguments: [
        (Kind.netgsm, 200, #"{"code":"80"}"#), (.netgsm, 200, #"{"code":"85"}"#), (.netgsm, 200, #"{"code":"100"}"#),
        (.netgsm, 200, #"{"code":101}"#), (.netgsm, 503, "<html>"), (.netgsm, 429, ""),
        (.ileti, 200, #"{"response":{"status":{"code":503}}}"#), (.ileti, 502, "bad gateway"),
        (.twilio, 429, #"{"code":20429}"#), (.twilio, 500, #"{"code":20500}"#), (.twilio, 503, ""),
        // Success without a word about it.
        (.netgsm, 200, "<html>"), (.netgsm, 200, #"["00"]"#), (.ileti, 200, "{}"), (.twilio, 201, "{}"),
    ])
    func `a passing fault asks for a retry`(kind: Kind, status: Int, body: String) async throws {
        try await withGateway { _ in
            .reply(status, body)
        } _: { gateway in
            let retry = await #expect(throws: TaskRetry.self) { try await run(options(kind, gateway)) }
            #expect(retry?.cause?.type == "SMSUnavailable")
            #expect(retry?.countdown == nil)
        }
    }

    private func options(_ kind: Kind, _ gateway: FakeGateway) -> JSONObject {
        switch kind {
        case .netgsm: netgsm(gateway)
        case .ileti: iletiMerkezi(gateway)
        case .twilio: twilio(gateway)
        }
    }

    @Test func `a duplicate at the second attempt means that the first one arrived`() async throws {
        let answer = #"{"response":{"status":{"code":451}}}"#
        try await withGateway { _ in
            .reply(200, answer)
        } _: { gateway in
            let result = try await run(iletiMerkezi(gateway), retries: 1)
            #expect(result["status"] == "sent")
            #expect(result["duplicate"] == true)
        }
    }

    @Test func `a lost answer is doubtful, and the operator says what follows`() async throws {
        try await withGateway { _ in
            .hangUp
        } _: { gateway in
            let retry = await #expect(throws: TaskRetry.self) { try await run(netgsm(gateway)) }
            #expect(retry?.cause?.message.contains("may have been sent") == true)
            var careful = netgsm(gateway)
            careful["on_lost_answer"] = "fail"
            let failure = await #expect(throws: TaskFailure.self) { try await run(careful) }
            #expect(failure?.message.contains("may have been sent") == true)
        }
    }

    @Test func `silence ends at the time limit`() async throws {
        try await withGateway { _ in
            .silence
        } _: { gateway in
            var options = netgsm(gateway)
            options["timeout"] = 1
            let start = ContinuousClock.now
            await #expect(throws: TaskRetry.self) { try await run(options) }
            #expect(ContinuousClock.now - start < .seconds(8))
        }
    }

    @Test func `a gateway that is not there asks for a retry`() async throws {
        let gateway = try await FakeGateway { _ in .hangUp }
        var options = netgsm(gateway)
        options["timeout"] = 1
        options["on_lost_answer"] = "fail"
        await gateway.stop()
        let retry = await #expect(throws: TaskRetry.self) { try await run(options) }
        #expect(retry?.cause?.message.contains("cannot be reached") == true, "\(retry?.cause?.message ?? "")")
    }

    @Test func `does not follow a redirect with the credentials`() async throws {
        try await withGateway { _ in
            .reply(200, #"{"code":"00"}"#)
        } _: { other in
            let target = other.url
            try await withGateway { _ in
                .redirect(target)
            } _: { gateway in
                await #expect(throws: TaskFailure.self) { try await run(netgsm(gateway)) }
                #expect(other.requests.isEmpty)
            }
        }
    }

    @Test func `a flood for an answer is cut off`() async throws {
        let flood = String(repeating: "x", count: 300 * 1024)
        try await withGateway { _ in
            .reply(200, flood)
        } _: { gateway in
            await #expect(throws: TaskRetry.self) { try await run(netgsm(gateway)) }
        }
    }

    @Test func `cancelling takes effect at once although the gateway never answers`() async throws {
        try await withGateway { _ in
            .silence
        } _: { gateway in
            let handler = try SendSMSHandler(setup(netgsm(gateway), folder: ScratchFolder()))
            var shortest = Duration.seconds(10)
            for attempt in 1...5 {
                let running = Task { try await handler.run(arguments, context: context()) }
                await gateway.wait(forRequests: attempt)
                let start = ContinuousClock.now
                running.cancel()
                let result = await running.result
                shortest = min(shortest, ContinuousClock.now - start)
                #expect(throws: CancellationError.self) { try result.get() }
            }
            // Without it the request's own limit of many seconds would end each: far apart also on a busy machine.
            #expect(shortest < .seconds(2))
            await handler.shutdown()
        }
    }

    @Test func `no secret appears in an error`() async throws {
        try await withGateway { _ in
            .reply(401, "şifre")
        } _: { gateway in
            let failure = await #expect(throws: TaskFailure.self) { try await run(netgsm(gateway)) }
            #expect(failure?.description.contains("şifre") == false)
        }
    }
}
