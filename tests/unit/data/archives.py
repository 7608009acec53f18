"""Small archives in the shape of the packages that carry public data."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

RATINGS = "\n".join(
    ["user_id:token\titem_id:token\trating:float\ttimestamp:float"]
    + [f"{1 + i % 3}\t{10 + i % 2}\t{1 + i % 5}\t{1000 - i}" for i in range(30)]
)
USERS = """user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token
1\t24\tM\twriter\t85711
2\t53\tF\tother\tV3N4P
3\t39\tM\tother\t00000"""
ITEMS = """item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq
10\tToy Story\t1995\tAnimation Children's Comedy
11\tunknown\tV\tunknown"""


def movielens(path: Path) -> Path:
    """Thirty ratings of two films by three users, the latest first."""
    with zipfile.ZipFile(path, "w") as archive:
        for kind, text in (("inter", RATINGS), ("user", USERS), ("item", ITEMS)):
            archive.writestr(f"recbole/dataset_example/ml-100k/ml-100k.{kind}", text)
    return path


def parquet(path: Path, **tables) -> Path:
    """`name=(member, columns)` for each table."""
    import pyarrow as pa
    from pyarrow.parquet import write_table

    with zipfile.ZipFile(path, "w") as archive:
        for member, columns in tables.values():
            data = io.BytesIO()
            write_table(pa.table(columns), data)
            archive.writestr(member, data.getvalue())
    return path
