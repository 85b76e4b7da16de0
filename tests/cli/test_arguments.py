"""What the command line accepts, how it says no, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from opalmind_tui import exits
from opalmind_tui.cli.examples import EXAMPLES
from opalmind_tui.cli.main import program
from opalmind_tui.cli.main import run as run_here
from opalmind_tui.matomo.masking import MASK
from opalmind_tui.settings import VARIABLES
from tests.cli.commands import command_at, every_command
from tests.cli.program import MATOMO, command, environment, run
from tests.cli.test_shapes import GOLDEN


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here([*path, "--help"]) == exits.OK
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: {' '.join(['opalmind-tui', *path])}")
    for variable in VARIABLES if path not in (("demo",), ("replay",)) else ():
        assert (variable.option or "opalmind") in shown
    examples = shown.split("Examples:\n")[1].splitlines()
    assert [line.strip() for line in examples] == [f"opalmind-tui {line}".rstrip() for line in EXAMPLES[" ".join(path)]]


@pytest.mark.parametrize("example", [line for lines in EXAMPLES.values() for line in lines])
def test_every_example_is_taken(example: str) -> None:
    words = shlex.split(re.split(r" [|<>] ", example)[0])
    command, context = program, click.Context(program, info_name="opalmind-tui")
    while words and isinstance(command, click.Group) and words[0] in command.list_commands(context):
        found = command.get_command(context, words[0])
        assert found is not None
        command, words = found, words[1:]
    # Raises a UsageError for what the command would not take.
    command.make_context("opalmind-tui", words, parent=context)


def test_what_an_example_takes_out_of_an_answer_is_in_it() -> None:
    shapes = json.loads(GOLDEN.read_text("utf-8"))
    asked = [line.split(" --json | jq ") for lines in EXAMPLES.values() for line in lines if " | jq " in line]
    assert len(asked) >= 3
    for words, path in asked:
        first = path.strip("'").split(".")[1]
        assert first.removesuffix("[]") in shapes[words], words


def test_the_table_of_examples_has_every_command_and_no_other() -> None:
    assert sorted(EXAMPLES) == sorted(" ".join(path) for path in every_command())


def test_no_option_takes_a_secret() -> None:
    offered = {
        option for path in every_command() for parameter in command_at(path).params
        for option in parameter.opts if hasattr(parameter, "opts")
    }  # fmt: skip
    assert not {"--redis-password", "--matomo-token", "--token", "--password", "--bearer-token"} & offered


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command"),
        (["--nonsense"], "No such option"),
        (["track"], "Give --from FILE"),
        (["track", "pageview"], "Missing option '--url'"),
        (["track", "goal", "--goal-id", "x"], "not a valid integer"),
        (["track", "pageview", "--url", "u", "--custom-vars", "{"], "is not JSON"),
        (["track", "--from", "x", "goal", "--goal-id", "1"], "make no sense"),
        (["--deliver", "status"], "belong to the dashboard"),
        (["--site", "0", "status"], "--site: cannot use"),
        (["status", "--redis-db", "x"], "--redis-db: cannot use"),
        (["--embedded", "--redis-host", "h", "status"], "--embedded: cannot use"),
        (["track", "--from", "x"], "MATOMO_BASE_URL: cannot use nothing"),
        (["worker"], "MATOMO_BASE_URL: cannot use nothing"),
        (["worker", "--matomo-url", MATOMO, "--read-only"], "OPALMIND_READ_ONLY: cannot use true"),
        (["track", "--from", "/nowhere/at/all", "--matomo-url", MATOMO], "/nowhere/at/all: No such file"),
        (["track", "--from", "/", "--matomo-url", MATOMO], "/: Is a directory"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_used_ends_with_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_here(arguments) == exits.UNUSABLE
    out, err = capsys.readouterr()
    assert said in err
    assert out == ""


def test_a_refused_call_names_the_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here(["track", "pageview", "--url", " ", "--site", "1", "--matomo-url", MATOMO]) == exits.DEGRADED
    assert "url: must not be empty or blank" in capsys.readouterr().err


def test_foreign_text_in_an_error_is_made_safe(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here(["\x1b[31m\x9b2J\u202e"]) == exits.UNUSABLE
    assert not set(capsys.readouterr().err) & set("\x1b\x9b\u202e")


@pytest.mark.parametrize(
    "words",
    [
        ("queue", "list", "--filter", "tokenAuth:{token}"),
        ("queue", "export", "--filter", '"token_auth={token}'),
        ("queue", "retry", "--filter", "ip:203.0.113.9", "--dry-run"),
        ("queue", "groups", "--filter", "ip:2001:db8::7"),
        ("queue", "list", "--filter", "mail:kim@example.org"),
        ("queue", "list", "--limit", "password={token}"),
        ("token_auth={token}",),
    ],
    ids=" ".join,
)
def test_what_was_typed_is_repeated_without_secrets_and_personal_data(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    token = "0123456789abcdef" * 2
    assert run_here([word.format(token=token) for word in words]) == exits.UNUSABLE
    said = capsys.readouterr().err
    assert MASK in said
    assert not [secret for secret in (token, "203.0.113.9", "2001:db8::7", "kim@example.org") if secret in said]


def test_what_is_to_be_said_about_the_settings_is_said_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATOMO_QUEUE_WARN_PENDING", "30")
    for words in (["snapshot"], ["status"], ["cache", "purge", "x", "--dry-run"]):
        run_here([*words, "--redis-url", "redis://127.0.0.1:1"])
        assert capsys.readouterr().err.count("MATOMO_QUEUE_FAIL_PENDING") == 1, words


def test_the_nearer_option_wins(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here(["--redis-db", "1", "status", "--redis-db", "bad"]) == exits.UNUSABLE
    assert '"bad"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variables", "secret"),
    [
        ({"REDIS_URL": "redis://me:hunter2secret@h:port/0"}, "hunter2secret"),
        ({"MATOMO_TOKEN": "hunter2 secret"}, "hunter2"),
        ({"REDIS_PASSWORD": "hunter2secret", "REDIS_PASSWORD_FILE": "hunter2secret"}, "hunter2secret"),
    ],
)
def test_a_bad_setting_is_one_line_without_the_secret(variables: dict[str, str], secret: str) -> None:
    done = run("status", **variables)
    assert done.returncode == exits.UNUSABLE
    assert len(done.stderr.splitlines()) == 1
    assert secret not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("redirect", [">&-", "| true", ">&- 2>&-", "2>&-", "</dev/null >/dev/null"])
def test_nobody_listening_is_no_error(redirect: str) -> None:
    shell = f"set -o pipefail; {' '.join(command('--version'))} {redirect}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=60, env=environment())
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("queue", "list", "--help")], ids=" ".join)
def test_help_is_an_answer_as_any_other(words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with Path("/dev/full").open("wb") as full:
        for stdout, code, said in ((writing, exits.OK, b""), (full.fileno(), exits.CANNOT_TELL, b"cannot be written")):
            done = subprocess.run(
                command(*words), stdout=stdout, stderr=subprocess.PIPE, timeout=60, env=environment(), check=False
            )
            assert done.returncode == code, done.stderr
            assert said in done.stderr
            assert done.stderr.count(b"\n") == bool(said)
    os.close(writing)


@pytest.mark.parametrize("asked", ["bash_source", "zsh_complete"])
def test_what_a_shell_asks_for_is_an_answer_as_any_other(asked: str) -> None:
    given = environment(_OPALMIND_TUI_COMPLETE=asked, COMP_WORDS="opalmind-tui queue re", COMP_CWORD="2")
    reading, writing = os.pipe()
    os.close(reading)
    with Path("/dev/full").open("wb") as full:
        for stdout, code, said in ((writing, exits.OK, b""), (full.fileno(), exits.CANNOT_TELL, b"cannot be written")):
            done = subprocess.run(command(), stdout=stdout, stderr=subprocess.PIPE, timeout=60, env=given, check=False)
            assert done.returncode == code, done.stderr
            assert said in done.stderr
            assert done.stderr.count(b"\n") == bool(said)
    os.close(writing)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_gets_a_script_and_completes_commands_and_options(shell: str) -> None:
    asked = {"_OPALMIND_TUI_COMPLETE": f"{shell}_source"}
    script = subprocess.run(command(), capture_output=True, text=True, timeout=60, env=environment(**asked))
    assert (script.returncode, "opalmind-tui" in script.stdout) == (0, True)
    asked = {"_OPALMIND_TUI_COMPLETE": f"{shell}_complete", "COMP_WORDS": "opalmind-tui queue re", "COMP_CWORD": "re"}
    if shell != "fish":
        asked["COMP_CWORD"] = "2"
    found = subprocess.run(command(), capture_output=True, text=True, timeout=60, env=environment(**asked))
    assert {"restore", "resume", "retry"} <= set(re.findall(r"[a-z]+", found.stdout))
