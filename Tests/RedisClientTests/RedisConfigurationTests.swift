import RedisClient
import Testing

struct RedisConfigurationTests {
    @Test(arguments: [
        ("redis://", "127.0.0.1", 6379, 0),
        ("redis://localhost", "localhost", 6379, 0),
        ("redis://localhost/", "localhost", 6379, 0),
        ("redis://localhost//3", "localhost", 6379, 3),
        ("REDIS://localhost:7000/15", "localhost", 7000, 15),
        ("redis:///2", "127.0.0.1", 6379, 2),
        ("redis://[::1]:7000/1", "::1", 7000, 1),
        ("redis://[fe80::1]", "fe80::1", 6379, 0),
        ("redis://host?db=4", "host", 6379, 4),
        ("redis://host/1?virtual_host=5", "host", 6379, 5),
    ])
    func `reads host, port and database`(url: String, host: String, port: Int, database: Int) throws {
        let configuration = try RedisConfiguration(url: url)
        #expect(configuration.endpoint == .tcp(host: host, port: port))
        #expect(configuration.database == database)
        #expect(configuration.tls == nil)
        #expect(configuration.password == nil)
    }

    @Test(arguments: [
        ("redis://:secret@host", nil, "secret"),
        ("redis://user:secret@host", "user", "secret"),
        ("redis://user:p%40ss%2Fw%3Ard@host", "user", "p@ss/w:rd"),
        ("redis://user:p@ss:word@host", "user", "p@ss:word"),
        ("redis://user:100%@host", "user", "100%"),
        ("redis://host?username=u&password=p%26q", "u", "p&q"),
        ("redis://:a+b@host?username=x+y", "x y", "a+b"),
        ("redis://us%C5%9Fer:x@host", "usşer", "x"),
        ("redis+socket://:secret@/tmp/redis.sock", nil, "secret"),
    ])
    func `reads user and password`(url: String, username: String?, password: String) throws {
        let configuration = try RedisConfiguration(url: url)
        #expect(configuration.username == username)
        #expect(configuration.password == password)
    }

    @Test(arguments: [
        ("redis+socket:///var/run/redis.sock", "/var/run/redis.sock", 0),
        ("redis+socket:///var/run/redis.sock?virtual_host=3", "/var/run/redis.sock", 3),
        ("redis+socket:///var/run/redis.sock?virtual_host=/3", "/var/run/redis.sock", 3),
        ("unix:///tmp/a%20b.sock?db=2", "/tmp/a b.sock", 2),
    ])
    func `reads unix sockets`(url: String, path: String, database: Int) throws {
        let configuration = try RedisConfiguration(url: url)
        #expect(configuration.endpoint == .unix(path: path))
        #expect(configuration.database == database)
    }

    @Test func `encrypts and verifies for rediss`() throws {
        let tls = try #require(try RedisConfiguration(url: "rediss://host").tls)
        #expect(tls == RedisTLS())
        #expect(tls.verification == .required)
        #expect(tls.checksHostname)
    }

    @Test func `reads every TLS option`() throws {
        let url =
            "rediss://host:6380/0?ssl_cert_reqs=CERT_OPTIONAL&ssl_ca_certs=/etc/ca.pem&ssl_certfile=/etc/c.pem"
            + "&ssl_keyfile=/etc/k.pem&ssl_password=topsecret&ssl_check_hostname=False"
        let configuration = try RedisConfiguration(url: url)
        let expected = RedisTLS(
            verification: .optional,
            checksHostname: false,
            authoritiesFile: "/etc/ca.pem",
            certificateFile: "/etc/c.pem",
            keyFile: "/etc/k.pem",
            keyPassword: "topsecret"
        )
        #expect(configuration.tls == expected)
        #expect(!"\(configuration) \(expected)".contains("topsecret"))
    }

    @Test(arguments: [
        ("none", RedisTLS.Verification.none), ("CERT_NONE", .none), ("required", .required), ("Optional", .optional),
    ])
    func `knows the names of verification`(name: String, verification: RedisTLS.Verification) throws {
        #expect(try RedisConfiguration(url: "rediss://host?ssl_cert_reqs=\(name)").tls?.verification == verification)
    }

    @Test func `reads times in seconds and switches them off`() throws {
        let url = "redis://host?socket_timeout=2.5&socket_connect_timeout=1&health_check_interval=0&client_name=me"
        let configuration = try RedisConfiguration(url: url)
        #expect(configuration.commandTimeout == .seconds(2.5))
        #expect(configuration.connectTimeout == .seconds(1))
        #expect(configuration.keepAliveInterval == nil)
        #expect(configuration.clientName == "me")
        #expect(try RedisConfiguration(url: "redis://host?socket_timeout=None").commandTimeout == nil)
    }

