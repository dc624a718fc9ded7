"""The command line: solve, check, explain, convert, generate, plot."""

import argparse
import contextlib
import gc
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from placement.answer import Answer, Status
from placement.checker import check_plan, check_start
from placement.engine import Options, solve
from placement.errors import InputError
from placement.formats.files import read_instance, read_plan, write_instance, write_plan
from placement.generate import SCENARIOS, Recipe, generate
from placement.instance import DEFAULT_TERM, Instance, Mode, Objective, parse_objective

SOLVED, BAD_INPUT, INFEASIBLE, NOTHING_FOUND = 0, 2, 3, 4
"""Exit codes."""


class _Parser(argparse.ArgumentParser):
    """One line for a wrong option, exit code 2."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    try:
        options = _parser().parse_args(arguments)
        code: int = options.run(options)
    except InputError as error:
        print(f"placement: {' '.join(str(error).split())}", file=sys.stderr)  # noqa: T201
        return BAD_INPUT
    except KeyboardInterrupt:
        print("placement: interrupted", file=sys.stderr)  # noqa: T201
        return NOTHING_FOUND
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m placement", description="Where VMs go, and how they get there.")
    commands = parser.add_subparsers(required=True, parser_class=_Parser)
    _solve_parser(commands)
    check = commands.add_parser("check", help="judge a plan, independently of the search")
    check.add_argument("instance", type=Path)
    check.add_argument("plan", type=Path)
    check.set_defaults(run=_check)
    explain = commands.add_parser("explain", help="what is violated now, and why a repair is not possible")
    explain.add_argument("instance", type=Path)
    explain.add_argument("--mode", choices=list(Mode), default=Mode.REPAIR, type=Mode)
    explain.add_argument("--time-limit", type=_seconds, default=30.0)
    explain.set_defaults(run=_explain)
    convert = commands.add_parser("convert", help="between BtrPlace's JSON and our own format (.pl), gzip where .gz")
    convert.add_argument("source", type=Path)
    convert.add_argument("target", type=Path)
    convert.set_defaults(run=_convert)
    _generate_parser(commands)
    plot = commands.add_parser("plot", help="draw a plan: actions over time, hosts before and after")
    plot.add_argument("plan", type=Path)
    plot.add_argument("picture", type=Path)
    plot.set_defaults(run=_plot)
    return parser


def _seconds(text: str) -> float:
    """A time limit: a number above 0 (ValueError for any other text)."""
    seconds = float(text)
    if not seconds > 0:
        raise InputError(f"--time-limit must be above 0 s, it is {text}")
    return seconds


def _solve_parser(commands: Any) -> None:
    command = commands.add_parser("solve", help="find a placement and a plan")
    command.add_argument("instance", type=Path)
    command.add_argument("--mode", choices=list(Mode), required=True, type=Mode)
    command.add_argument("--objective", help="term,term (in order) or term=weight,term=weight")
    command.add_argument("--payback", type=int, default=3600, help="seconds within which a change must pay (energy)")
    command.add_argument("--time-limit", type=_seconds, help="seconds; without it the answer depends on the seed alone")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--out", type=Path, help="write the plan here")
    command.add_argument("--progress", action="store_true", help="one line on standard error for each improvement")
    command.set_defaults(run=_solve)


def _generate_parser(commands: Any) -> None:
    command = commands.add_parser("generate", help="an instance of the published distribution, or a harder one")
    command.add_argument("target", type=Path)
    for field in fields(Recipe):
        if field.name == "scenario":
            command.add_argument("--scenario", choices=SCENARIOS, default=field.default)
        elif isinstance(field.default, bool):
            command.add_argument(f"--{field.name}", action="store_true")
        else:
            command.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    command.set_defaults(run=_generate)


def _print(content: dict[str, Any]) -> None:
    json.dump(content, sys.stdout)
    print()  # noqa: T201


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Reading makes many objects and no garbage: looking for some would take a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _read(path: Path) -> Instance:
    with _without_collection():
        return read_instance(path)


def _solve(options: argparse.Namespace) -> int:
    if not 0 <= options.seed < 1 << 31:
        raise InputError("--seed must be a whole number from 0 to 2147483647")
    terms = DEFAULT_TERM[options.mode].value if options.objective is None else options.objective
    objective = parse_objective(terms, options.payback)
    started = time.monotonic()
    instance = _read(options.instance)
    read = time.monotonic() - started
    progress = _tell if options.progress else None
    answer = solve(instance, options.mode, objective, Options(options.seed, options.time_limit, progress=progress))
    if options.out is not None and answer.plan is not None and not answer.violations:
        write_plan(options.out, answer.plan)
    summary = answer.summary()
    summary["seconds"] = {"read": round(read, 4), **summary["seconds"]}
    _print(summary)
    return _exit_code(answer)


def _exit_code(answer: Answer) -> int:
    codes = {Status.INFEASIBLE: INFEASIBLE, Status.UNKNOWN: NOTHING_FOUND}
    return codes.get(answer.status, SOLVED)


def _tell(cost: int | None, bound: int | None, seconds: float) -> None:
    print(f"{seconds:.2f} s: cost {cost}, bound {bound}", file=sys.stderr, flush=True)  # noqa: T201


def _check(options: argparse.Namespace) -> int:
    instance = _read(options.instance)
    plan = read_plan(options.plan)
    verdict = check_plan(instance, plan)
    _print(
        {
            "legal": verdict.legal,
            "violations": [str(v) for v in verdict.violations],
            "actions": len(plan.actions),
            "makespan": plan.makespan,
            "sum_of_ends": plan.sum_of_ends,
        }
    )
    return SOLVED if verdict.legal else INFEASIBLE


def _explain(options: argparse.Namespace) -> int:
    instance = _read(options.instance)
    answer = solve(instance, options.mode, Objective((DEFAULT_TERM[options.mode],)), Options(0, options.time_limit))
    result: dict[str, Any] = {"status": answer.status.value, "proof": answer.proof}
    result["violated_now"] = [str(v) for v in check_start(instance)]
    if answer.explanation is not None:
        result["explanation"] = answer.explanation.as_json()
    _print(result)
    return _exit_code(answer)


def _convert(options: argparse.Namespace) -> int:
    write_instance(options.target, _read(options.source))
    return SOLVED


def _generate(options: argparse.Namespace) -> int:
    values = {field.name: getattr(options, field.name) for field in fields(Recipe)}
    write_instance(options.target, generate(Recipe(**values)))
    return SOLVED


def _plot(options: argparse.Namespace) -> int:
    from placement.plot import draw  # noqa: PLC0415

    if options.picture.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(f"{options.picture}: a picture ends in .png, .svg or .pdf")
    draw(read_plan(options.plan), options.picture)
    return SOLVED
