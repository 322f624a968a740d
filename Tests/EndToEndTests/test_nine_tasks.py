"""The nine tasks of the reconciliation office, called by their wire names as its own code calls them."""

import email
import email.policy
import json
import pathlib
import sqlite3
import subprocess

import openpyxl
import pytest

import office
from deployment import Deployment
from states import get_with_states
from waiting import eventually


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """The office's worker over its own database and outboxes."""
    with Deployment(tmp_path_factory.mktemp("office")) as deployment:
        office.make_database(deployment.directory / "office.db")
        deployment.write_tasks(**office.tasks_content(deployment.directory))
        deployment.worker = deployment.start_worker()
        yield deployment


@pytest.fixture(scope="module")
def backend(system):
    """The office's Celery application."""
    app = office.make_app(system.redis.url(), system.redis.url())
    yield app
    app.close()


@pytest.fixture
def call(backend):
    """Calls a task by the last part of its name and returns its result object."""
    names = {name.rpartition(".")[2]: name for name in office.TASKS}
    return lambda name, *args, **kwargs: backend.tasks[names[name]].delay(*args, **kwargs)


def pdf_text(path):
    """What a reader extracts from a PDF file."""
    return subprocess.run(["pdftotext", "-layout", path, "-"], check=True, capture_output=True, text=True).stdout


def mail(path):
    """A mail file, parsed by Python's own reader."""
    return email.message_from_bytes(pathlib.Path(path).read_bytes(), policy=email.policy.default)


def test_the_banner_lists_the_nine_tasks_and_five_queues(system):
    for name, (_, queue) in office.TASKS.items():
        assert f"  . {name}" in system.worker.text
        assert f"exchange={queue}(direct)" in system.worker.text


def test_generate_mutabakat_pdf_makes_a_pdf_with_turkish_letters(call):
    result = call("generate_mutabakat_pdf", mutabakat_id=1).get(timeout=60)
    assert result["mutabakat_id"] == 1 and result["pages"] == 1
    path = pathlib.Path(result["file"])
    assert path.stat().st_size == result["bytes"]
    text = pdf_text(path)
    assert office.TURKISH in text
    assert "Güneşli Örme A.Ş." in text and "Sayfa 1 / 1" in text
    # Ten lines of 10,25 on top of 1.000,50.
    assert "1.103,00" in text


def test_a_long_statement_has_numbered_pages_with_the_head_repeated(call):
    result = call("generate_mutabakat_pdf", mutabakat_id=3).get(timeout=60)
    assert result["pages"] > 2
    pages = pdf_text(result["file"]).split("\f")
    for number, page in enumerate(pages[: result["pages"]], 1):
        assert f"Sayfa {number} / {result['pages']}" in page
    assert "Satır 150" in "".join(pages)
    assert "2.538,00" in pages[result["pages"] - 1]  # 150 × 10,25 + 1.000,50


def test_an_unknown_statement_is_a_value_error(call):
    with pytest.raises(ValueError, match="999"):
        call("generate_mutabakat_pdf", mutabakat_id=999).get(timeout=60)


def test_a_missing_argument_is_a_type_error_that_names_it(call):
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'mutabakat_id'"):
        call("generate_mutabakat_pdf").get(timeout=60)


def test_generate_bulk_pdfs_reports_progress_and_fails_only_the_bad_item(call):
    value, states = get_with_states(call("generate_bulk_pdfs", mutabakat_ids=[1, 2, 777, 3]), timeout=60)
    assert (value["total"], value["succeeded"], value["failed"]) == (4, 3, 1)
    assert [pathlib.Path(entry["file"]).exists() for entry in value["files"]] == [True] * 3
    assert value["errors"][0]["mutabakat_id"] == 777
    progress = [state["result"] for state in states if state["status"] == "PROGRESS"]
    assert progress and all(step["total"] == 4 and step["status"] for step in progress)


def test_send_email_puts_a_readable_mail_into_the_outbox(call):
    result = call("send_email", to_email="user@example.com", subject=f"Test {office.TURKISH}", body="Merhaba ı").get(
        timeout=30
    )
    assert result["status"] == "sent" and result["transport"] == "outbox"
    message = mail(result["file"])
    assert message["Subject"] == f"Test {office.TURKISH}"
    assert message["To"] == "user@example.com"
    assert "Merhaba ı" in message.get_body(("plain",)).get_content()


def test_send_email_does_not_let_a_subject_smuggle_headers_in(call):
    result = call("send_email", to_email="user@example.com", subject="x\r\nBcc: thief@example.com", body="b")
    value = result.get(timeout=30, propagate=False)
    if isinstance(value, Exception):
        assert isinstance(value, ValueError)
    else:
        assert mail(value["file"])["Bcc"] is None


def test_send_email_names_a_missing_argument(call):
    with pytest.raises(TypeError, match="'subject' and 'body'"):
        call("send_email", to_email="user@example.com").get(timeout=60)


def test_send_bulk_emails_has_an_outcome_for_each(call):
    value = call(
        "send_bulk_emails",
        [
            {"to": "user1@example.com", "subject": "Test 1", "body": "..."},
            {"to": "not an address", "subject": "Test 2", "body": "..."},
            {"to": "user3@example.com", "subject": "Test 3", "body": "..."},
        ],
    ).get(timeout=60)
    assert (value["total"], value["sent"], value["failed"]) == (3, 2, 1)
    assert [entry["status"] for entry in value["results"]] == ["sent", "failed", "sent"]
    assert mail(value["results"][2]["file"])["Subject"] == "Test 3"


