"""What a prompt and a notebook show of counts: a line, and a table."""

import zoo
from zoo.count import PAPER_TABLES, compare_with_paper, summarize

SUMMARY = summarize(zoo.create_model("lenet5"), (1, 32, 32, 1))


def test_a_prompt_shows_one_line():
    shown = repr(SUMMARY)
    for part in ("LeNet5", "1x32x32x1", f"{SUMMARY.parameters:,} parameters", f"{SUMMARY.macs:,} MACs"):
        assert part in shown
    assert "\n" not in shown and len(shown) < 200
    assert all(len(repr(row)) < 200 and row.operation in repr(row) for row in SUMMARY.rows)


def test_print_writes_the_table():
    assert str(SUMMARY) == SUMMARY.to_text()


def test_a_notebook_shows_all_rows_escaped():
    shown = SUMMARY._repr_html_()
    assert shown.count("<tr>") == len(SUMMARY.rows) + 1
    assert f"{SUMMARY.parameters:,}" in shown and "-&gt;" not in shown


def test_a_comparison_with_a_paper():
    model = zoo.create_model("googlenet")
    comparison = compare_with_paper(summarize(model, (1, 224, 224, 3), depth=1), PAPER_TABLES["googlenet"])
    assert len(repr(comparison)) < 200 and "\n" not in repr(comparison)
    assert str(comparison) == comparison.to_text()
    shown = comparison._repr_html_()
    assert shown.count("<tr>") == len(comparison.rows) + 1 and "&lt;" not in repr(comparison)
