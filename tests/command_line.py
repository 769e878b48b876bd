"""Commands that must fail, run within the test's process."""

from zoo.__main__ import main


def error_of(capsys, *arguments: str) -> str:
    """The one line on stderr of a command that must fail with status 2."""
    assert main(arguments) == 2
    output, error = capsys.readouterr()
    assert output == ""
    assert error.count("\n") == 1
    return error
