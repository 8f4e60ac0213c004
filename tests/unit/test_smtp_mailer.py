"""Mail through a server that speaks SMTP, as a small one on this machine hears it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy

import pytest
from nightdesk.adapters.smtp import SmtpMailer
from nightdesk.domain.errors import Permanent, Transient
from nightdesk.domain.mail import Deferred, Mail, NotAccepted

MAIL = Mail("ada@readers.example", "Nyheter", "Færgen", "Hej", "<p>Hej</p>", {"List-Id": "<daily.news.example>"})


class Server:
    """A mail server that takes one connection after another. `answers` holds what it says instead of its usual words."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.answers: dict[str, str] = {}
        self.mails: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                self._talk(connection, lines)

    def _talk(self, connection: socket.socket, lines: object) -> None:
        connection.sendall(b"220 quay\r\n")
        for line in lines:  # type: ignore[attr-defined]
            verb = line.split()[0].decode().upper() if line.split() else ""
            said = self.answers.get(verb)
            if said == "hang up":
                return
            if verb == "DATA" and not said:
                connection.sendall(b"354 go on\r\n")
                body = b""
                while (part := next(lines)) != b".\r\n":  # type: ignore[call-overload]
                    body += part
                if self.answers.get("END") == "hang up":
                    return
                self.mails.append(body)
                connection.sendall(b"250 taken\r\n")
                continue
            connection.sendall(f"{said or ('221 bye' if verb == 'QUIT' else '250 fine')}\r\n".encode())


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.socket.close()


def mailer(server: Server) -> SmtpMailer:
    return SmtpMailer(lambda: {"host": "127.0.0.1", "port": server.port, "rate": 3}, "news@news.example")


def test_a_mail_arrives_with_its_headers_and_both_parts(server: Server) -> None:
    sender = mailer(server)
    ids = [sender.send(MAIL), sender.send(MAIL)]
    assert (len(server.mails), sender.rate()) == (2, 3.0)
    message = message_from_bytes(server.mails[0], policy=policy.default)
    assert message["Date"].datetime
    assert [message_from_bytes(mail)["Message-ID"] for mail in server.mails] == ids
    assert len(set(ids)) == 2
    assert (message["Subject"], message["List-Id"], message["To"]) == ("Færgen", "<daily.news.example>", MAIL.to)
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"RCPT": "550 no such reader"}, Permanent),
        ({"RCPT": "450 later"}, Deferred),
        ({"MAIL": "450 too many mails"}, NotAccepted),
        ({"MAIL": "421 closing"}, NotAccepted),
        ({"MAIL": "hang up"}, NotAccepted),
        ({"RCPT": "hang up"}, NotAccepted),
        ({"DATA": "554 spam"}, Permanent),
        ({"END": "hang up"}, Transient),
    ],
)
def test_an_answer_says_whether_the_mail_is_on_its_way(server: Server, answers: dict[str, str], kind: type) -> None:
    server.answers = answers
    with pytest.raises((Permanent, Transient)) as caught:
        mailer(server).send(MAIL)
    assert type(caught.value) is kind
    assert "reader" not in str(caught.value)


def test_what_a_server_refused_is_not_in_the_way_of_the_next_mail(server: Server) -> None:
    sender = mailer(server)
    for verb, said in (("RCPT", "450 later"), ("DATA", "452 full"), ("MAIL", "421 closing")):
        server.answers = {verb: said}
        with pytest.raises(Transient):
            sender.send(MAIL)
        server.answers = {}
        sender.send(MAIL)
    assert len(server.mails) == 3


def test_a_server_that_is_not_there_took_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NotAccepted):
        SmtpMailer(lambda: {"host": "127.0.0.1", "port": port}, "n@n.example").send(MAIL)


def test_a_connection_that_was_closed_meanwhile_is_made_again(server: Server) -> None:
    sender = mailer(server)
    sender.send(MAIL)
    server.answers = {"NOOP": "hang up"}
    sender.send(MAIL)
    assert len(server.mails) == 2
