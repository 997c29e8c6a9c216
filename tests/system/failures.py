#!/usr/bin/env python3
"""failures.py SOURCE BUILD - docs/failures.md: the tests that it names are there, and the
words that it shows are in the code"""
import functools
import glob
import os
import re
import subprocess
import sys


def tests(build):
    listed = subprocess.run(["ctest", "--test-dir", build, "-N"], text=True, check=True,
                            stdout=subprocess.PIPE).stdout
    return set(re.findall(r"^ *Test *#\d+: (.*)$", listed, re.M))


def strings(source):
    """All strings of the code, those that stand behind one another joined."""
    text = ""
    for name in glob.glob(f"{source}/src/*/*.c") + [f"{source}/include/rota.h"]:
        with open(name, encoding="utf-8") as f:
            text += f.read()
    text = re.sub(r'"\s*PRI[a-z0-9]+\s*"', "%", text)
    return re.sub(r'"\s+"', "", text).replace('\\"', '"')


def main():
    source, build = sys.argv[1:]
    there, code = tests(build), strings(source)
    wrong = []

    @functools.lru_cache(maxsize=None)
    def said(words):
        """Whether the code has them, in one string or one word after the other, as where
        a format has a part of another function's."""
        if words.strip(" ;:,()'") in code:
            return True
        at = [i for i, c in enumerate(words) if c == " "]
        return any(len(words[:i]) > 5 and said(words[:i]) and said(words[i:]) for i in at)

    with open(f"{source}/docs/failures.md", encoding="utf-8") as f:
        page = f.read().partition("\n## How soon")[0]
    rows = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("|")]
    rows = [row for row in rows if row[0].strip() not in ("what fails", "---")]
    for what, _, seen, shown in rows:
        names = re.findall(r"`([^`]*)`", shown)
        if not names:
            wrong.append(f"no test shows: {what.strip()}")
        for name in names:
            if name not in there and not os.path.exists(f"{source}/{name}"):
                wrong.append(f"there is no test {name}")
        for words in re.findall(r"`([^`]*)`", seen):
            for piece in words.split("…"):
                if not said(piece):
                    wrong.append(f"nowhere in the code: '{piece}'")
    if len(rows) < 30:
        wrong.append(f"only {len(rows)} rows")
    for line in wrong:
        print(f"failures: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
