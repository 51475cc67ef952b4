"""Say what pip-audit found. Status 0: nothing known; 1: vulnerabilities; 3: the service knew none of the packages."""

import json
import sys
from pathlib import Path

NOT_REACHED = 3


def main(service: str, file: Path) -> int:
    """Print the findings of one advisory service."""
    try:
        found = json.loads(file.read_text("utf-8"))["dependencies"]
    except (FileNotFoundError, json.JSONDecodeError, KeyError):
        return NOT_REACHED
    audited = [one for one in found if "vulns" in one]
    skipped = [one["name"] for one in found if "vulns" not in one]
    if not audited:
        return NOT_REACHED
    for one in audited:
        for advisory in one["vulns"]:
            fixed = ", ".join(advisory["fix_versions"]) or "no version yet"
            print(f"{one['name']} {one['version']}: {advisory['id']}, fixed in {fixed}")  # noqa: T201
    vulnerable = sum(bool(one["vulns"]) for one in audited)
    print(f"{service}: {len(audited)} packages audited, {vulnerable} with known vulnerabilities")  # noqa: T201
    if skipped:
        print(f"not known to {service}, so not audited: {', '.join(sorted(skipped))}")  # noqa: T201
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
