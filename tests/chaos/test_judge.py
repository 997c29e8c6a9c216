#!/usr/bin/env python3
"""test_judge - judge.py against what must not pass, and what must"""
import os
import sqlite3
import sys
import tempfile
import types
import unittest

sys.dont_write_bytecode = True

import judge  # noqa: E402
from trial import End  # noqa: E402

HEAD = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"


def line(task, exit_status=0, number=0):
    return f"{task}\t:\t1.000\t0.1\t0\t8\t{exit_status}\t{number}\techo {task}\n"


def text(number):
    return f"begin {number}\nend {number}\n"


def subject(**given):
    return types.SimpleNamespace(**{"mpi": None, "log": False, "works": "commands",
                                    "text": text, "restarts": False, "keeps_order": False,
                                    **given})


def struck(*words, mute=False):
    return types.SimpleNamespace(
        mute=mute, struck=[types.SimpleNamespace(explains=word) for word in words])


class Judge(unittest.TestCase):
    def wrong(self, why, verdict, *given):
        with self.assertRaisesRegex(judge.Wrong, why):
            verdict(*given)

    def test_a_joblog_says_who_is_done(self):
        self.assertEqual(judge.joblog(HEAD + line(1) + line(2, 1) + line(3), 3), {1, 3})
        self.assertEqual(judge.joblog(HEAD + line(2, 1) + line(2), 3), {2})
        self.assertEqual(judge.joblog(HEAD + line(1) + line(2)[:9], 3), {1})
        self.assertEqual(judge.joblog("", 3), set())

    def test_a_joblog_with_a_task_done_twice_is_wrong(self):
        self.wrong("twice", judge.joblog, HEAD + line(1) + line(1), 3)

    def test_a_joblog_with_nonsense_in_it_is_wrong(self):
        self.wrong("no sense", judge.joblog, HEAD + line(1)[:9] + "\n" + line(2), 3)
        self.wrong("no sense", judge.joblog, HEAD + line(4), 3)
        self.wrong("heading", judge.joblog, line(1), 3)

    def test_results_are_all_there_and_whole(self):
        with tempfile.TemporaryDirectory() as folder:
            for n in (1, 2):
                os.makedirs(os.path.join(folder, "1", str(n)))
                with open(os.path.join(folder, "1", str(n), "stdout"), "w",
                          encoding="utf-8") as f:
                    f.write(text(n))
            judge.results(folder, 2, text)
            self.wrong("no result of task 3", judge.results, folder, 3, text)
            with open(os.path.join(folder, "1", "2", "stdout"), "w",
                      encoding="utf-8") as f:
                f.write("begin 2\n")
            self.wrong("result of task 2", judge.results, folder, 2, text)

    def run_file(self, *statements):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.db")
            db = sqlite3.connect(path)
            db.executescript(
                "CREATE TABLE tasks (task); CREATE TABLE results (task, outcome, attempt);"
                "CREATE TABLE attempts (task, attempt, outcome); CREATE TABLE outputs (task);"
                "INSERT INTO tasks VALUES (1), (2); INSERT INTO attempts VALUES (1, 1, 0);"
                "INSERT INTO results VALUES (1, 0, 1);" + ";".join(statements))
            db.commit()
            db.close()
            judge.run_file(path, 2)

    def test_a_run_file_must_be_of_one_piece(self):
        self.run_file()
        self.wrong("not listed", self.run_file, "INSERT INTO results VALUES (3, 1, 1)")
        self.wrong("no attempt", self.run_file, "INSERT INTO results VALUES (2, 0, 1)")
        self.wrong("twice", self.run_file, "INSERT INTO attempts VALUES (1, 2, 0)")
        self.wrong("not ended", self.run_file, "INSERT INTO outputs VALUES (2)")
        self.wrong("beyond", self.run_file, "INSERT INTO tasks VALUES (3)")

    def test_what_is_no_run_file_is_wrong(self):
        with tempfile.NamedTemporaryFile() as f:
            f.write(b"not a database, whatever its name says" * 100)
            f.flush()
            self.wrong("can't be read", judge.run_file, f.name, 2)

    def test_a_report_has_every_task_and_every_reason(self):
        done = [{"task": str(n), "outcome": "done", "reason": "", "out": text(n)}
                for n in (1, 2)]
        self.assertTrue(judge.rows(done, 2, text))
        left = {"task": "2", "outcome": "left", "reason": "", "out": ""}
        self.assertFalse(judge.rows([done[0], left], 2, text))
        self.assertFalse(judge.rows([done[0]], 2, text))
        self.wrong("no reason", judge.rows, [done[0], dict(left, outcome="failed")], 2, text)
        self.wrong("came to", judge.rows, [done[0], dict(done[1], out="begin 2\n")], 2, text)
        self.wrong("row 1", judge.rows, [done[1]], 2, text)
        self.wrong("more tasks", judge.rows,
                   done + [{"task": "3", "outcome": "left", "reason": "", "out": ""}], 2, text)

    def test_each_task_is_shown_whole_and_once(self):
        judge.shown(End(0, text(2) + text(1), ""), 2, subject())
        judge.shown(End(3, text(2) + "begin", ""), 2, subject())
        self.wrong("shown", judge.shown, End(0, text(2) + "begin 1\n", ""), 2, subject())
        self.wrong("shown", judge.shown, End(3, "begin 1\n" + text(2), ""), 2, subject())
        self.wrong("twice", judge.shown, End(3, text(2) * 2, ""), 2, subject())
        self.wrong("only 1", judge.shown, End(0, text(2), ""), 2, subject())
        self.wrong("order", judge.shown, End(0, text(2) + text(1), ""), 2,
                   subject(keeps_order=True))
        self.wrong("files", judge.shown, End(0, text(1), ""), 1, subject(log=True))

    def test_what_had_not_been_recorded_may_be_shown_again(self):
        again = subject(restarts=True)
        judge.shown(End(0, text(1) + text(1) + text(2), "starting again"), 2, again)
        self.wrong("twice", judge.shown, End(0, text(1) + text(1) + text(2), ""), 2, again)

    def test_launchers_have_words_of_their_own(self):
        rule = "-" * 60 + "\n"
        words = "=   BAD TERMINATION\nYOUR APPLICATION TERMINATED\nPlease see the FAQ\n"
        judge.shown(End(3, text(1) + rule + "some words\n" + rule + words, ""), 2,
                    subject(mpi="some"))
        self.wrong("shown", judge.shown, End(3, text(1) + rule, ""), 2, subject())

    def test_who_fails_says_why(self):
        judge.said(End(0, "", ""), struck())
        judge.said(End(3, "", "no space left"), struck("dead", "no space"))
        judge.said(End(137, "", ""), struck("dead", mute=True))
        self.wrong("nothing struck", judge.said, End(1, "", "no space"), struck())
        self.wrong("not a word", judge.said, End(3, "", " \n"), struck("dead"))
        self.wrong("explains", judge.said, End(3, "", "no space"), struck("dead"))

    def test_squares_are_told_once_and_right(self):
        self.assertEqual(judge.squares("0 = 0\n1 = 1\nover\n", 2), (True, 0))
        self.assertEqual(judge.squares("0 = 0\n1 failed 2 9\nover\n", 2), (True, 1))
        self.assertEqual(judge.squares("0 = 0\n", 2), (False, 0))
        self.wrong("twice", judge.squares, "1 = 1\n1 = 1\n", 2)
        self.wrong("1 of 2", judge.squares, "1 = 1\nover\n", 2)
        self.wrong("no sense", judge.squares, "2 = 5\n", 2)
        self.wrong("no sense", judge.squares, "over\n1 = 1\n", 2)


if __name__ == "__main__":
    unittest.main()
