import CeleryMessage
import Databases
import Settings
import WorkerCommandLine

/// One of each of the nine tasks, with arguments that fit the demo data.
struct DemoTasks {
    struct Call {
        var task: String
        var kwargs: JSONObject
    }

    /// Refuses a configuration that does not bind all nine: they would go to a broker whose workers know nothing of them.
    static func check(_ configuration: CeleriacConfiguration) throws {
        let missing = calls(uploadedFile: "").map(\.task).filter { configuration.task(named: $0) == nil }
        guard let first = missing.first else { return }
        throw Complaint(
            """
            --demo sends the nine tasks of the shipped tasks.yaml, and \(configuration.file ?? "the configuration") \
            binds no \(first)\(missing.count > 1 ? " and \(missing.count - 1) more" : "")
            """,
            code: .usage
        )
    }

    /// The calls, as a Python producer would make them.
    static func calls(uploadedFile: String) -> [Call] {
        let long = JSONValue.int(Int64(DemoDatabase.longStatement))
        return [
            Call(task: "backend.tasks.pdf_tasks.generate_mutabakat_pdf", kwargs: ["mutabakat_id": long]),
            Call(task: "backend.tasks.pdf_tasks.generate_bulk_pdfs", kwargs: ["mutabakat_ids": [1, 2, 3, 4, 5]]),
            Call(
                task: "backend.tasks.email_tasks.send_email",
                kwargs: [
                    "to_email": "ayse@example.com", "subject": "Mutabakat hazır",
                    "body": "Mutabakatınız hazırlandı. ğüşıöç İĞÜŞÖÇ",
                ]
            ),
            Call(
                task: "backend.tasks.email_tasks.send_bulk_emails",
                kwargs: [
                    "emails": [
                        ["to": "user1@example.com", "subject": "Test 1", "body": "Merhaba"],
                        ["to": "user2@example.com", "subject": "Test 2", "body": "Merhaba"],
                    ]
                ]
            ),
            Call(
                task: "backend.tasks.sms_tasks.send_sms",
                kwargs: ["phone": "05551234567", "message": "Test SMS", "company_id": 1]
            ),
            Call(
                task: "backend.tasks.sms_tasks.send_bulk_sms",
                kwargs: [
                    "messages": [
                        ["phone": "05551234567", "message": "Test 1"], ["phone": "05559876543", "message": "Test 2"],
                    ],
                    "company_id": 1,
                ]
            ),
            Call(
                task: "backend.tasks.excel_tasks.process_excel_upload",
                kwargs: ["file_path": .string(uploadedFile), "sheet_name": "Sheet1"]
            ),
            Call(task: "backend.tasks.maintenance_tasks.cleanup_old_logs", kwargs: ["days": 90]),
            Call(task: "backend.tasks.maintenance_tasks.check_password_expiry", kwargs: [:]),
        ]
    }
}
