"""Plays all scenarios of scenarios.txt on one way to the server, and prints what came of each step.

Usage: play.py direct|weir 'the statement that is refused'
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "psycopg"))

from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus
from ways import directly, through

way, refused = sys.argv[1:]


class Player:
    def __init__(self):
        self.connection = directly("work") if way == "direct" else through(database="work")
        self.raw = self.connection.pgconn
        # Steps of the pipeline whose results have not come yet.
        self.pending = None
        self.refused_steps = 0

    def play(self, step):
        verb, _, text = step.partition(" ")
        if verb == "repeat":
            times, _, rest = text.partition(" ")
            for _ in range(int(times)):
                self.play(rest)
            return
        text = text.replace("REFUSED", refused)
        raw = self.raw
        name, _, rest = text.partition(" ")
        match verb:
            case "simple":
                raw.send_query(text.encode())
            case "extended":
                raw.send_query_params(text.encode(), [])
            case "prepare":
                raw.send_prepare(name.encode(), rest.encode())
            case "run":
                raw.send_query_prepared(name.encode(), [rest.encode()] if rest else [])
            case "close":
                raw.send_close_prepared(name.encode())
            case "pipeline":
                raw.enter_pipeline_mode()
                self.pending = []
                return
            case "sync":
                raw.pipeline_sync()
            case "flush":
                raw.send_flush_request()
                return
            case "end":
                raw.pipeline_sync()
                self.pending.append("end")
                for pending in self.pending:
                    self.report(pending, pending in ("sync", "end"))
                raw.exit_pipeline_mode()
                self.pending = None
                print(f"    {TransactionStatus(raw.transaction_status).name}")
                return
            case _:
                raise ValueError(step)
        if self.pending is None:
            self.report(step)
            print(f"    {TransactionStatus(raw.transaction_status).name}")
        else:
            self.pending.append(step)

    def report(self, step, is_sync=False):
        raw = self.raw
        results = []
        while raw.flush():
            raw.consume_input()
        while (result := raw.get_result()) is not None:
            results.append(self.told(result))
            if is_sync:
                break
        print(f"  {step}: {', '.join(results)}")

    def told(self, result):
        status = ExecStatus(result.status)
        if status == ExecStatus.FATAL_ERROR:
            code = result.error_field(DiagnosticField.SQLSTATE).decode()
            if code in (("42501", "0A000") if way == "weir" else ("42601", "22P02")):
                self.refused_steps += 1
                return "REFUSED"
            return f"failed {code}"
        rows = [[result.get_value(row, column) for column in range(result.nfields)] for row in range(result.ntuples)]
        return f"{status.name} {(result.command_status or b'').decode()} {rows or ''}".strip()


def scenarios():
    text = (pathlib.Path(__file__).parent / "scenarios.txt").read_text()
    for part in text.split("\n== ")[1:]:
        title, *steps = part.strip().splitlines()
        yield title, steps


aside = directly("work", autocommit=True)
for title, steps in scenarios():
    aside.execute("TRUNCATE ledger, children")
    print(f"== {title}")
    player = Player()
    for step in steps:
        player.play(step)
    assert player.refused_steps, f"nothing was refused in {title}"
    player.connection.close()
    left = aside.execute("SELECT step, count(*) FROM ledger GROUP BY step ORDER BY step").fetchall()
    print(f"  left in the ledger: {left}")
