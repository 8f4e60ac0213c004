"""`nightdesk login`: the rules of the code flow, the loopback server and the kept session, against the laptop's stand-in."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from botocore.exceptions import ClientError
from nightdesk.adapters.cognito import CognitoEditors, Editor
from nightdesk.adapters.oauth import OAuthEndpoint
from nightdesk.domain.editor_sign_in import (
    CALLBACK_PORTS,
    Attempt,
    Authority,
    EditorSession,
    Ended,
    NotSignedIn,
    SignInFailed,
    authorization_url,
    callback,
    challenge_of,
    code_from,
    identity_of,
    tokens_from,
)
from nightdesk.domain.errors import NotFound, Transient
from nightdesk.usecases.editors.sign_in import EditorSignIn
from nightdesk_cli import login as command
from nightdesk_cli.loopback import Loopback
from nightdesk_cli.main import main
from nightdesk_cli.session_files import SessionFiles
from nightdesk_local.cloud import Cloud
from nightdesk_local.sign_in_server import OAuthError, SignInService, SignInStandIn

ATTEMPT = Attempt("a-state", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
ADA = "ada@desk.example"
AWS = Authority("news", "https://sign-in.example", "people")


def token_for(email: str, role: str) -> str:
    claims = {"email": email, "name": "Ada", **({"cognito:groups": [role]} if role else {})}
    return f"head.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.signature"


class FakeEditors:
    """The editors of a user pool."""

    def __init__(self) -> None:
        self.roles = {ADA: "editor", "grace@desk.example": "writer"}
        self.seconds = 900

    def all(self) -> list[Editor]:
        return [Editor("1", email, f"Name of <{email}>", role) for email, role in self.roles.items() if role]

    def token(self, email: str) -> tuple[str, int]:
        if email not in self.roles:
            raise NotFound("there is no editor")
        return token_for(email, self.roles[email]), self.seconds


class Desk:
    """A laptop on which an editor signs in: the stand-in, a clock, the command's session, and a browser."""

    def __init__(self, folder: Path) -> None:
        self.editors = FakeEditors()
        self.time = 1_000.0
        self.loopback = Loopback(ATTEMPT, (0,))
        service = SignInService("people", lambda: self.editors, (callback(self.loopback.port),), lambda: self.time)
        self.server = SignInStandIn(0, service)
        self.authority = Authority("", f"http://localhost:{self.server.port}", "people")
        self.files = SessionFiles(folder)
        self.sign_in = EditorSignIn(OAuthEndpoint(), self.files, lambda: self.time)

    @property
    def address(self) -> str:
        return authorization_url(self.authority, ATTEMPT, self.loopback.port)

    def browse(self, method: str, url: str, body: str = "", host: str = "") -> http.client.HTTPResponse:
        address = urlsplit(url)
        headers = {"Host": host} if host else {}
        with closing(http.client.HTTPConnection("127.0.0.1", address.port or 0, timeout=5)) as connection:
            connection.request(method, url.partition(address.netloc)[2], body or None, headers)
            response = connection.getresponse()
            response.text = response.read().decode()  # type: ignore[attr-defined]
            return response

    def choose(self, email: str) -> str:
        """Press an editor's button, and return where that leads."""
        fields = dict(parse_qsl(urlsplit(self.address).query))
        url = f"{self.authority.url}/oauth2/authorize"
        response = self.browse("POST", url, urlencode({**fields, "email": email}))
        assert response.status == 303
        return response.headers["Location"]

    def log_in(self, email: str = ADA) -> str:
        """Sign an editor in, and return the query with the code."""
        with self.loopback as loopback:
            assert self.browse("GET", self.choose(email)).status == 200
            query = loopback.wait(5)
        self.sign_in.finish(self.authority, ATTEMPT, loopback.port, query)
        return query


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "home")
    yield made
    made.server.stop()
    made.loopback._server.server_close()


def test_the_challenge_is_that_of_the_rfcs_example() -> None:
    assert challenge_of(ATTEMPT.verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B


def test_the_address_asks_for_a_code_with_pkce_and_never_shows_the_verifier() -> None:
    address = authorization_url(AWS, ATTEMPT, 28461)
    query = parse_qs(urlsplit(address).query)
    assert address.startswith("https://sign-in.example/oauth2/authorize?")
    assert query["redirect_uri"] == ["http://localhost:28461/"]
    assert (query["response_type"], query["code_challenge_method"], query["state"]) == (["code"], ["S256"], ["a-state"])
    assert ATTEMPT.verifier not in address


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("code=1&state=other", "another sign-in"),
        ("code=1", "another sign-in"),
        ("code=1&state=a-state&state=a-state", "another sign-in"),
        ("code=1&state=%C3%A9", "another sign-in"),
        ("error=access_denied&state=a-state", "cancelled"),
        ("error=server_error&error_description=Try%0Alater.&state=a-state", "refused: Try later\\. Run"),
        ("state=a-state", "no code"),
        ("code=1&code=2&state=a-state", "no code"),
    ],
)
def test_an_answer_without_one_code_for_this_attempt_is_refused(query: str, message: str) -> None:
    with pytest.raises(SignInFailed, match=message):
        code_from(query, ATTEMPT)


