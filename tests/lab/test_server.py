"""Who may come in, what is sent with every answer, and how the server begins and ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref

import pytest
import uvicorn
import websockets

from symbreak.cli import run as command_line
from symbreak.errors import InvalidInput
from symbreak.lab import server as servers
from symbreak.lab import serving
from symbreak.lab.server import Allowance, Door, Lab, Limits
from symbreak.lab.serving import configured, listen


class Running:
    """A server in a thread of this process."""

    def __init__(self, limits: Limits | None = None, host: str = "127.0.0.1") -> None:
        self.socket = listen("127.0.0.1", 0)
        self.door = Door(host, self.socket.getsockname()[1])
        self.lab = Lab(self.door, limits)
        self.server = uvicorn.Server(configured(self.lab))
        self.thread = threading.Thread(target=lambda: asyncio.run(self.server.serve([self.socket])))

    def __enter__(self) -> Running:
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.door.port}"

    @property
    def cookie(self) -> str:
        return f"{self.door.cookie}={self.door.secret}"

    def get(self, path: str = "/", **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.door.port, timeout=30)
        connection.putrequest("GET", path, skip_host=True)
        for name, value in {"Host": self.host, **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        with contextlib.closing(connection):
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

    def connect(self, *, cookie: str | None = None, origin: str | None = None, **how):
        headers = {"Cookie": self.cookie if cookie is None else cookie}
        return websockets.connect(
            f"ws://{self.host}/ws",
            origin=f"http://{self.host}" if origin is None else origin or None,
            additional_headers=headers,
            max_size=2**24,
            compression=None,
            **how,
        )


@pytest.fixture(scope="module")
def running():
    with Running() as found:
        yield found


def test_the_token_is_exchanged_for_a_cookie(running):
    status, headers, _ = running.get(f"/?token={running.door.token}")
    assert (status, headers["location"]) == (303, "/")
    kept = {part.strip().lower() for part in headers["set-cookie"].split(";")}
    assert {"httponly", "samesite=lax", "path=/"} <= kept
    assert running.door.token not in str(headers)
    assert running.get(Cookie=headers["set-cookie"].split(";")[0])[0] == 200


@pytest.mark.parametrize(
    "path", ["/", "/?token=", "/?token=wrong", "/?token=%ff", "/index.html", "/presets.json", "/ws"]
)
@pytest.mark.parametrize("cookie", ["", "x=1", "{name}=", "{name}=wrong", "{name}=é"])
def test_a_stranger_sees_nothing(running, path, cookie):
    status, headers, body = running.get(path, Cookie=cookie.format(name=running.door.cookie))
    assert status == 401
    assert b"<" not in body
    assert "set-cookie" not in headers


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "[::1", "10.0.0.1:{port}", "a:b:c"]
)
def test_another_name_is_not_answered(running, host):
    named = host.format(port=running.door.port)
    assert running.get(f"/?token={running.door.token}", Host=named, Cookie=running.cookie)[0] in (400, 421)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "LOCALHOST"])
def test_its_own_names_are(running, name):
    assert running.get(Host=f"{name}:{running.door.port}", Cookie=running.cookie)[0] == 200


@pytest.mark.parametrize("path", ["/", "/presets.json", "/index.html", "/nothing", "/?token=wrong"])
def test_every_answer_has_the_headers(running, path):
    _, headers, _ = running.get(path, Cookie=running.cookie)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/../server.py", "/%2e%2e/server.py", "/..%2fserver.py", "//etc/passwd", "/%00"])
def test_only_the_page_is_served(running, path):
    status, _, body = running.get(path, Cookie=running.cookie)
    assert status in (400, 404, 405)
    assert b"import" not in body


def refusal(connecting) -> object:
    async def tried() -> object:
        try:
            async with connecting:
                return None
        except websockets.InvalidStatus as error:
            return error.response.status_code

    return asyncio.run(tried())


@pytest.mark.parametrize(
    "how",
    [
        {"cookie": ""},
        {"cookie": "symbreak-lab=1"},
        {"origin": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1"},
    ],
)
def test_a_socket_is_opened_by_our_page_only(running, how):
    assert refusal(running.connect(**how)) == 403


def test_a_guard_that_asks_nothing_would_be_noticed(running, monkeypatch):
    monkeypatch.setattr(Door, "knows_origin", lambda *_: True)
    assert refusal(running.connect(origin="http://evil.example")) is None
    monkeypatch.setattr(Door, "knows_cookie", lambda *_: True)
    assert running.get()[0] == 200


async def answered(socket, wanted: str) -> dict:
    async with asyncio.timeout(60):
        while True:
            message = json.loads(await socket.recv())
            if message["is"] in (wanted, "error"):
                return message


SET = json.dumps({"do": "set", "state": {"layers": [2], "networks": [{"init": "zeros"}]}})


def test_a_race_over_a_socket(running):
    async def story():
        async with running.connect() as page:
            await page.send(SET)
            state = await answered(page, "state")
            await page.send('{"do": "seek", "t": 30}')
            while (frame := await answered(page, "frame"))["t"] != 30:
                await page.send(json.dumps({"do": "seen", "frame": frame["frame"]}))
            return state, frame

    state, frame = asyncio.run(story())
    assert state["sizes"] == [2, 2, 1]
    assert frame["networks"][0]["effective"] == [1]


def test_a_message_that_is_too_long_closes_its_page_alone(running):
    async def story():
        async with running.connect() as page, running.connect() as other:
            await page.send("x" * (2**20 + 1))
            with pytest.raises(websockets.ConnectionClosed):
                await answered(page, "state")
            await other.send(SET)
            return await answered(other, "state"), page.close_code

    state, code = asyncio.run(story())
    assert (state["is"], code) == ("state", 1009)


def test_bytes_are_no_message(running):
    async def story():
        async with running.connect() as page:
            await page.send(b"\xff\x00")
            return await answered(page, "error")

    assert asyncio.run(story())["is"] == "error"


def test_so_many_pages_and_no_more():
    async def story(found):
        async with found.connect() as page:
            await page.send(SET)
            await answered(page, "state")
            async with found.connect() as second:
                with pytest.raises(websockets.ConnectionClosed):
                    await second.recv()
                code = second.close_code
        while found.lab.sessions:
            await asyncio.sleep(0.01)
        async with found.connect() as page:
            await page.send(SET)
            return code, (await answered(page, "state"))["is"]

    with Running(Limits(sessions=1)) as found:
        assert asyncio.run(story(found)) == (1013, "state")


def lab_threads() -> int:
    return sum(thread.name.startswith("symbreak-lab") for thread in threading.enumerate())


def test_a_closed_tab_frees_its_network_at_once(running):
    async def story():
        page = await running.connect()
        await page.send(SET)
        await page.send('{"do": "play", "speed": "max"}')
        await page.send('{"do": "map", "on": true}')
        await answered(page, "map")
        (session,) = running.lab.sessions
        race = weakref.ref(session._player.race)
        here = weakref.ref(session)
        del session
        assert race() is not None
        assert lab_threads() >= 2
        page.transport.abort()
        return race, here

    race, here = asyncio.run(story())
    begun = time.monotonic()
    while (race() or here() or lab_threads()) and time.monotonic() - begun < 20:
        gc.collect()
        time.sleep(0.02)
    assert race() is None
    assert here() is None
    assert lab_threads() == 0
    assert not running.lab.sessions


def test_a_page_that_leaves_in_the_middle_of_a_sentence_is_no_defect(running, caplog):
    async def story():
        for _ in range(5):
            page = await running.connect()
            await page.send(SET)
            await answered(page, "state")
            for _ in range(20):
                await page.send(SET)
                await page.send('{"do": "save"}')
            page.transport.abort()
        while running.lab.sessions:
            await asyncio.sleep(0.01)

    with caplog.at_level(logging.ERROR):
        asyncio.run(story())
    assert [record.getMessage() for record in caplog.records] == []


def test_a_page_that_says_too_much_waits():
    async def story() -> float:
        allowance, begun = Allowance(Limits(rate=200.0, burst=10)), time.monotonic()
        for _ in range(60):
            await allowance.spend()
        return time.monotonic() - begun

    # 50 messages more than may come at once, at 200 a second.
    assert asyncio.run(story()) >= 50 / 200 - 0.01


def test_the_engine_is_made_ready_while_the_page_opens(monkeypatch):
    warmed, told = threading.Event(), threading.Event()
    monkeypatch.setattr(serving, "warm", warmed.set)

    async def story() -> None:
        with listen("127.0.0.1", 0) as listening:
            server = uvicorn.Server(configured(Lab(Door("127.0.0.1", listening.getsockname()[1]))))
            running = asyncio.create_task(serving._serve(server, listening, told.set))
            while not (warmed.is_set() and told.is_set()):
                await asyncio.sleep(0.01)
            server.should_exit = True
            await running

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_port_in_use_is_one_clear_error(capsys):
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert command_line(["lab", "--no-browser", "--port", str(port)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert re.match(r"error: the lab cannot listen there\n  got: 127.0.0.1:\d+: Address already in use\n", told.err)
    assert "Traceback" not in told.err


@pytest.mark.parametrize("host", ["256.1.1.1", "no.such.host.invalid", "8.8.8.8", "x" * 300, "\x00"])
def test_a_host_that_is_not_ours_is_one_clear_error(host):
    with pytest.raises(InvalidInput, match="cannot listen") as told:
        listen(host, 0)
    assert told.value.hint.startswith("--host 127.0.0.1")


def test_the_command_prints_its_address_and_ends_at_once():
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "symbreak", "lab", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as lab:
        address = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=[\w-]{40,}", lab.stdout.readline())
        assert address
        with socket.create_connection(("127.0.0.1", int(address[1]))):
            lab.send_signal(signal.SIGINT)
            begun = time.monotonic()
            assert lab.wait(timeout=30) == 0
        assert time.monotonic() - begun < 10
        assert "Traceback" not in lab.stderr.read()


def test_all_of_the_machine_is_listened_to_only_if_asked():
    assert Door("0.0.0.0", 80).address.startswith("http://127.0.0.1:80/")
    assert Door("::1", 80).address.startswith("http://[::1]:80/")
    assert servers.PAGE.joinpath("index.html").exists()
