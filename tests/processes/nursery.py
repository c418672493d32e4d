"""A process that has loaded a program's modules and forks a process for each run of it: a start without the loading.

python -m tests.processes.nursery FD MODULE…: FD is the stream of orders (born.py); the modules are loaded beforehand.

What is born is a process of its own, with its own number, memory, files, environment and signals: it runs a module as
`python -m` does, is killed as any other, and ends as the interpreter ends. All that it shares with one that was started
cold is what loading leaves. Not here: whether a program starts cold; tests of a start say so and use subprocess.

The order: 8 bytes of length, with them four descriptors (stdin, stdout, stderr, a stream for the answer), then JSON:
module, arguments, cwd, env. The answer: a line with the number of the process, and when it has ended one with its code.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from typing import NamedTuple

HEAD = 8
DESCRIPTORS = 4


class Order(NamedTuple):
    """What is to be run. `files`: stdin, stdout, stderr, the stream for the answer."""

    module: str
    arguments: list[str]
    cwd: str
    env: dict[str, str]
    files: list[int]


def read_order(orders: socket.socket) -> Order | None:
    """The next order; None when nobody gives any more."""
    head, files, _, _ = socket.recv_fds(orders, HEAD, DESCRIPTORS)
    if not head:
        return None
    head += _exactly(orders, HEAD - len(head))
    return Order(**json.loads(_exactly(orders, int.from_bytes(head, "big"))), files=files)


def _exactly(stream: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise EOFError("an order was cut short")
        data += piece
    return data


def nurse(orders: socket.socket) -> Order | None:
    """Forks for each order. Returns in each child with its order, and in the nursery, at the end, with None."""
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # A terminal sends it to everybody, and the tests say when this one ends. A child takes what it was sent meanwhile.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    answers: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as selector:
        for stream in (orders, woken):
            selector.register(stream, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if woken in ready:
                woken.recv(4096)
                _tell_who_ended(answers)
            if orders not in ready:
                continue
            order = read_order(orders)
            if order is None:
                return None
            pid = os.fork()
            if pid == 0:
                return order
            answer = answers[pid] = socket.socket(fileno=order.files.pop())
            for file in order.files:
                os.close(file)
            _say(answer, pid)


def _tell_who_ended(answers: dict[int, socket.socket]) -> None:
    while answers:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with answers.pop(pid) as answer:
            _say(answer, os.waitstatus_to_exitcode(status))


def _say(answer: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # who asked may no longer listen
        answer.sendall(b"%d\n" % number)


def become(order: Order) -> None:
    """Makes this process what `python -m` would have made it."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    for number, file in enumerate(order.files[:3]):
        os.dup2(file, number)
    os.closerange(3, 1 + max(map(int, os.listdir("/dev/fd"))))
    os.chdir(order.cwd)
    os.environ.clear()
    os.environ.update(order.env)
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", closefd=False, errors="backslashreplace", buffering=1)
    sys.argv[1:] = order.arguments
    sys.modules.pop(order.module, None)  # it runs as __main__, from its first line


def main() -> None:
    """Loads, then forks; a child goes on from here."""
    for module in sys.argv[2:]:
        importlib.import_module(module)
    gc.freeze()  # what is loaded is not looked at again by any child
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        order = nurse(orders)
        if order is not None:
            orders.detach()
    if order is not None:
        become(order)
        runpy.run_module(order.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