    @Test func `tells which options mean nothing here`() throws {
        #expect(
            try RedisConfiguration(url: "redis://host?max_connections=20&x=1").ignoredOptions == [
                "max_connections", "x",
            ]
        )
    }

    @Test(arguments: [
        "", "host:6379", "http://host", "://host", "redis://host/name", "redis://host/-1",
        "redis://host/99999999999999999999",
        "redis://host:port", "redis://host:0", "redis://host:65536", "redis://host:+1", "redis://::1", "redis://[::1",
        "redis://[::1]x", "redis://user@host", "redis://:top#secret@host", "redis://:top?secret@host",
        "redis://:top/secret@host", "redis://%FF:topsecret@host", "sentinel://host:26379", "redis+socket://tmp/x.sock",
        "redis+socket://", "unix:///", "redis://host?ssl_cert_reqs=none", "rediss://host?ssl_cert_reqs=maybe",
        "rediss://host?ssl_cert_req=none", "rediss://host?ssl_check_hostname=perhaps",
        "redis://host?socket_timeout=soon",
        "redis://host?socket_timeout=-1", "redis://host?socket_timeout=nan", "redis://host?db=one",
    ])
    func `refuses what it cannot understand, without repeating it`(url: String) {
        #expect(throws: RedisError(.invalidURL, "")) { try RedisConfiguration(url: url) }
        do {
            _ = try RedisConfiguration(url: url)
        } catch {
            #expect(!error.message.contains("secret"))
            #expect(!error.isTransient)
        }
    }

    // MARK: Sentinels

    @Test(arguments: [
        ("sentinel://a:1;sentinel://b/3", "m", "redis+sentinel://a:1,b:26379/m/3"),
        ("sentinel://:pw@a:1/2;sentinel://:pw@b:2/2", "m", "redis+sentinel://:**@a:1,b:2/m/2"),
        ("sentinel://a;sentinel://u:pw@[::1]:2", "m", "redis+sentinel://u:**@a:26379,[::1]:2/m/0"),
        ("sentinel://a:1,b:2/1", "m", "redis+sentinel://a:1,b:2/m/1"),
        ("redis+sentinel://localhost:26379/mymaster", "", "redis+sentinel://localhost:26379/mymaster/0"),
        ("redis+sentinel://u:p%2Cw@a:1,b/mymaster/4", "", "redis+sentinel://u:**@a:1,b:26379/mymaster/4"),
        ("redis+sentinel://a/m?db=2", "m", "redis+sentinel://a:26379/m/2"),
        ("redis+sentinel://a", "m", "redis+sentinel://a:26379/m/0"),
        ("rediss+sentinel://a/m", "", "rediss+sentinel://a:26379/m/0"),
    ])
    func `reads sentinels`(url: String, master: String, written: String) throws {
        let configuration = try RedisConfiguration(url: url, sentinels: RedisSentinels(master: master))
        #expect(configuration.redactedURL == written)
    }

    @Test func `keeps the sentinels' credentials and encryption apart from the server's`() throws {
        let url = "redis+sentinel://u:of-server@a/m?sentinel_username=s&sentinel_password=of-sentinel"
        let plain = try RedisConfiguration(url: url)
        #expect(plain.username == "u")
        #expect(plain.password == "of-server")
        #expect(plain.endpoint.sentinels?.username == "s")
        #expect(plain.endpoint.sentinels?.password == "of-sentinel")
        #expect(plain.tls == nil)
        #expect(plain.endpoint.sentinels?.tls == nil)
        #expect(!"\(plain) \(plain.endpoint)".contains("of-s"))
        var dumped = ""
        dump(plain.endpoint, to: &dumped)
        #expect(!dumped.contains("of-s"))

        let encrypted = try RedisConfiguration(url: "rediss+sentinel://a/m?ssl_ca_certs=/ca.pem")
        #expect(encrypted.tls?.authoritiesFile == "/ca.pem")
        #expect(encrypted.endpoint.sentinels?.tls == encrypted.tls)
    }

    @Test func `reads several servers, each with its own password`() throws {
        let url = "redis://:one@a/2?socket_timeout=3;redis://user:two@b:7000/2;unix:///r.sock?db=2"
        let redis = try RedisConfiguration(url: url)
        let servers = try #require(redis.endpoint.servers)
        #expect(
            servers.list == [
                .init(address: .tcp(host: "a", port: 6379), password: "one"),
                .init(address: .tcp(host: "b", port: 7000), username: "user", password: "two"),
                .init(address: .unix(path: "/r.sock")),
            ]
        )
        #expect(redis.database == 2 && redis.commandTimeout == .seconds(3))
        #expect(
            redis.redactedURL
                == "redis://:**@a:6379/2;redis://user:**@b:7000/2;redis+socket:///r.sock?virtual_host=2"
        )
        var text = ""
        dump(servers, to: &text)
        #expect(!text.contains("one") && !text.contains("two"))
    }

    @Test(arguments: [
        ("sentinel://a:26379", "", "the name of the master is missing"),
        ("redis+sentinel://a:26379", "", "the name of the master is missing"),
        ("redis+sentinel://a/m", "other", "two names for one master"),
        ("sentinel://a;redis://b", "m", "cannot be mixed"),
        ("redis://a;sentinel://b", "m", "cannot be mixed"),
        ("redis://a/1;redis://b/2", "", "several servers need one database: 1 and 2"),
        ("redis://a;rediss://b", "", "several servers need the same encryption"),
        ("redis://a;redis://user@b", "", "a user name without a password"),
        ("redis://a:1,b:2", "", "several servers are written redis://a;redis://b"),
        ((0..<33).map { "redis://h\($0)" }.joined(separator: ";"), "", "more than 32 servers"),
        ("sentinel://a/1;sentinel://b/2", "m", "two databases"),
        ("redis+sentinel://a/m/1/2", "", "too much behind the database"),
        ("sentinel://a/name", "m", "must be a number"),
        ("sentinel://user@a", "m", "a user name without a password"),
        ("sentinel://a:x", "m", "the port must be a number"),
        ("sentinel://" + (0..<33).map { "h\($0)" }.joined(separator: ","), "m", "more than 32 sentinels"),
    ])
    func `refuses sentinels it cannot understand`(url: String, master: String, reason: String) throws {
        do {
            _ = try RedisConfiguration(url: url, sentinels: RedisSentinels(master: master))
            Issue.record("was accepted")
        } catch {
            #expect(error.code == .invalidURL)
            #expect(error.message.contains(reason))
        }
    }

    @Test func `never shows a password`() throws {
        let configuration = try RedisConfiguration(url: "rediss://ali:topsecret@host:7000/2")
        var dumped = ""
        dump(configuration, to: &dumped)
        let shown = ["\(configuration)", String(reflecting: configuration), dumped, configuration.redactedURL]
        for text in shown { #expect(!text.contains("topsecret")) }
        #expect(configuration.redactedURL == "rediss://ali:**@host:7000/2")
    }

    @Test(arguments: [
        ("redis://localhost:6379/0", "redis://127.0.0.1:6379/0".replacing("127.0.0.1", with: "localhost")),
        ("redis://:pw@localhost", "redis://:**@localhost:6379/0"),
        ("redis://[::1]/1", "redis://[::1]:6379/1"),
        ("unix://:pw@/tmp/r.sock?db=3", "redis+socket://:**@/tmp/r.sock?virtual_host=3"),
    ])
    func `writes itself as a URL`(url: String, redacted: String) throws {
        #expect(try RedisConfiguration(url: url).redactedURL == redacted)
    }

    @Test(arguments: [
        ("redis://:secret@host/0", "redis://:**@host/0"),
        ("redis://user:secret@host/0", "redis://user:**@host/0"),
        ("redis://host/0", "redis://host/0"),
        ("redis://:sec/r@e;t@host/0", "redis://:**@host/0"),
        ("redis://secret@host", "redis://**@host"),
        ("redis://:secret@a/0;redis://:secret@b/0", "redis://:**@a/0;redis://:**@b/0"),
        ("sentinel://:secret@a:26379;sentinel://b:26379", "sentinel://:**@a:26379;sentinel://b:26379"),
        ("redis://host?password=secret&db=1", "redis://host?password=**&db=1"),
        ("rediss://host?db=1&ssl_password=secret", "rediss://host?db=1&ssl_password=**"),
        (":secret@host", ":**@host"),
        ("", ""),
    ])
    func `hides passwords in any text`(url: String, redacted: String) {
        #expect(RedisConfiguration.redact(url) == redacted)
    }
}

