import Glibc

/// Tells by a file's first bytes what people upload instead of an `.xlsx` file.
enum FileSignature {
    private static let ole: [UInt8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]
    /// The stream's name in UTF-16, little end first.
    private static let packageName: [UInt8] = Array("EncryptedPackage".utf16.flatMap { [UInt8($0), 0] as [UInt8] })
    private static let zip: [UInt8] = [0x50, 0x4B, 0x03, 0x04]

    /// Throws unless the file starts like a ZIP archive, and says what it is as far as that can be told.
    static func refuseOthers(descriptor: Int32, size: Int) throws(WorkbookError) {
        guard size > 0 else { throw WorkbookError(.notAWorkbook, "the file is empty") }
        let head = bytes(descriptor, at: 0, count: 512)
        if head.starts(with: zip) { return }
        guard head.starts(with: ole) else {
            throw WorkbookError(.notAWorkbook, "the file is not an .xlsx workbook")
        }
        guard isEncryptedPackage(descriptor, head: head) else {
            throw WorkbookError(
                .otherFormat,
                "the file is in the old Excel format (.xls); save it as .xlsx and upload it again"
            )
        }
        throw WorkbookError(
            .encrypted,
            "the workbook is protected by a password; remove the password and upload it again"
        )
    }

    /// Excel wraps an encrypted workbook in an OLE file with a stream of this name, listed in its first directory
    /// sector, whose place the header gives.
    private static func isEncryptedPackage(_ descriptor: Int32, head: [UInt8]) -> Bool {
        guard head.count == 512 else { return false }
        let shift = Int(head[30]) | Int(head[31]) << 8
        guard shift == 9 || shift == 12 else { return false }
        let sector = (48..<52).reversed().reduce(0) { $0 << 8 | Int(head[$1]) }
        let directory = bytes(descriptor, at: (sector + 1) << shift, count: 4096)
        return directory.indices.contains { directory[$0...].starts(with: packageName) }
    }

    private static func bytes(_ descriptor: Int32, at offset: Int, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, pread(descriptor, buffer.baseAddress, count, off_t(offset)))
        }
    }
}
