#!/usr/bin/env python3
"""worker_square.py - a persistent program for rota run --worker

    rota run -k --worker examples/worker_square.py ::: 3 4 x

Started once a slot: what is costly to begin with (an import, a model, a connection)
is done here, once.
"""
import json
import sys


def square(args):
    return int(args[0]) ** 2


for line in sys.stdin:
    task = json.loads(line)
    answer = {"task": task["task"]}
    try:
        answer["result"] = square(task["args"])
    except Exception as e:  # the task's own failure: the program goes on
        answer["error"] = f"{type(e).__name__}: {e}"
    print(json.dumps(answer), flush=True)
