"""The command line. Exit codes: 0 acceptable or done, 1 not acceptable or different, 2 cannot be read or done."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from ovf import environment, judge, summary
from ovf.checking import check, signature_of
from ovf.diff import diff
from ovf.errors import OvfError, RefusedError, UnreadableError
from ovf.export import export, safe_stem
from ovf.findings import Finding, acceptable
from ovf.hrefs import Kind, classify
from ovf.machine import Deployment
from ovf.opened import OpenPackage, open_package
from ovf.packing import Piece, Signer, head, pack, unpack
from ovf.profiles import EXPORTS, PROFILES
from ovf.progress import Bar
from ovf.remote import RemotePolicy
from ovf.resolve import resolve
from ovf.rules import Severity
from ovf.signature import Trust, TrustStore

OK, NO, FAILED = 0, 1, 2


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except OvfError as error:
        _complain(error)
        return NO if isinstance(error, RefusedError) else FAILED
    except (BrokenPipeError, KeyboardInterrupt):
        return FAILED
    except OSError as error:
        sys.stderr.write(f"error: {summary.printable(str(error.filename or ''))}: {error.strerror}\n")
        return FAILED


def _complain(error: OvfError, file: str = "") -> None:
    place = f"{file}: " if file and file not in str(error) else ""
    sys.stderr.write(f"error: {summary.printable(place + str(error))}\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{summary.printable(line)}\n")


def _inspect(options: argparse.Namespace) -> int:
    opened = open_package(options.file)
    findings = check(opened, file=str(options.file))
    deployment: Deployment | None = None
    refusal: RefusedError | None = None
    if acceptable(findings):
        try:
            deployment = resolve(opened.package, options.configuration, _pairs(options.property))
        except RefusedError as error:
            refusal = error
    if options.json:
        json.dump(summary.as_data(opened, deployment, findings), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        for line in summary.as_text(opened, deployment, findings):
            _say(line)
    if refusal is not None:
        _complain(refusal)
    return OK if acceptable(findings) and refusal is None else NO


def _pairs(stated: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for one in stated:
        key, equals, value = one.partition("=")
        if not equals:
            raise OvfError(f"{one!r} is no property", remedy="write key=value")
        pairs[key] = value
    return pairs


def _validate(options: argparse.Namespace) -> int:
    worst, report = OK, []
    for file in options.files:
        try:
            findings = _findings(file, strict=options.strict)
        except UnreadableError as error:
            _complain(error, str(file))
            worst = FAILED
            report.append({"file": str(file), "readable": False, "acceptable": False, "error": str(error)})
            continue
        except RefusedError as error:
            _complain(error, str(file))
            worst = max(worst, NO)
            report.append({"file": str(file), "readable": True, "acceptable": False, "error": str(error)})
            continue
        worst = max(worst, OK if acceptable(findings) else NO)
        report.append(
            {
                "file": str(file),
                "readable": True,
                "acceptable": acceptable(findings),
                "findings": [summary.finding_data(finding) for finding in findings],
            }
        )
        if not options.json:
            _tell(file, findings)
    if options.json:
        json.dump(report, sys.stdout, indent=2)
        sys.stdout.write("\n")
    return worst


def _findings(file: Path, *, strict: bool, store: TrustStore | None = None) -> list[Finding]:
    opened = open_package(file)
    with Bar(_total(opened)) as bar:
        return check(opened, strict=strict, store=store, progress=bar.advance, file=str(file))


def _total(opened: OpenPackage) -> int:
    return sum(opened.storage.size(name) or 0 for name in opened.storage.names()) if not opened.is_bare else 0


def _tell(file: Path, findings: list[Finding]) -> None:
    for finding in findings:
        _say(str(finding))
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    verdict = "not acceptable" if errors else "acceptable"
    _say(f"{file}: {verdict} ({errors} error(s), {len(findings) - errors} warning(s))")


def _acceptable_package(file: Path) -> OpenPackage:
    """An opened package that may be worked on.

    Raises:
        RefusedError: judgement refuses it.
    """
    opened = open_package(file)
    with Bar(_total(opened)) as bar:
        findings = check(opened, progress=bar.advance, file=str(file))
    _refuse_errors(findings, file)
    return opened


def _refuse_errors(findings: list[Finding], file: Path) -> None:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        for finding in errors:
            sys.stderr.write(f"{summary.printable(str(finding))}\n")
        raise RefusedError("is not acceptable", where=str(file), remedy="see the findings above")


def _convert(options: argparse.Namespace) -> int:
    opened = _acceptable_package(options.file)
    with Bar() as bar:
        done = export(
            opened,
            options.target,
            PROFILES[options.profile],
            signer=_signer(options),
            passwords=options.passwords,
            remote=RemotePolicy(frozenset(host.lower() for host in options.allow_host)),
            progress=bar.share,
        )
    for loss in done.losses:
        _say(f"lost: {loss}")
    _say(f"{options.target}: written for {options.profile}, {len(done.losses)} item(s) lost")
    return OK


def _signer(options: argparse.Namespace) -> Signer | None:
    if options.key is None and options.cert is None:
        return None
    if options.key is None or options.cert is None:
        raise OvfError("signing needs both --key and --cert")
    return Signer(options.key.read_bytes(), options.cert.read_bytes())


def _pieces(opened: OpenPackage) -> list[Piece]:
    """Every file of the package as it is stored, chunks one by one, in the order of References."""
    pieces: dict[str, Piece] = {}
    for file in opened.package.files:
        if classify(file.href) is Kind.LOCAL:
            for name in opened.locate(file):
                size = opened.storage.size(name) or 0
                pieces.setdefault(name, Piece(name, size, lambda name=name: opened.storage.open(name)))  # type: ignore[misc]
    return list(pieces.values())


def _pack(options: argparse.Namespace) -> int:
    opened = _acceptable_package(options.file)
    pieces = _pieces(opened)
    with Bar(2 * sum(piece.size for piece in pieces)) as bar:
        stem = safe_stem(options.target.stem)
        pack(
            opened.data,
            stem,
            pieces,
            options.target,
            digest=options.digest,
            signer=_signer(options),
            progress=bar.advance,
        )
    _say(f"{options.target}: {len(pieces)} file(s) packed")
    return OK


def _unpack(options: argparse.Namespace) -> int:
    with Bar(options.file.stat().st_size) as bar:
        written = unpack(options.file, options.target, resume=options.resume, progress=bar.advance)
    findings = _findings(options.target, strict=False)
    _tell(options.target, findings)
    _say(f"{options.target}: {summary.size(written)} unpacked")
    return OK if acceptable(findings) else NO


def _sign(options: argparse.Namespace) -> int:
    opened = _acceptable_package(options.file)
    target = options.target or (options.file if not opened.is_bare else options.file.parent)
    stem = safe_stem(Path(opened.descriptor_name).stem)
    pieces, signer = _pieces(opened), _signer(options)
    with Bar(2 * sum(piece.size for piece in pieces)) as bar:
        if target.is_dir() and target.resolve() == opened.storage.path.resolve():
            if stem != Path(opened.descriptor_name).stem:
                raise OvfError("the descriptor's name cannot be signed in place", remedy="give another target")
            made = head(opened.data, stem, pieces, options.digest, signer=signer, progress=bar.advance)
            for name, data in made[1:]:
                (target / name).write_bytes(data)
        else:
            pack(opened.data, stem, pieces, target, digest=options.digest, signer=signer, progress=bar.advance)
    _say(f"{target}: signed")
    return OK


def _verify(options: argparse.Namespace) -> int:
    store = TrustStore.load([one.read_bytes() for one in options.trust], [one.read_bytes() for one in options.crl])
    opened = open_package(options.file)
    with Bar(_total(opened)) as bar:
        findings = check(opened, store=store, progress=bar.advance, file=str(options.file))
    verdict = signature_of(opened, store)
    for finding in findings:
        if finding.code.startswith("package."):
            _say(str(finding))
    has_manifest = opened.manifest_bytes is not None
    _say(f"manifest    {'present' if has_manifest else 'missing'}")
    _say(f"signature   {verdict.trust.value}{f': {verdict.detail}' if verdict.detail else ''}")
    if verdict.signer:
        _say(f"signer      {verdict.signer}")
    intact = has_manifest and not any(
        one.code.startswith("package.") and one.severity is Severity.ERROR for one in findings
    )
    return OK if intact and verdict.trust is Trust.TRUSTED else NO


def _env(options: argparse.Namespace) -> int:
    if options.read:
        return _read_env(options.file)
    opened = open_package(options.file)
    _refuse_errors(judge.findings(opened.reading, file=str(options.file)), options.file)
    deployment = resolve(opened.package, options.configuration, _pairs(options.property))
    machine = next((one for one in deployment.machines if one.id == options.system), None)
    if machine is None and len(deployment.machines) == 1 and not options.system:
        machine = deployment.machines[0]
    if machine is None:
        names = ", ".join(one.id for one in deployment.machines) or "none"
        raise OvfError(f"there is no system {options.system!r}", remedy=f"give --system, one of: {names}")
    made = environment.for_machine(deployment, machine, environment.Platform())
    if options.format == "iso":
        seed = {Path(one).name: Path(one).read_bytes() for one in options.seed}
        data = environment.iso(made, opened.environment_files(machine.id), seed)
    elif options.format == "guestinfo":
        data = "".join(
            f"{key}={value}\n" for key, value in environment.guestinfo(made, compressed=True).items()
        ).encode()
    else:
        data = environment.render(made)
    if options.output is None:
        sys.stdout.buffer.write(data)
    else:
        options.output.write_bytes(data)
    return OK


def _read_env(file: Path) -> int:
    read = environment.read(file.read_bytes())
    _say(f"id          {read.id}")
    for key, value in read.properties:
        _say(f"property    {key}={value}")
    for name, pairs in read.entities:
        _say(f"sibling     {name}: {', '.join(f'{key}={value}' for key, value in pairs)}")
    return OK


def _diff(options: argparse.Namespace) -> int:
    differences = diff(open_package(options.before).package, open_package(options.after).package)
    for one in differences:
        _say(str(one))
    return NO if differences else OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ovf", description="Read, judge, convert, pack and sign OVF packages."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, function: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=function)
        return command

    one = add("inspect", _inspect, "Tell what is in a package, what it needs, what it would become, and its problems.")
    _add_file(one)
    _add_choices(one)
    one.add_argument("--json", action="store_true", help="for programs")
    one = add("validate", _validate, "Judge packages: 0 acceptable, 1 not acceptable, 2 cannot be read at all.")
    one.add_argument("files", nargs="+", type=Path, metavar="FILE", help="descriptor, OVA or folder")
    one.add_argument("--strict", action="store_true", help="also refuse what the standard forbids but tools tolerate")
    one.add_argument("--json", action="store_true", help="for programs")
    one = add("convert", _convert, "Write a package for another target, its disks converted.")
    _add_file(one)
    _add_target(one, "an .ova or a folder")
    one.add_argument("--profile", choices=EXPORTS, default="ovf2", help="the target (default: ovf2)")
    one.add_argument("--passwords", action="store_true", help="keep values of password properties")
    one.add_argument("--allow-host", action="append", default=[], metavar="HOST", help="fetch remote files from it")
    _add_keys(one)
    one = add("pack", _pack, "Pack a folder into an OVA, or any package anew, with a fresh manifest.")
    _add_file(one)
    _add_target(one, "an .ova or a folder")
    _add_digest(one)
    _add_keys(one)
    one = add("unpack", _unpack, "Take an OVA apart into a new folder and check it.")
    _add_file(one)
    _add_target(one, "a new folder")
    one.add_argument("--resume", action="store_true", help="go on where an earlier run stopped: keep whole files")
    one = add("sign", _sign, "Sign a package with a key: manifest and certificate are written anew.")
    _add_file(one)
    one.add_argument("target", nargs="?", type=Path, metavar="TARGET", help="default: in place")
    _add_digest(one)
    _add_keys(one, required=True)
    one = add("verify", _verify, "Verify digests and signature: 0 intact and trusted, 1 otherwise.")
    _add_file(one)
    one.add_argument("--trust", type=Path, action="append", default=[], metavar="PEM", help="trusted certificates")
    one.add_argument("--crl", type=Path, action="append", default=[], metavar="PEM", help="revocation list")
    one = add("env", _env, "Write the OVF environment of a system, or read one back.")
    _add_file(one)
    _add_choices(one)
    one.add_argument("--system", default="", metavar="ID", help="the system, where there are several")
    one.add_argument("--format", choices=("xml", "iso", "guestinfo"), default="xml")
    one.add_argument(
        "--seed", action="append", default=[], metavar="FILE", help="user-data or meta-data for cloud-init"
    )
    one.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    one.add_argument("--read", action="store_true", help="FILE is an environment (XML, CD or guestinfo): show it")
    one = add("diff", _diff, "Compare the meaning of two packages: 0 the same, 1 different.")
    one.add_argument("before", type=Path, metavar="A")
    one.add_argument("after", type=Path, metavar="B")
    return parser


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="descriptor, OVA or folder")


def _add_target(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("target", type=Path, metavar="TARGET", help=text)


def _add_choices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--configuration", default="", metavar="C", help="deployment option")
    parser.add_argument("--property", action="append", default=[], metavar="K=V", help="value of a property")


def _add_digest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--digest", choices=("SHA1", "SHA256", "SHA512"), default="SHA256")


def _add_keys(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    parser.add_argument("--key", type=Path, required=required, metavar="PEM", help="private key to sign with")
    parser.add_argument("--cert", type=Path, required=required, metavar="PEM", help="its certificate and chain")
