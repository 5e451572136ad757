"""Every command in the README and the documents is run, or it is said here what runs it instead."""

import functools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest
import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

# Commands that are not run here, and what runs them.
ELSEWHERE = {
    r"\.venv/bin/python -m tests\.bench .*": "tests/end2end/test_bench.py; all take ten minutes",
    r"sh packaging/test\.sh": "it is what runs this test",
    r"\. \.venv/bin/activate": "the commands after it are run from that environment",
    r"sudo apt install \./dist/voxtide_.*\.deb": "packaging/test_package.sh, in empty roots",
    r"pipx install \.": "packaging/test_package.sh, with the wheel",
    r"python3 -m venv voxtide-env": "packaging/linux/empty_root.sh, with the verb install",
    r"voxtide-env/bin/pip install \.": "packaging/linux/empty_root.sh, with the verb install",
}
# A page whose example has a test of its own.
OWN_TEST = {"docs/adding-a-loader.md": "tests/contracts/test_documented_loader.py"}


WITHOUT_WINDOW = ("info", "probe", "load", "snapshot", "export", "publish", "serve")


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str


def blocks() -> list[Block]:
    found = []
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        text = page.read_text("utf-8")
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(name, line, match[1], match[2]))
    return found


def commands() -> dict[str, str]:
    """Give each different shell command and where it stands first."""
    found: dict[str, str] = {}
    for block in blocks():
        if block.language == "sh" and block.page not in OWN_TEST:
            for line in block.text.splitlines():
                if line.strip() and not line.startswith("#"):
                    found.setdefault(line.strip(), f"{block.page}:{block.line}")
    return found


def is_voxtide(command: str) -> bool:
    return shlex.split(command)[0] in ("voxtide", "voxtide-env/bin/voxtide")


def opens_window(command: str) -> bool:
    words = shlex.split(command)
    return is_voxtide(command) and words[1] not in WITHOUT_WINDOW


def with_marks(command: str):
    return pytest.param(
        command, id=command, marks=[pytest.mark.windows] if opens_window(command) else []
    )


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """Give a folder in which the documents' commands make sense: it has a series in scans/head."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(ROOT / "resources" / "demo" / "colin27", folder / "scans" / "head")
    return folder


def run(words: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=110,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def check_picture(path: Path) -> None:
    """Find a picture that is not one flat colour."""
    values = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    assert min(values.shape[:2]) >= 200
    assert values[..., :3].std() > 10


def check_volume(path: Path) -> None:
    image = sitk.ReadImage(str(path))
    assert image.GetSize() == (181, 217, 181)
    # The corner that lies farthest right, front and low in the head's own coordinates.
    corners = [
        image.TransformIndexToPhysicalPoint((i, j, k))
        for i in (0, 180)
        for j in (0, 216)
        for k in (0, 180)
    ]
    assert tuple(round(x) for x in min(corners)) == (-90, -91, -71)
    assert sitk.GetArrayFromImage(image).max() == 254


def check_answer(command: str, folder: Path, output: str) -> None:
    words = shlex.split(command)
    if "--json" in words:
        answer = json.loads(output)
        assert any(answer.get(key) for key in ("volumes", "probes", "full_ms"))
        assert output.count("\n") == 1
    if "-o" in words:
        path = folder / words[words.index("-o") + 1]
        if words[1] == "publish":
            assert list(path.glob("studies/*/series/*/metadata.gz"))
            return
        (check_picture if path.suffix == ".png" else check_volume)(path)
    else:
        assert output.strip()


def check_server(words: list[str], folder: Path) -> None:
    """Start it, on any port, on the tree that the page publishes; ask; end it as Ctrl+C does."""
    tree = folder / words[2]
    if not tree.exists():
        run([words[0], "publish", "scans/head", "-o", str(tree)], folder)
    words[words.index("--port") + 1] = "0"
    # where a shell started the tests in the background, Ctrl+C would be ignored and that inherited
    listens = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        words, cwd=folder, stdout=subprocess.PIPE, text=True, preexec_fn=listens
    ) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().strip()
            with urllib.request.urlopen(f"{address}/studies", timeout=20) as answer:
                assert len(json.load(answer)) == 1
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("command", [with_marks(c) for c in commands() if is_voxtide(c)])
def test_voxtide(
    command: str, desk: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that open a window get a display, all the others get none."""
    program, *words = shlex.split(command)
    path = shutil.which("voxtide", path=str(Path(sys.executable).parent))
    assert path, f"{program} is not installed beside {sys.executable}"
    if opens_window(command):
        display = request.getfixturevalue("display")
        run([path, *words, "--screenshot", "window.png"], desk, DISPLAY=display)
        check_picture(desk / "window.png")
    else:
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
            monkeypatch.delenv(name, raising=False)
        if words[0] == "serve":
            check_server([path, *words], desk)
            return
        done = run([path, *words], desk)
        check_answer(command, desk, done.stdout)


@pytest.mark.windows
def test_demo_script_without_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first command of the README, as on a machine that has no screen."""
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("the script would make a .venv beside the environment of this run")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    picture = ROOT / "demo.png"
    picture.unlink(missing_ok=True)
    done = run(["sh", "packaging/demo.sh"], ROOT)
    assert str(picture) in done.stdout
    check_picture(picture)


def test_every_command_is_known():
    verbs = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    unknown = {
        f"{place}: {command}"
        for command, place in commands().items()
        if not is_voxtide(command)
        and command != "sh packaging/demo.sh"
        and not any(re.fullmatch(pattern, command) for pattern in ELSEWHERE)
        and not (command.startswith("make ") and command.split()[1] in verbs)
    }
    assert unknown == set()


def test_the_readme_begins_with_the_two_commands():
    first = next(block for block in blocks() if block.page == "README.md")
    assert first.text.splitlines() == ["sh packaging/demo.sh", "sh packaging/test.sh"]


def is_runnable(block: Block) -> bool:
    return block.language == "python" and block.page not in OWN_TEST


@pytest.mark.parametrize(
    "block",
    [pytest.param(b, id=f"{b.page}:{b.line}") for b in blocks() if is_runnable(b)],
)
def test_python_example(block: Block, desk: Path) -> None:
    run([sys.executable, "-W", "error", "-c", block.text], desk)


def links() -> list[tuple[str, str]]:
    return [
        (page.relative_to(ROOT).as_posix(), target)
        for page in [*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"]
        if page.exists()
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))
        if "://" not in target
    ]


@pytest.mark.parametrize(("page", "target"), links())
def test_links_lead_somewhere(page: str, target: str) -> None:
    assert ((ROOT / page).parent / target).exists()


def test_own_tests_are_there():
    for page, test in OWN_TEST.items():
        if (ROOT / page).exists():
            assert (ROOT / test).exists()
