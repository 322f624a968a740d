/// Prints floating-point numbers as Python's `repr` does.
enum PythonFloat {
    /// Appends a finite number: the shortest digits that read back the same, always with a point or an exponent.
    static func write(_ number: Double, into out: inout [UInt8]) {
        if number.sign == .minus { out.append(UInt8(ascii: "-")) }
        var (digits, point) = shortest(number.magnitude)
        // Python changes to an exponent at 1e16 and below 1e-4.
        guard (-3...16).contains(point) else {
            point -= 1
            out.append(digits.removeFirst())
            if !digits.isEmpty {
                out.append(UInt8(ascii: "."))
                out.append(contentsOf: digits)
            }
            out.append(UInt8(ascii: "e"))
            out.append(UInt8(ascii: point < 0 ? "-" : "+"))
            if point.magnitude < 10 { out.append(UInt8(ascii: "0")) }
            JSONWriter.writeInteger(Int64(point.magnitude), into: &out)
            return
        }
        if point <= 0 {
            out.append("0.")
            out.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: -point))
            out.append(contentsOf: digits)
        } else if digits.count <= point {
            out.append(contentsOf: digits)
            out.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: point - digits.count))
            out.append(".0")
        } else {
            out.append(contentsOf: digits[..<point])
            out.append(UInt8(ascii: "."))
            out.append(contentsOf: digits[point...])
        }
    }

    /// The number as text; `nan`, `inf` and `-inf` as `repr` writes them.
    static func text(_ number: Double) -> String {
        if number.isNaN { return "nan" }
        if number.isInfinite { return number < 0 ? "-inf" : "inf" }
        var out: [UInt8] = []
        write(number, into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    /// The shortest digits without zeros at either end, and how many of them stand before the decimal point.
    private static func shortest(_ number: Double) -> (digits: [UInt8], point: Int) {
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        let text = Array(number.description.utf8)
        for (place, byte) in text.enumerated() {
            if byte == UInt8(ascii: ".") {
                point = digits.count
            } else if byte == UInt8(ascii: "e") {
                exponent = Int(String(decoding: text[(place + 1)...], as: UTF8.self)) ?? 0
                break
            } else {
                digits.append(byte)
            }
        }
        var place = (point ?? digits.count) + exponent
        let zeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
        digits.removeFirst(zeros)
        place -= zeros
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return digits.isEmpty ? ([UInt8(ascii: "0")], 1) : (digits, place)
    }
}
