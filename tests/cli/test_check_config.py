"""`[tool.symbreak]`: where it is looked for, what may stand in it, and what is refused."""

from __future__ import annotations

import pytest

from symbreak.cli import config
from symbreak.diagnosis.suppression import Suppression
from symbreak.errors import InvalidData, InvalidInput, UnknownName

WHOLE = """
[tool.symbreak]
select = ["dead-units", "plateau"]
ignore = ["plateau"]
only = "head.*"

[[tool.symbreak.suppress]]
rule = "dead-units"
reason = "sparse on purpose"
"""


def test_all_of_it_is_read(tmp_path):
    (tmp_path / "pyproject.toml").write_text(WHOLE)
    assert config.find(tmp_path) == config.Config(
        ("dead-units", "plateau"), ("plateau",), "head.*", (Suppression("dead-units", "sparse on purpose"),)
    )


def test_the_nearest_table_counts_and_a_file_without_one_does_not(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(WHOLE)
    (inner / "pyproject.toml").write_text("[tool.other]\nselect = 3\n")
    assert config.find(inner).only == "head.*"
    (inner.parent / "pyproject.toml").write_text('[tool.symbreak]\nonly = "x"\n')
    assert config.find(inner) == config.Config(only="x")


@pytest.mark.parametrize("text", [None, "", "tool = 3", "[tool.other]"])
def test_without_a_table_nothing_is_laid_down(text, tmp_path):
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    assert config.find(tmp_path) == config.Config()


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("[tool.symbreak", InvalidData, "cannot be read"),
        ("tool = {symbreak = 3}", InvalidInput, "tool.symbreak"),
        ("[tool.symbreak]\nselekt = []", UnknownName, "try: select"),
        ('[tool.symbreak]\nselect = "dead-units"', InvalidInput, "a list of slugs"),
        ("[tool.symbreak]\nonly = 3", InvalidInput, "a pattern"),
        ("[tool.symbreak]\nsuppress = 3", InvalidInput, "suppress"),
        ('[tool.symbreak]\nsuppress = ["dead-units"]', InvalidInput, "suppress"),
        ('[[tool.symbreak.suppress]]\nreason = "x"', InvalidInput, "rule"),
        ('[[tool.symbreak.suppress]]\nrule = "dead-units"', InvalidInput, "needs a reason"),
        ('[[tool.symbreak.suppress]]\nrule = "dead-units"\nreason = " "', InvalidInput, "needs a reason"),
        ('[[tool.symbreak.suppress]]\nrule = "dead-unit"\nreason = "x"', UnknownName, "try: dead-units"),
        ('[[tool.symbreak.suppress]]\nrule = 3\nreason = "x"', UnknownName, "unknown rule"),
        ('[[tool.symbreak.suppress]]\nrule = "dead-units"\nreason = "x"\nparam = "w"', UnknownName, "parameters"),
        ('[[tool.symbreak.suppress]]\nrule = "dead-units"\nreason = "x"\nparameters = 3', InvalidInput, "parameter"),
    ],
)
def test_what_cannot_be_used_is_refused(text, error, words, tmp_path):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(error, match=words):
        config.find(tmp_path)
