"""Every command of the program, found by walking it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from opalmind_tui.cli.main import program


def every_command(command: click.Command = program, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words that lead to each command and group, the program itself first."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from every_command(inner, (*path, name))


def command_at(path: tuple[str, ...]) -> click.Command:
    """The command that these words lead to."""
    command: click.Command = program
    for word in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    return command
