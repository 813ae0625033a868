"""The load: raw keep-alive sockets in one loop, so that it costs little beside what is measured.

Runs as a process of its own: `load.py` reads a JSON plan from its input and writes what it saw as JSON. A plan:
{"host", "port", "requests": [texts], "connections", "seconds", "rate": requests a second or 0 for a closed loop,
"patience": seconds after which an answer is of no use any more}.
"""

import contextlib
import json
import os
import selectors
import socket
import sys
import time
from collections import deque
from typing import Any

MOST_CONNECTIONS = 600
LINGER = 15.0


class Connection:
    """A socket with the answer that is coming in."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.received = bytearray()
        self.began = 0.0

    def send(self, request: bytes, began: float) -> None:
        """Send a request, counted from `began`."""
        self.began = began
        self.received.clear()
        self.socket.send(request)

    def read(self) -> tuple[int, bool, bool] | None:
        """Read what is there; return (status, says when to come again, closed) once the answer is whole."""
        try:
            piece = self.socket.recv(262_144)
        except BlockingIOError:
            return None
        except OSError:
            return 0, False, True
        if not piece:
            return 0, False, True
        self.received += piece
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self.received[:end]).lower()
        place = head.find(b"content-length:")
        if place >= 0:
            length = int(head[place + 15 :].split(b"\r\n", 1)[0])
            if len(self.received) < end + 4 + length:
                return None
        elif b"chunked" in head and not self.received.endswith(b"0\r\n\r\n"):
            return None
        return int(head[9:12]), b"\r\nretry-after:" in head, b"connection: close" in head


class Load:
    """A plan that is carried out."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.address = (plan["host"], int(plan["port"]))
        self.requests = [text.encode() for text in plan["requests"]]
        self.seconds, self.rate = float(plan["seconds"]), float(plan.get("rate") or 0)
        self.patience = float(plan.get("patience") or 3600)
        self.selector = selectors.DefaultSelector()
        self.idle: deque[Connection] = deque()  # in turn, so that each worker that took one gets its share
        self.opened = self.sent = self.unanswered = 0
        self.answers: list[tuple[float, float, int, bool]] = []
        for _ in range(int(plan["connections"])):
            self.idle.append(self.open())

    def open(self) -> Connection:
        """Open another connection."""
        connection = Connection(self.address)
        self.selector.register(connection.socket, selectors.EVENT_READ, connection)
        self.opened += 1
        return connection

    def send(self, began: float) -> None:
        """Send the next request over a connection that waits, or a new one."""
        connection = self.idle.popleft() if self.idle else self.open()
        connection.send(self.requests[self.sent % len(self.requests)], began)
        self.sent += 1

    def run(self) -> dict[str, Any]:
        """Send for the time of the plan, wait for what is under way, and return what was seen."""
        self.began = time.monotonic()
        until, due = self.began + self.seconds, self.began
        while (now := time.monotonic()) < until:
            if self.rate:
                while due <= now and (self.idle or self.opened < MOST_CONNECTIONS):
                    self.send(due)
                    due += 1 / self.rate
                self.receive(max(0.0, min(until, due) - time.monotonic()))
            else:
                while self.idle:
                    self.send(time.monotonic())
                self.receive(until - now)
        last = until + LINGER
        while len(self.idle) < self.opened and (now := time.monotonic()) < last:
            self.receive(last - now)
        return self.seen()

    def receive(self, seconds: float) -> None:
        """Take in what comes within some seconds."""
        for key, _events in self.selector.select(seconds):
            connection: Connection = key.data
            answer = connection.read()
            if answer is None:
                continue
            now = time.monotonic()
            status, comes_again, closed = answer
            self.answers.append((now - self.began, now - connection.began, status, comes_again))
            if closed:
                self.selector.unregister(connection.socket)
                connection.socket.close()
                self.opened -= 1
                if not self.rate and status:
                    self.idle.append(self.open())
            else:
                self.idle.append(connection)

    def seen(self) -> dict[str, Any]:
        """Return counts by status, and the times of the good answers, in milliseconds."""
        inside = [answer for answer in self.answers if answer[0] <= self.seconds]
        statuses: dict[str, int] = {}
        for _at, _took, status, _again in self.answers:
            statuses[str(status)] = statuses.get(str(status), 0) + 1
        good = [answer for answer in inside if answer[2] == 200 and answer[1] <= self.patience]
        refused = [answer for answer in self.answers if answer[2] in (429, 503)]
        return {
            "sent": self.sent,
            "answered": len(self.answers),
            "statuses": statuses,
            "good_a_second": len(good) / self.seconds,
            "milliseconds": sorted(round(took * 1000, 3) for at, took, status, _ in self.answers if status == 200),
            "refused": len(refused),
            "refused_with_retry_after": sum(again for *_rest, again in refused),
        }


if __name__ == "__main__":
    with contextlib.suppress(PermissionError):  # it stands for other machines, which do not wait for this one's cores
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    json.dump(Load(json.load(sys.stdin)).run(), sys.stdout)
