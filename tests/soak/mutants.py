"""Mutation testing: change one operator, comparison or constant of a module and see whether its tests notice.

`python tests/soak/mutants.py MODULE ...` prints, as JSON, the number of mutants and the survivors of each module.
Each mutant lives in a forked child that has the libraries, but not the project, imported already.
"""

import ast
import copy
import importlib.abc
import importlib.util
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

SOURCE = Path(__file__).parents[2] / "src"
TESTS = Path(__file__).parents[1]
SECONDS = 120
"""Most that the tests of a module may take; those of a mutant may take five times what they take without a change."""
TARGETS = {
    "errors": ["test_errors.py"],
    "series.model_input": ["series/test_model_input.py", "datasets/test_model_input.py"],
    "series.bundle_format": ["series/test_model_input.py", "datasets/test_model_input.py"],
    "series.lazy_windows": ["series/test_lazy_windows.py"],
    "series.splits": ["series/test_splits.py"],
    "series.scaling": ["series/test_scaling.py"],
    "series.windows": ["series/test_windows.py"],
    "datasets.storage": ["datasets/test_storage.py", "datasets/test_files.py"],
    "datasets.arrays": ["datasets/test_arrays.py", "datasets/test_model_input.py"],
    "datasets.locks": ["datasets/test_locks.py"],
    "datasets.files": ["datasets/test_files.py"],
    "datasets.filled_series": ["datasets/test_filled_series.py"],
    "datasets.inputs": ["datasets/test_inputs.py"],
    "datasets.model_input": ["datasets/test_model_input.py"],
    "datasets.trained_run": ["datasets/test_trained_run.py"],
}
OTHER: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt,), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt,),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Add: (ast.Sub,), ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,), ast.Mod: (ast.FloorDiv,),
    ast.And: (ast.Or,), ast.Or: (ast.And,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
}  # fmt: skip


def make_mutants(tree: ast.Module) -> Iterator[tuple[str, ast.Module]]:
    """Yield every tree that differs in one place, with the place and the change."""
    for position, node in enumerate(ast.walk(tree)):
        for field, change, value in changes(node):
            mutant = copy.deepcopy(tree)
            target = next(item for number, item in enumerate(ast.walk(mutant)) if number == position)
            setattr(target, field, value)
            line = getattr(node, "lineno", 0)
            yield f"line {line}: {ast.unparse(node)[:90]} -> {change}", mutant


def changes(node: ast.AST) -> Iterator[tuple[str, str, object]]:
    if isinstance(node, ast.BinOp | ast.BoolOp):
        for kind in OTHER.get(type(node.op), ()):
            yield "op", kind.__name__, kind()
    elif isinstance(node, ast.Compare):
        for kind in OTHER.get(type(node.ops[0]), ()):
            yield "ops", kind.__name__, [kind(), *node.ops[1:]]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "op", "without not", ast.UAdd()
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "value", str(not node.value), not node.value
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield "value", str(node.value + 1), node.value + 1
    elif isinstance(node, ast.If | ast.IfExp):
        for value in (True, False):
            yield "test", f"if {value}", ast.Constant(value)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Give out one module changed."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name, self.path, self.tree = name, path, tree

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(ast.fix_missing_locations(self.tree), self.path, "exec"), vars(module))


def survives(name: str, path: Path, tree: ast.Module, tests: list[str], seconds: float) -> bool:
    """Run the tests on a mutant in a child; one that hangs or crashes is found out."""
    child = os.fork()
    if child == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        import pytest

        sys.meta_path.insert(0, _Finder(name, path, tree))
        arguments = ["-x", "-q", "-p", "no:cacheprovider", *(str(TESTS / test) for test in tests)]
        os._exit(int(pytest.main(arguments)))
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        finished, status = os.waitpid(child, os.WNOHANG)
        if finished:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def main(modules: list[str]) -> None:
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # no module's tests need one, and they load slowly
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"  # the smallest example is of no interest, and takes long to find
    # Not pytest and its plugins: a child's pytest would warn that it cannot rewrite them any more.
    import kedro.io
    import omegaconf
    import pandas
    import pyarrow.csv
    import pydantic

    del kedro, omegaconf, pandas, pyarrow, pydantic
    for module in modules or TARGETS:
        path = SOURCE / "spline_lstm" / f"{module.replace('.', '/')}.py"
        name, tree = f"spline_lstm.{module}", ast.parse(path.read_text())
        started = time.monotonic()
        if not survives(name, path, tree, TARGETS[module], SECONDS):
            raise SystemExit(f"{module}: the tests fail without any change")
        patience = 5 * (time.monotonic() - started)
        survivors, count = [], 0
        for change, mutant in make_mutants(tree):
            count += 1
            if survives(name, path, mutant, TARGETS[module], patience):
                survivors.append(change)
        print(json.dumps({"module": module, "mutants": count, "survivors": survivors}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
