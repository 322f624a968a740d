/// Node names as Celery writes them: `%h` host with domain, `%n` name, `%d` domain, `%%` a percent sign.
package enum NodeName {
    package static func expand(_ pattern: String, host: String) -> String {
        let named = pattern.contains("@") ? pattern : pattern + "@" + host
        let parts = host.split(separator: ".", maxSplits: 1)
        let name = named.split(separator: "@", maxSplits: 1).first.map(String.init) ?? "celery"
        var result = ""
        var rest = named[...]
        while let percent = rest.firstIndex(of: "%") {
            result += rest[..<percent]
            let next = rest.index(after: percent)
            guard next < rest.endIndex else {
                result += "%"
                return result
            }
            switch rest[next] {
            case "h": result += host
            case "n": result += name.contains("%") ? String(parts.first ?? "") : name
            case "d": result += parts.count > 1 ? String(parts[1]) : ""
            case "%": result += "%"
            default: result += "%" + String(rest[next])
            }
            rest = rest[rest.index(after: next)...]
        }
        return result + rest
    }
}
