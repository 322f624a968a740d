import MetricsServer
import Testing

struct MetricsAddressTests {
    @Test(arguments: [
        ("9808", "127.0.0.1", 9808), (":9808", "127.0.0.1", 9808), ("0.0.0.0:9808", "0.0.0.0", 9808),
        ("[::]:80", "::", 80), ("metrics.example.com:1", "metrics.example.com", 1), ("0", "127.0.0.1", 0),
    ])
    func `is a port, with a host where not only this machine may ask`(text: String, host: String, port: Int) {
        #expect(MetricsAddress(text) == MetricsAddress(host: host, port: port))
    }

    @Test(arguments: ["", ":", "host", "host:", "host:port", "65536", ":-1", "::1:80", "a b:80", "1.2.3.4:٣"])
    func `refuses everything else`(text: String) {
        #expect(MetricsAddress(text) == nil)
    }
}
