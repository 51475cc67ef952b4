"""What the audit of dependencies says and how it ends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPORT = Path(__file__).resolve().parents[1] / ".ci" / "audit_report.py"
SOUND = {"name": "sound", "version": "1.0", "vulns": []}
WEAK = {"name": "weak", "version": "2.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["2.1"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("found", "status", "said"),
    [
        ([SOUND], 0, "1 packages audited, 0 with known vulnerabilities"),
        ([SOUND, UNKNOWN], 0, "not audited: unknown"),
        ([SOUND, WEAK], 1, "weak 2.0: PYSEC-2026-1, fixed in 2.1"),
        ([UNKNOWN], 3, ""),
        (None, 3, ""),
    ],
)
def test_the_status_says_whether_anything_is_known(
    found: list[dict[str, object]] | None, status: int, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "found.json"
    file.write_text("" if found is None else json.dumps({"dependencies": found}), "utf-8")
    command = [sys.executable, str(REPORT), "pypi", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own script
    assert done.returncode == status
    assert said in done.stdout
