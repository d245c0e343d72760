#!/usr/bin/env python3
"""A floor includes only floors below it, and public headers keep their promises."""
import pathlib
import re
import sys

FLOORS = ["base", "request", "store", "color", "prepare", "transport", "staging", "service",
          "frames", "sheet", "session"]
# What each floor may include; the order above alone would let prepare see the store.
BELOW = {
    "base": [],
    "request": ["base"],
    "store": ["base", "request"],
    "color": ["base"],
    "prepare": ["base", "request", "color"],
    "transport": ["base"],
    "staging": ["base", "request", "store", "transport"],
    "service": ["base", "request", "transport"],
    "frames": ["base", "request", "store", "color"],
    "sheet": ["base", "request", "store", "color", "prepare", "frames"],
    "session": FLOORS[:-1],
    "local": ["base", "request"],
}
FORBIDDEN_IN_PUBLIC = re.compile(r"#include\s*[<\"](curl/|nlohmann/|sqlite3|fmt/|OpenImageIO/fmt)")

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
faults = []
for floor, below in BELOW.items():
    for path in sorted((root / "lib" / floor).rglob("*")):
        if path.suffix not in (".h", ".cpp"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#include\s*"([a-z]+)/', line)
            if match and match.group(1) in BELOW and match.group(1) not in [floor, *below]:
                faults.append(f"{path}:{number}: floor {floor} includes {match.group(1)}")
for path in sorted((root / "lib/include/klio").glob("*.h*")):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if FORBIDDEN_IN_PUBLIC.match(line):
            faults.append(f"{path}:{number}: a public header shows {line.strip()}")
        if re.match(r'\s*#include\s*"', line):
            faults.append(f"{path}:{number}: a public header includes a private one")
print("\n".join(faults) if faults else "house: every floor includes only floors below it")
sys.exit(1 if faults else 0)