def test_a_token_is_replaced_a_minute_before_it_ends() -> None:
    session = EditorSession(AWS, "token", "refresh", 1000)
    assert session.is_fresh(939)
    assert not session.is_fresh(940)
    assert EditorSession.from_json(session.to_json()) == session


@pytest.mark.parametrize("answer", [{}, {"id_token": 1, "expires_in": 9}, {"id_token": "a.b.c"}, {"id_token": ""}])
def test_an_answer_without_tokens_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(SignInFailed):
        tokens_from(answer)


@pytest.mark.parametrize("token", ["", "one", "a.!.c", "a.e30.c", "a.W10.c", "a.//8.c"])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(SignInFailed):
        identity_of(token)


def test_an_editor_signs_in_and_uses_one_token_until_it_ends(desk: Desk) -> None:
    desk.log_in()
    first = desk.sign_in.session("", desk.authority)
    assert identity_of(first.identity).role == "editor"
    assert desk.sign_in.session("").refresh == first.refresh
    desk.time += 900
    second = desk.sign_in.session("")
    assert second.expires == desk.time + 900
    assert second.refresh != first.refresh
    assert desk.files.read("") == second


def test_a_session_is_for_its_owner_alone(desk: Desk, tmp_path: Path) -> None:
    desk.log_in()
    [path] = (tmp_path / "home").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    desk.time += 900
    desk.sign_in.session("")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_page_lists_the_editors_and_nothing_in_a_name_runs(desk: Desk) -> None:
    page = desk.browse("GET", desk.address)
    assert page.status == 200
    assert ADA in page.text  # type: ignore[attr-defined]
    assert f"Name of <{ADA}>" not in page.text  # type: ignore[attr-defined]
    desk.editors.roles = {}
    assert "nightdesk editors add" in desk.browse("GET", desk.address).text  # type: ignore[attr-defined]


def test_whoever_cancels_is_not_signed_in(desk: Desk) -> None:
    with pytest.raises(SignInFailed, match="cancelled"):
        desk.log_in("")
    assert desk.files.read("") is None


def test_an_answer_to_another_attempt_is_refused_and_the_command_waits_on(desk: Desk) -> None:
    with desk.loopback as loopback:
        base = callback(loopback.port)
        assert desk.browse("GET", f"{base}?code=stolen&state=wrong").status == 400
        assert desk.browse("GET", f"{base}favicon.ico?code=1&state=a-state").status == 404
        assert desk.browse("GET", f"{base}?code=1&state=a-state", host="evil.example:80").status == 403
        with pytest.raises(SignInFailed, match="--no-browser"):
            loopback.wait(0)
        assert desk.browse("GET", f"{base}?code=right&state=a-state").status == 200
        assert loopback.answer("/?code=late&state=a-state")[0] == 400
        assert loopback.wait(5) == "code=right&state=a-state"


def test_the_next_port_is_taken_if_one_is_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Loopback(ATTEMPT, (port, 0)) as loopback:
            assert loopback.port != port
        with pytest.raises(SignInFailed, match=str(port)):
            Loopback(ATTEMPT, (port,))


def test_a_code_that_comes_twice_ends_the_session_that_came_of_it(desk: Desk) -> None:
    query = desk.log_in()
    with pytest.raises(Ended, match="used before"):
        desk.sign_in.finish(desk.authority, ATTEMPT, desk.loopback.port, query)
    desk.time += 900
    with pytest.raises(NotSignedIn, match="has ended"):
        desk.sign_in.session("")


@pytest.mark.parametrize("spoil", ["verifier", "port", "time", "client"])
def test_a_code_is_worth_nothing_to_a_thief(desk: Desk, spoil: str) -> None:
    query = urlsplit(desk.choose(ADA)).query
    attempt = replace(ATTEMPT, verifier="guessed") if spoil == "verifier" else ATTEMPT
    authority = replace(desk.authority, client="other") if spoil == "client" else desk.authority
    desk.time += 301 if spoil == "time" else 0
    with pytest.raises(Ended):
        desk.sign_in.finish(authority, attempt, desk.loopback.port + (spoil == "port"), query)
    assert desk.files.read("") is None