struct RedisErrorTests {
    @Test(arguments: [
        ("OOM command not allowed when used memory > 'maxmemory'.", RedisError.Code.outOfMemory, true),
        ("LOADING Redis is loading the dataset in memory", .loading, true),
        ("READONLY You can't write against a read only replica.", .readOnly, true),
        ("MASTERDOWN Link with MASTER is down", .masterDown, true),
        ("NOSCRIPT No matching script. Please use EVAL.", .noScript, false),
        ("WRONGTYPE Operation against a key", .wrongType, false),
        ("ERR unknown command", .server("ERR"), false),
        ("ERR max number of clients reached", .server("ERR"), true),
        ("ERR Error running script (call to f_x): @user_script:1: -READONLY You can't write", .readOnly, true),
        ("ERR Error running script (call to f_x): @user_script:1: bad", .server("ERR"), false),
        ("", .server(""), false),
    ])
    func `reads the code from an error reply`(text: String, code: RedisError.Code, isTransient: Bool) {
        let error = RedisError(reply: text)
        #expect(error.code == code)
        #expect(error.isTransient == isTransient)
        #expect(error.message == text)
    }

    @Test func `is equal by code`() {
        #expect(RedisError(.timeout, "a") == RedisError(.timeout, "b"))
        #expect(RedisError(.timeout, "a") != RedisError(.cancelled, "a"))
    }

    @Test func `knows the prefix of server errors only`() {
        #expect(RedisError.Code.outOfMemory.serverPrefix == "OOM")
        #expect(RedisError.Code.timeout.serverPrefix == nil)
    }
}
