"""The users' system of the reconciliation office: its database, its configuration, and the application that calls it."""

import datetime
import sqlite3

from celery import Celery

TURKISH = "ğüşıöç İĞÜŞÖÇ"

#: Wire name → (handler, queue).
TASKS = {
    "backend.tasks.pdf_tasks.generate_mutabakat_pdf": ("pdf.mutabakat", "pdf"),
    "backend.tasks.pdf_tasks.generate_bulk_pdfs": ("pdf.mutabakat_bulk", "pdf"),
    "backend.tasks.email_tasks.send_email": ("mail.send", "email"),
    "backend.tasks.email_tasks.send_bulk_emails": ("mail.send_bulk", "email"),
    "backend.tasks.sms_tasks.send_sms": ("sms.send", "sms"),
    "backend.tasks.sms_tasks.send_bulk_sms": ("sms.send_bulk", "sms"),
    "backend.tasks.excel_tasks.process_excel_upload": ("excel.process_upload", "excel"),
    "backend.tasks.maintenance_tasks.cleanup_old_logs": ("maintenance.cleanup_old_logs", "maintenance"),
    "backend.tasks.maintenance_tasks.check_password_expiry": ("maintenance.check_password_expiry", "maintenance"),
}


def make_database(path):
    """Statements 1 to 3, of which the last fills several pages; users whose passwords end in 5, 30 and -10 days."""
    database = sqlite3.connect(path)
    database.executescript(
        """
        CREATE TABLE companies (id INTEGER PRIMARY KEY, name TEXT, tax_number TEXT, tax_office TEXT, address TEXT,
            city TEXT, phone TEXT, email TEXT);
        CREATE TABLE mutabakatlar (id INTEGER PRIMARY KEY, company_id INTEGER, counterparty TEXT,
            counterparty_tax_number TEXT, counterparty_tax_office TEXT, counterparty_address TEXT, period_start TEXT,
            period_end TEXT, currency TEXT, opening_balance TEXT, status TEXT);
        CREATE TABLE mutabakat_lines (mutabakat_id INTEGER, line_no INTEGER, date TEXT, document_no TEXT,
            description TEXT, debit TEXT, credit TEXT);
        CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, full_name TEXT, password_changed_at TEXT,
            is_active INTEGER);
        CREATE TABLE activity_logs (id INTEGER PRIMARY KEY, created_at TEXT, message TEXT);
        """
    )
    database.execute(
        "INSERT INTO companies VALUES (1, 'Güneşli Örme A.Ş.', '4520318877', 'Şişli', 'Büyükdere Cad. 112', 'İstanbul',"
        " '02125550101', 'muhasebe@example.com')"
    )
    for statement, lines in ((1, 10), (2, 20), (3, 150)):
        database.execute(
            "INSERT INTO mutabakatlar VALUES (?, 1, ?, '8110456721', 'Osmangazi', 'Bursa', '2026-01-01', '2026-06-30',"
            " 'TRY', '1000.50', 'hazır')",
            (statement, f"Şen Kardeşler {statement}"),
        )
        for line in range(1, lines + 1):
            database.execute(
                "INSERT INTO mutabakat_lines VALUES (?, ?, '2026-02-03', ?, ?, '10.25', NULL)",
                (statement, line, f"SFT-{line:06}", f"Satır {line} {TURKISH}"),
            )
    now = datetime.datetime.now(datetime.timezone.utc)

    def moment(days):
        return (now - datetime.timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S.000")

    for number, age in enumerate((85, 60, 100), 1):
        database.execute(
            "INSERT INTO users VALUES (?, ?, ?, ?, 1)", (number, f"user{number}@example.com", "Ayşe Yılmaz", moment(age))
        )
    for age in (1, 89, 91, 200, 300):
        database.execute("INSERT INTO activity_logs (created_at, message) VALUES (?, 'giriş')", (moment(age),))
    database.commit()
    database.close()


def tasks_content(folder):
    """The part of tasks.yaml that is about this system: pools, queues and tasks."""
    database = {"sqlite": "office.db"}
    options = {
        "pdf.mutabakat": {"database": database, "output": "pdf"},
        "pdf.mutabakat_bulk": {"database": database, "output": "pdf"},
        "mail.send": {"outbox": "outbox/mail"},
        "mail.send_bulk": {"outbox": "outbox/mail"},
        "sms.send": {"outbox": "outbox/sms"},
        "sms.send_bulk": {"outbox": "outbox/sms"},
        "excel.process_upload": {
            "upload_root": ".",
            "columns": [
                {"name": "ad", "header": "Ad Soyad", "required": True},
                {"name": "email", "header": "E-posta", "type": "email", "required": True},
            ],
        },
        "maintenance.cleanup_old_logs": {
            "rows": [
                {
                    "name": "activity_logs", "database": database,
                    "statement": "DELETE FROM activity_logs WHERE id IN"
                    " (SELECT id FROM activity_logs WHERE created_at < :before LIMIT :limit)",
                }
            ],
        },
        "maintenance.check_password_expiry": {"database": database, "queue": "email"},
    }
    return {
        "pools": {"cpu": {"processes": 2, "slots": 1}, "io": {"processes": 1, "slots": 20}},
        "queues": {
            "pdf": {"pool": "cpu", "tier": "high"}, "sms": {"pool": "io"}, "email": {"pool": "io"},
            "excel": {"pool": "cpu", "tier": "low"}, "maintenance": {"pool": "io", "tier": "low"},
        },
        "tasks": {
            name: {"handler": handler, "queue": queue, "max_retries": 3, "options": options[handler]}
            for name, (handler, queue) in TASKS.items()
        },
        "task_soft_time_limit": 1500,
        "task_time_limit": 1800,
    }


def make_app(broker, backend):
    """The office's own Celery application: the same names and queues, no code behind them."""
    app = Celery("backend", broker=broker, backend=backend, set_as_current=False)
    app.conf.task_routes = {name: {"queue": queue} for name, (_, queue) in TASKS.items()}
    for name in TASKS:
        app.task(_elsewhere, name=name, shared=False)
    app.finalize()
    return app


def _elsewhere(*args, **kwargs):
    raise NotImplementedError("this task runs in a worker")
