import CZip
import Glibc

/// A ZIP archive opened for reading by libzip, checked for consistency, never extracted to disk.
///
/// Entries are found by exact name and read in chunks; a shared budget stops decompression bombs while they inflate.
/// Not thread-safe: one run owns it.
final class ZipArchive {
    private let handle: OpaquePointer
    private let fileBytes: Int
    let limits: WorkbookLimits
    private var inflated = 0

    /// Opens the archive behind `descriptor`, which this archive owns from now on, whether opening succeeds or not.
    init(descriptor: Int32, limits: WorkbookLimits) throws(WorkbookError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            close(descriptor)
            throw WorkbookError(.damaged, "the file cannot be read")
        }
        let size = Int(status.st_size)
        do throws(WorkbookError) {
            guard size <= limits.fileBytes else {
                throw WorkbookError(
                    .tooLarge,
                    "the file has \(size) bytes; at most \(limits.fileBytes) are accepted"
                )
            }
            try FileSignature.refuseOthers(descriptor: descriptor, size: size)
        } catch {
            close(descriptor)
            throw error
        }
        var code: Int32 = 0
        guard let handle = zip_fdopen(descriptor, ZIP_CHECKCONS, &code) else {
            close(descriptor)
            throw WorkbookError(.damaged, "the file is cut off or damaged: \(Self.text(of: code))")
        }
        self.handle = handle
        self.limits = limits
        fileBytes = size
        let count = zip_get_num_entries(handle, 0)
        guard count <= limits.entries else {
            throw WorkbookError(.hostile, "the archive has \(count) entries; at most \(limits.entries) are accepted")
        }
    }

    deinit { zip_discard(handle) }

    /// Whether an entry of that name is there.
    func contains(_ name: String) -> Bool { index(of: name) != nil }

    /// Opens an entry for reading from its beginning; `nil` when there is none of that name.
    func open(_ name: String) throws(WorkbookError) -> ZipEntry? {
        guard let index = index(of: name) else { return nil }
        var facts = zip_stat_t()
        guard zip_stat_index(handle, index, 0, &facts) == 0 else {
            throw WorkbookError(.damaged, "\(name): the archive's directory is damaged")
        }
        guard facts.encryption_method == UInt16(ZIP_EM_NONE) else {
            throw WorkbookError(.encrypted, "\(name) is encrypted; save the workbook without a password")
        }
        guard facts.comp_size <= UInt64(fileBytes), let declared = Int(exactly: facts.size) else {
            throw WorkbookError(.damaged, "\(name): the archive's directory claims more bytes than the file has")
        }
        guard declared <= limits.entryBytes else {
            throw WorkbookError(
                .tooLarge,
                "\(name) would inflate to \(declared) bytes; at most \(limits.entryBytes) are accepted"
            )
        }
        try refuseBomb(name, inflated: declared, compressed: Int(facts.comp_size))
        guard let file = zip_fopen_index(handle, index, 0) else {
            throw WorkbookError(
                .damaged,
                "\(name) cannot be read: \(Self.text(of: zip_error_code_zip(zip_get_error(handle))))"
            )
        }
        return ZipEntry(archive: self, file: file, name: name, declared: declared, compressed: Int(facts.comp_size))
    }

    /// Counts inflated bytes against the bounds; the directory's own figures are only claims.
    fileprivate func spend(_ count: Int, of entry: ZipEntry) throws(WorkbookError) {
        inflated += count
        guard entry.inflated <= limits.entryBytes, inflated <= limits.totalBytes else {
            throw WorkbookError(.tooLarge, "\(entry.name) inflates beyond \(limits.totalBytes) bytes")
        }
        try refuseBomb(entry.name, inflated: entry.inflated, compressed: entry.compressed)
    }

    private func refuseBomb(_ name: String, inflated: Int, compressed: Int) throws(WorkbookError) {
        guard inflated <= limits.ratioFloor || inflated / limits.ratio <= compressed else {
            throw WorkbookError(
                .hostile,
                "\(name) inflates to more than \(limits.ratio) times its size, as a decompression bomb does"
            )
        }
    }

    /// Exact name first; package part names are case-insensitive, so that is tried second.
    private func index(of name: String) -> zip_uint64_t? {
        var found = zip_name_locate(handle, name, 0)
        if found < 0 { found = zip_name_locate(handle, name, zip_flags_t(ZIP_FL_NOCASE)) }
        return found < 0 ? nil : zip_uint64_t(found)
    }

    fileprivate static func text(of code: Int32) -> String {
        var error = zip_error_t()
        zip_error_init_with_code(&error, code)
        defer { zip_error_fini(&error) }
        return zip_error_strerror(&error).map { String(cString: $0) } ?? "error \(code)"
    }
}

/// One entry of an archive while it is read.
final class ZipEntry {
    private let archive: ZipArchive
    private let file: OpaquePointer
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    let name: String
    let compressed: Int
    private let declared: Int
    private(set) var inflated = 0

    fileprivate init(archive: ZipArchive, file: OpaquePointer, name: String, declared: Int, compressed: Int) {
        self.archive = archive
        self.file = file
        self.name = name
        self.declared = declared
        self.compressed = compressed
    }

    deinit {
        zip_fclose(file)
        buffer.deallocate()
    }

    /// The next inflated bytes, valid until the next call; empty at the end, when the checksum was right too.
    func read() throws(WorkbookError) -> UnsafeRawBufferPointer {
        let count = zip_fread(file, buffer.baseAddress, zip_uint64_t(buffer.count))
        guard count >= 0 else {
            let code = zip_error_code_zip(zip_file_get_error(file))
            throw WorkbookError(.damaged, "\(name) is damaged: \(ZipArchive.text(of: code))")
        }
        inflated += Int(count)
        try archive.spend(Int(count), of: self)
        return UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)])
    }

    /// How much was read, from 0 to 1, by the size the directory declares.
    var fraction: Double { declared == 0 ? 1 : min(1, Double(inflated) / Double(declared)) }
}
