"""A compiled kernel is used again as long as nothing in its room changed."""

import os
import subprocess
import sys

import pytest
from numba import njit

from monolith.core.kernel_cache import keep

ROOM = {
    "above/__init__.py": "",
    "above/room/__init__.py": "",
    "above/room/deep/__init__.py": "",
    "above/room/deep/part.py": "from numba import njit\n\n@njit\ndef part():\n    return 1\n",
    "above/room/whole.py": """
from numba import njit
from numba.core.ccallback import CFunc
from numba.types import int64
from above.room.deep.part import part
from monolith.core.kernel_cache import keep

def whole():
    return part()

kernel = njit(whole)
assert keep(kernel)
formula = CFunc(whole, ((), int64), {}, {})
assert keep(formula)
formula.compile()
print(kernel(), sum(kernel.stats.cache_hits.values()), formula.ctypes(), formula.cache_hits)
""",
    "above/other.py": "",
}


@pytest.fixture
def told(tmp_path):
    """What a process tells that runs the kernel: its answer and the formula's, each with what was kept."""
    for name, text in ROOM.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    def run():
        environ = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kept")}
        command = f"import sys; sys.path.append({str(tmp_path)!r}); import above.room.whole"
        ran = subprocess.run([sys.executable, "-c", command], env=environ, check=True, stdout=subprocess.PIPE)
        return ran.stdout.decode().split()

    return run


def test_kept_until_a_file_of_the_room_changes(told, tmp_path):
    assert told() == ["1", "0", "1", "0"]
    (tmp_path / "above/other.py").write_text("changed = True")
    assert told() == ["1", "1", "1", "1"]
    part = tmp_path / "above/room/deep/part.py"
    part.write_text(part.read_text().replace("return 1", "return 1 + 1"))
    assert told() == ["2", "0", "2", "0"]
    assert told() == ["2", "1", "2", "1"]


def test_nowhere_to_keep_it():
    compiled = njit(eval("lambda x: x + 1"))
    assert not keep(compiled)
    assert compiled(1) == 2
