"""House rules: which way imports point, what `core` may know, who writes a table, how long a thing may be.

Whoever breaks one on purpose says why where it is broken, or here.
"""

import ast
import fnmatch
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent

# What each folder may import of the others. bench and cli start each other: `chatledger bench` is a command like any
# other, and what it measures is the service as it is started.
MAY_IMPORT = {
    "core": set[str](),
    "books": {"core"},
    "finance": {"core", "books"},
    "channels": {"core", "books"},
    "http": {"core", "books", "finance", "channels"},
    "cli": {"core", "books", "finance", "channels", "http", "bench"},
    "bench": {"core", "books", "finance", "channels", "http", "cli"},
}

# What `core` may import: nothing that reads, writes, waits, tells the time or throws dice. (zoneinfo does read its
# tables, which are the same for everybody.)
PURE = {
    *("base64", "binascii", "bisect", "collections", "dataclasses", "datetime", "decimal", "enum", "fractions"),
    *("functools", "hashlib", "itertools", "ledger", "math", "msgspec", "operator", "re", "types", "typing"),
    *("unicodedata", "zoneinfo", "cryptography"),
}
IMPURE_CALLS = {
    *("open", "print", "input", "breakpoint", "exec", "eval", "__import__"),
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
}

# Python that may hold SQL which writes.
MAY_WRITE = {
    "ledger/bench": "the yardsticks are other ways to write, into tables of their own",
    "ledger/books/setup.py": "an upgrade says how far it has come",
}

# Functions of schema.sql that write to a table of another one.
SECOND_WRITERS = {
    ("create_ledger", "heads"): "an empty ledger has a head; from then on `commit` moves it",
    ("create_ledger", "settings"): "and settings, all at their defaults",
    ("erase", "aliases"): "what people may ask to have erased: the one change that is not a commit",
    ("erase", "entries"): "the same",
    ("erase_refusals", "refusals"): "the same",
}

LINES_MAX = 300
FUNCTION_LINES_MAX = 50
SAYS_WHY = "# long: "

TOP_LEVEL = {
    *("pyproject.toml", "README.md", "ledger", "schema.sql", "scripts", "tests"),
    *(".ci", ".gitignore", "LICENSE", "CHANGELOG.md", "requirements.lock", "dev-requirements.lock"),
}
MACHINE_PATHS = re.compile(r"(?<![\w.~])/(?:work|farm|root|Users)/|/tmp/[v]\b")
INDEX_HOSTS = re.compile(r"pypi\.org|python[h]osted\.org|index[-_]url", re.IGNORECASE)


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def place(path: Path, node: ast.expr | ast.stmt) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def imports(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Each import with the full name of what it imports: `ledger.core.money.Amount`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def tracked_files() -> list[Path]:
    """The repository's files; without git, all that are there but for what .gitignore names."""
    # Git refuses to look into a folder of another user's, for the sake of hooks that this command does not run.
    command = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-z"]
    try:
        names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = []
    if found := [ROOT / name for name in names if (ROOT / name).is_file()]:
        return found
    ignored = [".git", *(line.strip("/") for line in (ROOT / ".gitignore").read_text().split())]
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and not any(fnmatch.fnmatch(part, name) for part in path.relative_to(ROOT).parts for name in ignored)
    ]


def statements_that_write(sql: str) -> set[str]:
    """The tables that a piece of SQL writes to."""
    return set(
        re.findall(
            r"\b(?:INSERT INTO|DELETE FROM|MERGE INTO|TRUNCATE|COPY|(?<!FOR )(?<!DO )UPDATE(?= [\w.]+(?: \w+)? SET))"
            r"\s+(?:\w+\.)?(\w+)",
            re.sub(r"\s+", " ", re.sub(r"--.*", "", sql)),
        )
    )


