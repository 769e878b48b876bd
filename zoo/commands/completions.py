"""Print what a shell needs to complete commands, flags, networks, data sets and tags of weights when TAB is pressed.

zoo completions bash > ~/.local/share/bash-completion/completions/zoo
zoo completions zsh > ~/.zfunc/_zoo             with fpath+=~/.zfunc before compinit in ~/.zshrc
zoo completions fish > ~/.config/fish/completions/zoo.fish
zoo completions tcsh > ~/.zoo.tcsh              with source ~/.zoo.tcsh in ~/.tcshrc

Make the folder first where it does not exist, and start a new shell. The file has all names in it, so that TAB starts
no Python: write it again after zoo, TFDS or a package with networks is installed.
"""

import argparse

HELP = "print what a shell needs to complete zoo's arguments"
SHELLS = ("bash", "zsh", "fish", "tcsh")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `completions`."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(args: argparse.Namespace) -> None:
    """Print the file for a shell."""
    from zoo.commands.arguments.completion import completion_script
    from zoo.commands.command_line import parser_with_all_arguments

    print(completion_script(parser_with_all_arguments(), args.shell))
