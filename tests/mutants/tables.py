"""Bugs of rows and of the memory that they take, with many threads at once."""

from tests.mutants.planting import Bug

THREADS = "tests/unit/table/test_threads.py"
COPYING = """        self.times.copy(old, new)
        if self._journal:
            self._journal.copy(old, new)
"""

BUGS = [
    Bug(
        "A row that is changed while it is read is given out",
        "monolith/table/rowlock.py",
        "return load(cells, place, 1) == word",
        "return True",
        THREADS,
    ),
    Bug(
        "Two threads change a row at once",
        "monolith/table/rowlock.py",
        "return word > 0 and replace(cells, place, 1, word, word | CHANGING)",
        "return replace(cells, place, 1, word, word | CHANGING) or True",
        THREADS,
    ),
    Bug(
        "Who holds a row waits for another",
        "monolith/table/rowlock.py",
        "            if i != begin:\n                return i\n",
        "",
        THREADS,
    ),
    Bug(
        "A row looks as if nobody had changed it",
        "monolith/table/rowlock.py",
        "(np.uint64(word) + np.uint64(CHANGE)) & NOT_CHANGING",
        "np.uint64(word) & NOT_CHANGING",
        THREADS,
    ),
    Bug(
        "Rows move to other places while others read",
        "monolith/table/all_rows.py",
        "                with self._turns.alone:\n                    self._store.close_gaps(span)\n",
        "                with self._turns.shared:\n                    self._store.close_gaps(span)\n",
        THREADS,
    ),
    Bug(
        "Each table forgets as many rows, however old they are",
        "monolith/table/eviction.py",
        "[_share(one, cutoff, part) for one in samples]",
        "[min(one.rows, excess // sum(s.row_bytes for s in samples) + 1) for one in samples]",
        "tests/unit/table/test_budget.py",
    ),
    Bug(
        "What rows took that left a while ago is kept, and more rows leave for it",
        "monolith/table/budget.py",
        "            self._close_gaps()\n",
        "",
        "tests/unit/table/test_budget.py",
    ),
    Bug(
        "A quarter of what rows took that left is kept, however few are left",
        "monolith/table/index.py",
        "min(self.spare // KEPT, live // SPARE)",
        "self.spare // KEPT",
        "tests/unit/table/test_budget.py",
    ),
    Bug(
        "A fid that finds no cell in the newest split is let in",
        "monolith/table/admission/cells.py",
        "return after, cell_of(splits[after], begin, sign, steps)",
        "return after, NOWHERE",
        "tests/unit/table/admission/test_hash_filter.py",
    ),
    Bug(
        "A filter takes small integers for each other",
        "monolith/table/admission/cells.py",
        "return mix(fid) >> np.uint64(64 - bits)",
        "return np.uint64(fid) >> np.uint64(64 - bits)",
        "tests/unit/table/admission/test_hash_filter.py",
    ),
    Bug(
        "Steps that stand for times say how late it is, and rows expire by them",
        "monolith/table/all_rows.py",
        "self._store.times.told if now is None",
        "self._store.times.latest if now is None",
        "tests/unit/table/test_retention.py",
    ),
    Bug(
        "A restored table does not know how late it was",
        "monolith/table/store.py",
        "        self.times.told = rows.latest_told\n",
        "",
        "tests/unit/table/test_retention.py",
    ),
    Bug(
        "What a filter remembers is read whatever its format",
        "monolith/checkpoint/filterfile.py",
        "if number != FORMAT:",
        "if number < FORMAT:",
        "tests/unit/checkpoint/test_filterfile.py",
    ),
    Bug(
        "Who brings rows does not wait until others have left",
        "monolith/ps/tables.py",
        "        if self.budget:\n            self.budget.hold()\n",
        "        pass\n",
        "tests/unit/ps/test_state.py",
    ),
    Bug(
        "Rows are written into room that does not fit them",
        "monolith/table/table.py",
        "if out.shape != (count, dim) or out.dtype != np.float32 or not out.flags.c_contiguous:",
        "if out.dtype != np.float32:",
        "tests/unit/table/test_table.py",
    ),
    Bug(
        "A kernel that was compiled with old subroutines is used again",
        "monolith/core/kernel_cache.py",
        "file._source_stamp = stamp(_room(compiled.__wrapped__.__module__))",
        "file._source_stamp = file._source_stamp",
        "tests/unit/core/test_kernel_cache.py",
    ),
    Bug(
        "Memory for new rows is looked for while all others wait",
        "monolith/table/sharing.py",
        "            first(some)\n            with self._turns.alone:\n",
        "            with self._turns.alone:\n                first(some)\n",
        THREADS,
    ),
    Bug(
        "Rows have other numbers before their times are there, for which there may be no memory",
        "monolith/table/store.py",
        f"{COPYING}        self.index.renumber(fids, old, new)  # last: this cannot fail\n",
        f"        self.index.renumber(fids, old, new)\n{COPYING}",
        "tests/unit/table/test_store.py",
    ),
    Bug(
        "Ids keep rows that there was no memory to begin",
        "monolith/table/store.py",
        "            self.index.remove(unknown)\n",
        "",
        "tests/unit/table/test_store.py",
    ),
    Bug(
        "A change that there was no memory to note is lost",
        "monolith/table/journal.py",
        "                except MemoryError:\n                    self._lose()\n",
        "                except MemoryError:\n                    raise\n",
        "tests/unit/table/test_store.py",
    ),
    Bug(
        "All that must leave leave one slice, as long as it has any",
        "monolith/table/eviction.py",
        "min(due, most, count)",
        "min(most, count)",
        "tests/unit/table/test_retention.py",
    ),
]