def writes(path: Path) -> Iterator[tuple[ast.expr, str]]:
    """Where Python writes to a table, in a string or by a call of asyncpg's."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant | ast.JoinedStr):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)
            yield from ((node, table) for table in statements_that_write(text))
        elif isinstance(node, ast.Attribute) and node.attr in {"copy_records_to_table", "copy_to_table"}:
            yield node, node.attr


def writers_in_schema() -> set[tuple[str, str]]:
    """Which function of schema.sql writes to which table; `-` stands for what is outside of any function."""
    sql = (ROOT / "schema.sql").read_text(encoding="utf-8")
    function = re.compile(r"^CREATE (?:OR REPLACE )?FUNCTION (\w+)\(.*?\$\$(.*?)\$\$", re.DOTALL | re.MULTILINE)
    bodies = [*function.findall(sql), ("-", function.sub("", sql))]
    return {(name, table) for name, body in bodies for table in statements_that_write(body)}


def test_every_folder_of_the_product_has_its_place_among_the_layers() -> None:
    folders = {path.relative_to(ROOT / "ledger").parts[0] for path in python_files("ledger")}
    assert set() == folders - MAY_IMPORT.keys() - {"__init__.py", "__main__.py", "client.py"}


def test_what_a_client_signs_with_needs_nothing_but_the_core() -> None:
    assert {"core"} == {
        name.split(".")[1] for _, name in imports(ROOT / "ledger/client.py") if name.startswith("ledger.")
    }


def test_imports_between_the_layers_point_one_way() -> None:
    wrong = [
        f"{place(path, node)} imports {name}"
        for layer, others in MAY_IMPORT.items()
        for path in python_files(f"ledger/{layer}")
        for node, name in imports(path)
        if name.startswith("ledger.") and name.split(".")[1] in MAY_IMPORT.keys() - others - {layer}
    ]
    assert [] == wrong


def test_the_core_imports_no_io_no_clock_and_no_randomness() -> None:
    wrong = [
        f"{place(path, node)} imports {name}"
        for path in python_files("ledger/core")
        for node, name in imports(path)
        if name.split(".")[0] not in PURE
    ]
    assert [] == wrong


def test_the_core_asks_nobody_for_the_time_and_opens_no_file() -> None:
    wrong = [
        f"{place(path, node)} calls {ast.unparse(node.func)}"
        for path in python_files("ledger/core")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in IMPURE_CALLS
    ]
    assert [] == wrong


def test_no_python_writes_to_a_table_because_schema_sql_does() -> None:
    wrong = []
    for path in python_files("ledger"):
        if any(path.is_relative_to(ROOT / excepted) for excepted in MAY_WRITE):
            continue
        wrong += [f"{place(path, node)} writes to {table}" for node, table in writes(path)]
    assert [] == wrong


def test_each_table_is_written_by_one_function_of_schema_sql() -> None:
    tables = re.findall(r"^CREATE TABLE (\w+)", (ROOT / "schema.sql").read_text(encoding="utf-8"), re.MULTILINE)
    writers = writers_in_schema() - SECOND_WRITERS.keys()
    by_table = {table: sorted(name for name, written in writers if written == table) for table in tables}
    assert {} == {table: names for table, names in by_table.items() if len(names) != 1}


def test_every_second_writer_of_a_table_is_one_still() -> None:
    assert set() == SECOND_WRITERS.keys() - writers_in_schema()


def test_a_file_stays_short_unless_it_says_why() -> None:
    # schema.sql is the whole truth in one place, and a page of HTML is data: they are as long as they are.
    too_long = {}
    for path in python_files("ledger", "scripts", "tests"):
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > LINES_MAX and not any(line.startswith(SAYS_WHY) for line in lines):
            too_long[str(path.relative_to(ROOT))] = len(lines)
    assert {} == too_long


def test_a_function_stays_short_unless_it_says_why() -> None:
    too_long = {}
    for path in python_files("ledger", "scripts", "tests"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in functions(path):
            own = lines[node.lineno - 1 : node.end_lineno]
            if len(own) > FUNCTION_LINES_MAX and not any(line.strip().startswith(SAYS_WHY) for line in own):
                too_long[f"{place(path, node)} {node.name}"] = len(own)
    assert {} == too_long


def test_the_product_raises_and_never_asserts() -> None:
    asserts = [
        place(path, node)
        for path in python_files("ledger")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assert)
    ]
    assert [] == asserts


def test_no_import_is_hidden_from_the_running_program() -> None:
    hidden = [
        place(path, node)
        for path in python_files("ledger", "scripts", "tests")
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING")
        or (isinstance(node, ast.Attribute) and node.attr == "TYPE_CHECKING")
    ]
    assert [] == hidden


def test_the_name_of_a_test_is_a_sentence() -> None:
    names = [node.name for path in python_files("tests") for node in functions(path) if node.name.startswith("test_")]
    assert [] == [name for name in names if len(name.split("_")) < 1 + 4]


def test_the_top_level_holds_what_was_agreed_and_nothing_else() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked_files()} == TOP_LEVEL


def test_no_file_names_a_folder_of_somebodys_machine_or_a_package_index() -> None:
    wrong = []
    for path in tracked_files():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if MACHINE_PATHS.search(line) or INDEX_HOSTS.search(line):
                wrong.append(f"{path.relative_to(ROOT)}:{number} {line.strip()}")
    assert [] == wrong


def test_the_wheel_carries_schema_sql_beside_the_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        assert (ROOT / "schema.sql").read_bytes() == wheel.read("ledger/schema.sql")