def test_send_bulk_emails_reports_progress(call):
    emails = [{"to": f"user{n}@example.com", "subject": f"Test {n}", "body": "..."} for n in range(300)]
    value, states = get_with_states(call("send_bulk_emails", emails), timeout=60)
    assert value["sent"] == 300
    # Steps that follow each other at once may be stored as one; of three hundred many are left.
    progress = [state["result"] for state in states if state["status"] == "PROGRESS"]
    assert progress and all(step["total"] == 300 for step in progress)
    assert [step["current"] for step in progress] == sorted(step["current"] for step in progress)


def test_send_sms_normalises_the_number_and_stores_the_message(call):
    result = call("send_sms", phone="05551234567", message="Doğrulama kodu: 1234 ş", company_id=1).get(timeout=60)
    assert result["status"] == "sent" and result["phone"] == "+905551234567"
    stored = json.loads(pathlib.Path(result["file"]).read_text())
    assert stored["message"] == "Doğrulama kodu: 1234 ş" and stored["company_id"] in (1, "1")


def test_send_sms_refuses_a_number_that_is_none(call):
    with pytest.raises(ValueError, match="phone"):
        call("send_sms", phone="12", message="x", company_id=1).get(timeout=60)


def test_send_bulk_sms_has_an_outcome_for_each(call):
    value = call(
        "send_bulk_sms",
        [
            {"phone": "05551234567", "message": "Test 1"},
            {"phone": "bad", "message": "Test 2"},
            {"phone": "05559876543", "message": "Test 3"},
        ],
        company_id=1,
    ).get(timeout=60)
    assert (value["total"], value["sent"], value["failed"]) == (3, 2, 1)
    assert [entry["status"] for entry in value["results"]] == ["sent", "failed", "sent"]


def test_process_excel_upload_lists_the_bad_rows(system, call):
    folder = system.directory / "uploads"
    folder.mkdir(exist_ok=True)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sheet1"
    for row in (
        ["Ad Soyad", "E-posta"], ["Ayşe Yılmaz", "ayse@example.com"], ["", "bos@example.com"], ["Işıl Doğan", "değil"],
    ):
        sheet.append(row)
    book.save(folder / "users.xlsx")
    value = call("process_excel_upload", file_path="uploads/users.xlsx", sheet_name="Sheet1").get(timeout=60)
    assert (value["rows"], value["valid"], value["invalid"]) == (3, 1, 2)
    assert [(error["row"], error["column"]) for error in value["errors"]] == [(3, "ad"), (4, "email")]


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "uploads/missing.xlsx"])
def test_process_excel_upload_opens_nothing_outside_its_folder(call, path):
    with pytest.raises((ValueError, FileNotFoundError)):
        call("process_excel_upload", file_path=path).get(timeout=60)


def test_process_excel_upload_refuses_what_is_no_workbook(system, call):
    (system.directory / "text.xlsx").write_text("not a workbook")
    with pytest.raises(ValueError, match="text.xlsx"):
        call("process_excel_upload", file_path="text.xlsx").get(timeout=60)


def test_cleanup_old_logs_deletes_what_is_older_than_ninety_days(system, call):
    value = call("cleanup_old_logs", days=90).get(timeout=60)
    assert value["deleted_rows"] == 3 and value["tables"] == {"activity_logs": 3}
    with sqlite3.connect(system.directory / "office.db") as database:
        assert database.execute("SELECT count(*) FROM activity_logs").fetchone() == (2,)
    assert call("cleanup_old_logs", days=90).get(timeout=60)["deleted"] == 0


def test_check_password_expiry_mails_exactly_those_concerned(system, call):
    before = set((system.directory / "outbox" / "mail").glob("*.eml"))
    result = call("check_password_expiry")
    value = result.get(timeout=60)
    assert value["mailed"] == 1 and value["expiring"] == 1
    new = eventually(
        lambda: set((system.directory / "outbox" / "mail").glob("*.eml")) - before, "the mail task has run"
    )
    assert [mail(path)["To"] for path in new] == ["user1@example.com"]
    # Who was told is not told again by the next run.
    assert call("check_password_expiry").get(timeout=60)["mailed"] == 0


def test_a_worker_for_one_queue_leaves_the_others_alone(tmp_path):
    with Deployment(tmp_path) as deployment:
        office.make_database(tmp_path / "office.db")
        deployment.write_tasks(**office.tasks_content(tmp_path))
        deployment.start_worker("-Q", "pdf", "-c", "2", options=("-A", "backend.celery_app"))
        with office.make_app(deployment.redis.url(), deployment.redis.url()) as app:
            made = app.tasks["backend.tasks.pdf_tasks.generate_mutabakat_pdf"].delay(mutabakat_id=1)
            left = app.tasks["backend.tasks.sms_tasks.send_sms"].delay("05551234567", "x", 1)
            made.get(timeout=60)
            assert deployment.waiting("sms") == 1 and left.state == "PENDING"


def test_nothing_is_left_behind(system):
    for queue in {queue for _, queue in office.TASKS.values()}:
        system.expect_empty(queue)