@pytest.mark.parametrize(
    "change",
    [
        {"response_type": "token"},
        {"client_id": "other"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
        {"redirect_uri": "http://localhost.evil.example/"},
    ],
)
def test_the_stand_in_refuses_what_cognito_would(change: dict[str, str]) -> None:
    service = SignInService("people", FakeEditors)
    query = dict(parse_qsl(urlsplit(authorization_url(AWS, ATTEMPT, CALLBACK_PORTS[0])).query))
    assert ADA in service.page(query)
    with pytest.raises(OAuthError):
        service.page({**query, **change})
    with pytest.raises(OAuthError):
        service.choose({**query, **change, "email": ADA})
    with pytest.raises(OAuthError):
        service.choose({**query, "email": "nobody@desk.example"})


def test_the_stand_in_serves_no_page_of_another_name(desk: Desk) -> None:
    assert desk.server._server.server_address[0] == "127.0.0.1"
    assert desk.browse("GET", desk.address, host="evil.example:80").status == 403


def remove(desk: Desk) -> None:
    del desk.editors.roles[ADA]


def take_role(desk: Desk) -> None:
    desk.editors.roles[ADA] = ""


@pytest.mark.parametrize(("change", "message"), [(remove, "no longer an editor"), (take_role, "has no role")])
def test_who_is_no_longer_an_editor_gets_no_further_token(
    desk: Desk, change: Callable[[Desk], None], message: str
) -> None:
    desk.log_in()
    change(desk)
    assert desk.sign_in.session("")
    desk.time += 900
    with pytest.raises(NotSignedIn, match=message):
        desk.sign_in.session("")
    assert desk.files.read("") is None


def test_a_role_that_was_changed_is_in_the_next_token(desk: Desk) -> None:
    desk.log_in()
    desk.editors.roles[ADA] = "admin"
    desk.time += 900
    assert identity_of(desk.sign_in.session("").identity).role == "admin"


def test_someone_without_a_role_cannot_sign_in(desk: Desk) -> None:
    address = desk.choose(ADA)
    take_role(desk)
    with pytest.raises(SignInFailed, match="editors add"):
        desk.sign_in.finish(desk.authority, ATTEMPT, desk.loopback.port, urlsplit(address).query)
    assert desk.files.read("") is None


def test_an_ended_session_is_revoked_and_forgotten(desk: Desk) -> None:
    desk.log_in()
    session = desk.sign_in.session("")
    assert desk.sign_in.end("")
    assert not desk.sign_in.end("")
    with pytest.raises(Ended):
        desk.sign_in.endpoint.refresh(desk.authority, session.refresh)
    with pytest.raises(NotSignedIn, match="not signed in"):
        desk.sign_in.session("")


def test_a_session_that_cannot_be_revoked_is_forgotten_all_the_same(desk: Desk) -> None:
    desk.log_in()
    desk.server.stop()
    desk.time += 900
    with pytest.raises(Transient, match="localhost does not answer"):
        desk.sign_in.session("")
    with pytest.raises(SignInFailed, match="could not be revoked"):
        desk.sign_in.end("")
    assert desk.files.read("") is None


def test_a_session_of_another_stack_is_not_used(desk: Desk, tmp_path: Path) -> None:
    desk.log_in()
    with pytest.raises(NotSignedIn, match="another stack"):
        desk.sign_in.session("", replace(desk.authority, client="of-a-new-stack"))
    with pytest.raises(NotSignedIn, match="not signed in"):
        desk.sign_in.session("news")
    (tmp_path / "home" / "session.json").rename(tmp_path / "home" / "session-news.json")
    with pytest.raises(NotSignedIn, match="another stack"):
        desk.sign_in.session("news")


DAMAGED = [b"", b"{", b"[]", b"null", b'{"authority": {}}', b"\xff\xfe", b"[" * 5000]
DAMAGED += [EditorSession(AWS, "a", "b", 1).to_json().replace("1}", end).encode() for end in ("true}", '"1"}', "null}")]


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_session_is_explained_and_can_be_ended(desk: Desk, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "home").mkdir()
    path = tmp_path / "home" / "session.json"
    path.write_bytes(content)
    with pytest.raises(NotSignedIn, match=r"session\.json is damaged"):
        desk.sign_in.session("")
    with pytest.raises(NotSignedIn, match="forgotten but not revoked"):
        desk.sign_in.end("")
    assert not path.exists()


def test_a_code_goes_to_https_alone() -> None:
    with pytest.raises(SignInFailed, match="HTTPS"):
        OAuthEndpoint().refresh(replace(AWS, url="http://sign-in.example"), "secret")


@pytest.mark.parametrize("stack", ["../x", "a/b", "1a", "a b"])
def test_the_name_of_a_stack_names_no_other_file(tmp_path: Path, stack: str) -> None:
    with pytest.raises(NotSignedIn):
        SessionFiles(tmp_path).read(stack)


def test_the_command_signs_in_prints_a_token_alone_and_ends_the_session(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = {"EditorsSignInClient": "people", "EditorsSignInUrl": desk.authority.url}
    monkeypatch.setenv("NIGHTDESK_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(command, "connect", lambda stack: Cloud(outputs, stack=stack))
    monkeypatch.setattr(command, "Attempt", lambda *secrets: ATTEMPT)
    monkeypatch.setattr(command, "Loopback", lambda *_: desk.loopback)
    monkeypatch.setattr(command.webbrowser, "open", lambda url: desk.browse("GET", desk.choose(ADA)).status == 200)
    assert main(["login", "--token", "--stack", "news"]) == 2
    assert "nightdesk login" in capsys.readouterr().err
    assert main(["login", "--stack", "news"]) == 0
    shown = capsys.readouterr()
    assert shown.out == f"Signed in as Ada <{ADA}>, editor\n"
    assert desk.address in shown.err
    assert main(["login", "--token", "--stack", "news"]) == 0
    assert capsys.readouterr().out == f"{token_for(ADA, 'editor')}\n"
    assert main(["login", "--end", "--stack", "news"]) == 0
    assert main(["login", "--token", "--stack", "news"]) == 2
    kept = (tmp_path / "home" / "session-news.json").exists()
    assert not kept
    assert ATTEMPT.verifier not in str(shown)


class FakePool:
    """A user pool in which one user has never signed in, and another one has."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {"known@desk.example": "CONFIRMED"}

    def admin_get_user(self, UserPoolId: str, Username: str) -> dict[str, Any]:
        if Username not in self.states:
            raise ClientError({"Error": {"Code": "UserNotFoundException"}}, "AdminGetUser")
        attributes = [{"Name": "sub", "Value": "1"}, {"Name": "email", "Value": Username}]
        return {"UserStatus": self.states[Username], "UserAttributes": attributes}

    def admin_create_user(self, Username: str, TemporaryPassword: str, **_: Any) -> None:
        self.states[Username] = "FORCE_CHANGE_PASSWORD"

    def admin_set_user_password(self, Username: str, Permanent: bool, **_: Any) -> None:
        assert Permanent
        assert self.states[Username] != "CONFIRMED", "this user's password would be lost"
        self.states[Username] = "CONFIRMED"

    def admin_list_groups_for_user(self, **_: Any) -> dict[str, Any]:
        return {"Groups": [{"GroupName": "writer"}]}

    def _ignore(self, **_: Any) -> None:
        pass

    admin_update_user_attributes = admin_add_user_to_group = admin_remove_user_from_group = _ignore


@pytest.mark.parametrize("email", ["new@desk.example", "known@desk.example"])
def test_an_editor_who_is_added_can_reset_their_password_and_a_known_one_keeps_theirs(email: str) -> None:
    pool = FakePool()
    assert CognitoEditors(pool, "pool", "client").save(email, "Ada", "writer").role == "writer"
    assert pool.states[email] == "CONFIRMED"


def test_an_editor_without_aws_credentials_names_the_sign_in_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NIGHTDESK_HOME", str(tmp_path))
    monkeypatch.setattr(command, "CALLBACK_PORTS", (0,))
    monkeypatch.setattr(command, "_PATIENCE", 0.0)
    named = ["login", "--stack", "news", "--no-browser", "--url", "https://sign-in.example/", "--client", "people"]
    assert main(named) == 2
    shown = capsys.readouterr().err
    assert "https://sign-in.example/oauth2/authorize?response_type=code&client_id=people" in shown
    assert "Nobody signed in" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stack", "news", "--url", "https://sign-in.example"], "all three"),
        (["--url", "https://sign-in.example", "--client", "people"], "all three"),
        (["--stack", "news", "--client", "people", "--url", "http://sign-in.example"], "not an HTTPS address"),
        (["--stack", "news", "--client", "people", "--url", "sign-in.example"], "not an HTTPS address"),
    ],
)
def test_half_a_sign_in_page_is_explained(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["login", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_stack_of_an_earlier_release_is_told_to_deploy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "connect", lambda stack: Cloud({}, stack=stack))
    assert main(["login", "--stack", "old"]) == 2
    assert "Deploy it again" in capsys.readouterr().err
