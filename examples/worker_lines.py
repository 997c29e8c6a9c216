#!/usr/bin/env python3
"""worker_lines.py - a persistent program whose arguments are file names of any bytes

    find . -type f -print0 | rota run -0 --tag --worker examples/worker_lines.py

Counts a file's lines. An error is the task's, and is said; the program goes on.
"""
import base64
import json
import os
import sys


def arguments(task):
    if "args" in task:
        return task["args"]
    return [os.fsdecode(base64.b64decode(a)) for a in task["args_base64"]]


def count(path):
    with open(path, "rb") as file:
        return sum(1 for _ in file)


for line in sys.stdin:
    task = json.loads(line)
    answer = {"task": task["task"]}
    try:
        answer["result"] = count(arguments(task)[0])
    except OSError as e:
        answer["error"] = f"cannot read it: {e.strerror}"
    print(json.dumps(answer), flush=True)
