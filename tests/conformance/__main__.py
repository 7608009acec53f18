"""Print the table of laws, and put it into docs/discovery.md."""

from tests.conformance.table import PAGE, page, table

print(table())
PAGE.write_text(page(PAGE.read_text()))
