"""The README is up to date."""

from readme_table import README, readme_with, table


def test_the_table_of_networks_is_up_to_date():
    assert README.read_text() == readme_with(table()), "run: python tests/readme_table.py"
