"""Redis on a Unix socket: a row and its state are one value, read by one MGET and written by one MSET.

It is another process behind a socket, as a parameter server is: its figures say what a general store costs.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import redis
from worker import EPSILON, LEARNING_RATE, START, Contender, Way, resident, serve

BATCH = 1 << 14
START_WITHIN_S = 10


class RedisPipeline(Contender):
    def __init__(self, fids: np.ndarray, dim: int) -> None:
        super().__init__(fids, dim)
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")
        socket = str(Path(self._folder.name) / "socket")
        options = ("--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no")
        self._server = subprocess.Popen(["redis-server", *options, "--dir", self._folder.name])
        self._client = redis.Redis(unix_socket_path=socket)
        self._wait()
        row = np.repeat(np.float32([0.5, START]), dim).tobytes()
        for at in range(0, len(fids), BATCH):
            self._client.mset(dict.fromkeys(_keys(fids[at : at + BATCH]), row))

    def _wait(self) -> None:
        patience = time.monotonic() + START_WITHIN_S
        while not self._answers():
            if time.monotonic() > patience or self._server.poll() is not None:
                raise TimeoutError(f"redis-server did not answer within {START_WITHIN_S} s")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return bool(self._client.ping())
        except redis.ConnectionError:
            return False

    def lookups(self) -> dict[str, Way]:
        return {"redis mget": lambda query: self._read(query[0])[:, : self.dim].copy()}

    def updates(self) -> dict[str, Way]:
        return {"redis mget, adagrad, mset": self._adagrad}

    def query(self, numbers: np.ndarray) -> object:
        return _keys(self.fids[numbers]), self.grads(numbers)

    def memory(self) -> int:
        return resident() + resident(self._server.pid)

    def close(self) -> None:
        self._server.terminate()
        self._server.wait(10)
        self._folder.cleanup()

    def _read(self, keys: list[bytes]) -> np.ndarray:
        joined = b"".join(self._client.mget(keys))
        return np.frombuffer(joined, np.float32).reshape(len(keys), 2 * self.dim)

    def _adagrad(self, query: tuple[list[bytes], np.ndarray]) -> None:
        keys, grads = query
        rows = self._read(keys).copy()
        rows[:, self.dim :] += grads * grads
        rows[:, : self.dim] -= LEARNING_RATE * grads / (np.sqrt(rows[:, self.dim :]) + EPSILON)
        body, width = rows.tobytes(), rows.strides[0]
        self._client.mset({key: body[n * width : (n + 1) * width] for n, key in enumerate(keys)})


def _keys(fids: np.ndarray) -> list[bytes]:
    body = fids.tobytes()
    return [body[at : at + 8] for at in range(0, len(body), 8)]


if __name__ == "__main__":
    serve(RedisPipeline)
