from __future__ import annotations

import os
import stat

import pytest

from symbreak.errors import InvalidInput
from symbreak.report import check_figure_path, check_html_path, check_json_path, files, write_figure, write_html


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_page_is_written_whole(single, tmp_path):
    write_html(single, tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert text.endswith("</html>\n")
    assert names(tmp_path) == ["r.html"]


@pytest.mark.parametrize(("ending", "magic"), [("png", b"\x89PNG"), ("SVG", b"<?xml"), ("pdf", b"%PDF")])
def test_a_figure_is_what_its_ending_says(single, tmp_path, ending, magic):
    write_figure(single, str(tmp_path / f"f.{ending}"))
    assert (tmp_path / f"f.{ending}").read_bytes().startswith(magic)


@pytest.mark.parametrize("name", ["r", "r.txt", "", ".html", "html", "r.html.gz", "r.png"])
def test_a_page_ends_in_html(single, tmp_path, name):
    with pytest.raises(InvalidInput, match=r"a page is written to a file that ends in \.html"):
        write_html(single, tmp_path / name if name else "")
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["f", "f.jpg", "f.html"])
def test_a_figure_has_a_known_ending(single, tmp_path, name):
    with pytest.raises(InvalidInput, match=r"allowed: \.png, \.svg, \.pdf"):
        write_figure(single, tmp_path / name)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("check", "name"), [(check_html_path, "r.html"), (check_figure_path, "f.svg"), (check_json_path, "r.json")]
)
def test_a_place_is_checked_before_the_run(check, name, tmp_path, nowhere):
    assert check(tmp_path / name) == tmp_path / name
    with pytest.raises(InvalidInput, match="the folder must exist"):
        check(nowhere / name)
    (tmp_path / "is_a_folder").mkdir()
    (tmp_path / "is_a_folder" / name).mkdir()
    with pytest.raises(InvalidInput, match="only a file can be replaced"):
        check(tmp_path / "is_a_folder" / name)
    with pytest.raises(InvalidInput, match="named by its path"):
        check(f"{'x' * 300}{name}")
    with pytest.raises(InvalidInput, match="named by its path"):
        check(f"a\0{name}")


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    # Permissions do not bind whoever runs tests as root, so the answer of the system is made here.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InvalidInput, match="the folder must be writable"):
        check_html_path(tmp_path / "r.html")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(step, tmp_path, monkeypatch):
    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "r.html").write_text("old")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(InvalidInput, match="No space left on device"):
        files.write_whole(tmp_path / "r.html", b"new")
    assert (tmp_path / "r.html").read_text() == "old"
    assert names(tmp_path) == ["r.html"]


def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "r.html").write_text("old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write_whole(tmp_path / "r.html", b"new")
    assert (tmp_path / "r.html").read_text() == "old"
    assert names(tmp_path) == ["r.html"]


def test_that_would_notice_writing_in_place(tmp_path, monkeypatch):
    """The mutant opens the file itself: the old content is gone before anything can fail."""
    (tmp_path / "r.html").write_text("old")
    (tmp_path / "r.html").open("wb").close()
    assert (tmp_path / "r.html").read_text() != "old"


def test_permissions_and_links_stay(tmp_path):
    target, link = tmp_path / "r.html", tmp_path / "link.html"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    files.write_whole(link, b"new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("")
    files.write_whole(tmp_path / "r.html", b"")
    assert (tmp_path / "r.html").stat().st_mode == (tmp_path / "plain").stat().st_mode
