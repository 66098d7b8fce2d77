# SPDX-License-Identifier: Apache-2.0
"""What all commands have in common, in `system` and `fm` as in `openstack`."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import autopage.argparse
from cliff import command, lister, show
from cliff.formatters import table

from stxclient import columns, exceptions, resources
from stxclient.columns import Column

if TYPE_CHECKING:
    from stxclient.client import Client

EXIT_FAILED = 1
EXIT_USAGE = 2


class Base(command.Command):
    """A command that talks to the platform.

    :cvar example: arguments of an example, for the help
    """

    example: ClassVar[str]

    @property
    def client(self) -> "Client":
        """The client; made, with its imports, at the first use."""
        client: Client = self.app.client_manager.stx  # type: ignore[attr-defined]
        return client

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declares the command's own arguments."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.formatter_class = autopage.argparse.RawDescriptionHelpFormatter
        self.add_arguments(parser)
        return parser

    def get_epilog(self) -> str:
        # Not cliff's: that one reads the metadata of every installed package.
        return f"example:\n  %(prog)s {self.example}".rstrip()

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Carries the command out; gives the exit code."""
        try:
            return super().run(parsed_args)
        except exceptions.UsageError as error:
            self.complain(error)
            return EXIT_USAGE
        except (exceptions.ClientError, ValueError, OSError):
            raise
        except Exception as error:
            raise exceptions.ClientError(
                f"This command is at fault ({error!r}): please report it with the output of --debug."
            ) from error

    def complain(self, error: object) -> None:
        """Tells the operator, when the command goes on or sets its own exit code."""
        print(error, file=self.app.stderr)


class Lister(Base, lister.Lister):
    """A table of objects.

    :cvar columns: what is shown of each
    :cvar order: fields to sort by; empty keeps the service's order
    """

    columns: ClassVar[Sequence[Column]]
    order: ClassVar[tuple[str, ...]] = ()

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.set_defaults(print_empty=True)
        return parser

    def fetch(self, parsed_args: argparse.Namespace) -> Iterable[resources.Resource]:
        """The objects."""
        raise NotImplementedError

    def chosen(self, parsed_args: argparse.Namespace) -> Sequence[Column]:
        """The columns, where options change them."""
        return self.columns

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        _check_columns(parsed_args.columns, self.chosen(parsed_args))
        items = self.fetch(parsed_args)
        if self.order:
            items = sorted(items, key=_sort_key(self.order))
        return columns.table(self.chosen(parsed_args), items)


class ShowOne(Base, show.ShowOne):
    """The fields of one object.

    :cvar columns: all lines, in order; an object shows those that it has
    """

    columns: ClassVar[Sequence[Column]]

    def fetch(self, parsed_args: argparse.Namespace) -> resources.Resource:
        """The object."""
        raise NotImplementedError

    def lines(self, item: resources.Resource) -> Sequence[Column]:
        """The lines, where the object decides on them."""
        return self.columns

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        _check_columns(parsed_args.columns, self.columns)
        item = self.fetch(parsed_args)
        return columns.sheet(self.lines(item), item)

    def produce_output(self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Sequence[Any]) -> int:
        if not isinstance(self.formatter, table.TableFormatter):
            return super().produce_output(parsed_args, column_names, data)
        # The heading that StarlingX's commands have always had; cliff's is Field and Value.
        labels, selector = self._generate_columns_and_selector(parsed_args, column_names)
        values = list(self._compress_iterable(data, selector)) if selector else data
        rows = [(label, str(value)) for label, value in zip(labels, values, strict=True)]
        self.formatter.emit_list(("Property", "Value"), rows, self.app.stdout, parsed_args)
        return 0


class Action(Base):
    """A command that does something and shows nothing, or little."""


def _check_columns(wanted: Sequence[str], known: Sequence[Column]) -> None:
    """Before anything is sent: a change must not happen and then be called a failure."""
    labels = [column.label for column in known]
    normal = {Lister._normalize_column_name(label) for label in labels}
    for name in wanted:
        if Lister._normalize_column_name(name) not in normal:
            raise exceptions.UsageError(f"There is no column {name!r}: choose from {', '.join(labels)}.")


def _sort_key(fields: Sequence[str]) -> Callable[[resources.Resource], tuple[Any, ...]]:
    return lambda item: tuple((item.get(field) is None, item.get(field)) for field in fields)


def argument(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """For argparse: a reader of a text whose ValueError is a usage error with that sentence."""

    def read(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read
