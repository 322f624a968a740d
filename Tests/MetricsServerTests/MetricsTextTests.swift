import Exposition
import Testing

struct MetricsTextTests {
    @Test func `writes a family with its samples`() {
        var out = MetricsText()
        out.family("jobs_total", .counter, "Jobs.")
        out.sample("jobs_total", [("queue", "pdf"), ("status", "failed")], 3)
        out.gauge("lag_seconds", "Lag.", 0.25)
        #expect(
            out.text == """
                # HELP jobs_total Jobs.
                # TYPE jobs_total counter
                jobs_total{queue="pdf",status="failed"} 3
                # HELP lag_seconds Lag.
                # TYPE lag_seconds gauge
                lag_seconds 0.25

                """
        )
    }

    @Test(arguments: [
        ("a\"b", #"a\"b"#), (#"a\b"#, #"a\\b"#), ("a\nb", #"a\nb"#), ("ğüş", "ğüş"), ("", ""), ("{}", "{}"),
    ])
    func `escapes what would end a label`(value: String, written: String) {
        var out = MetricsText()
        out.sample("m", [("l", value)], 1)
        #expect(out.text == "m{l=\"\(written)\"} 1\n")
    }

    @Test(arguments: [
        (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (1e15, "1000000000000000"), (-0.5, "-0.5"),
        (1e300, "1e+300"),
    ])
    func `writes numbers as Prometheus reads them`(value: Double, written: String) {
        var out = MetricsText()
        out.sample("m", [], value)
        #expect(out.text == "m \(written)\n")
    }

    @Test func `a histogram counts up to each bound`() {
        var histogram = Histogram(bounds: [0.1, 1])
        for value in [0.05, 0.1, 0.5, 7] { histogram.observe(value) }
        var out = MetricsText()
        out.histogram("t", [("q", "a")], histogram)
        #expect(
            out.text == """
                t_bucket{q="a",le="0.1"} 2
                t_bucket{q="a",le="1"} 3
                t_bucket{q="a",le="+Inf"} 4
                t_sum{q="a"} 7.65
                t_count{q="a"} 4

                """
        )
    }
}
