"""What the suites of scripts/conformance say, in one form, and the comparison of both ways.

    report.py regress LOG DIFFS OUT     of pg_regress and pg_isolation_regress
    report.py junit XML OUT             of pytest
    report.py second SECOND OUT             puts what a second try passed into OUT, and says so in OUT/second.txt
    report.py compare KNOWN RESULTS SUITE...
    report.py classified KNOWN LOG WEIR OUT    what Weir noted while everything was classified: LOG is `weir log --json`, WEIR what
                                               it said on standard error

One form: OUT/results.tsv has a line for each test, its name, a tab, and pass, fail or skip; OUT/diffs/TEST says why.
"""

import json
import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

# Lines of a difference that are printed; all of it is in the folder of results.
LINES_SHOWN = 12


def file_name(test):
    return re.sub(r"[^\w.\[\]-]", "_", test)[:120]


def write(out, results, diffs):
    with open(out / "results.tsv", "w") as tsv:
        tsv.writelines(f"{test}\t{ended}\n" for test, ended in sorted(results.items()))
    for test, text in diffs.items():
        (out / "diffs" / file_name(test)).write_text(text)


def regress(log, diffs, out):
    results = {}
    for line in Path(log).read_text(errors="replace").splitlines():
        # `test boolean ... ok 10 ms`, `     boolean ... FAILED 10 ms`; newer ones: `ok 1 - boolean 10 ms`.
        old = re.match(r"(?:test | {5})\s*(\S+)\s+\.\.\.\s+(ok|FAILED|failed)", line)
        new = re.match(r"(ok|not ok)\s+\d+\s+[-+]\s+(\S+)", line)
        if old:
            results[old[1]] = "pass" if old[2] == "ok" else "fail"
        elif new:
            results[new[2]] = "pass" if new[1] == "ok" else "fail"
    text = Path(diffs).read_text(errors="replace") if Path(diffs).exists() else ""
    found = {}
    for part in re.split(r"^(?=diff )", text, flags=re.M):
        name = re.match(r"diff .*/results/(\S+)\.out$", part.split("\n", 1)[0])
        if name:
            found[name[1]] = part
    write(out, results, found)


def junit(xml, out):
    results, diffs = {}, {}
    if not Path(xml).exists():
        write(out, {"(the run itself)": "fail"}, {"(the run itself)": (out / "log").read_text(errors="replace")[-4000:]})
        return
    for case in ET.parse(xml).getroot().iter("testcase"):
        test = f"{case.get('classname')}.{case.get('name')}"
        ended = "pass"
        for part in case:
            if part.tag in ("failure", "error"):
                ended = "fail"
                # The end of the traceback says what was wrong.
                lines = (part.text or "").strip().splitlines()
                said = [line for line in lines if line.startswith("E ")] or lines[-LINES_SHOWN:]
                diffs[test] = "\n".join(said) + "\n\n" + "\n".join(lines) + "\n"
            elif part.tag == "skipped":
                # An expected failure is a pass.
                ended = "pass" if part.get("type") == "pytest.xfail" else "skip"
        # A test and the tearing down after it are two entries; the worse counts.
        order = ["pass", "skip", "fail"]
        results[test] = max(results.get(test, "pass"), ended, key=order.index)
    write(out, results, diffs)


def second(again, out):
    results = read(out)
    passed = [test for test, ended in read(again).items() if ended == "pass" and results.get(test) == "fail"]
    results.update(dict.fromkeys(passed, "pass"))
    write(out, results, {})
    (out / "second.txt").write_text("".join(f"{test}\n" for test in passed))


def read(out):
    lines = (out / "results.tsv").read_text().splitlines()
    return dict(line.rsplit("\t", 1) for line in lines)


def compare(known_file, folder, suites):
    known = {}
    for line in Path(known_file).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            suite, test, reason = line.split("\t", 2)
            known[suite, test] = reason
    rows, unknown, listed, gone = [], [], [], []
    for suite in suites:
        direct, weir = read(folder / suite / "direct"), read(folder / suite / "weir")
        passes = [test for test, ended in direct.items() if ended == "pass"]
        # What did not run through Weir did not pass.
        differs = [test for test in passes if weir.get(test, "fail") != "pass"]
        for test in differs:
            (listed if (suite, test) in known else unknown).append((suite, test))
        gone += [(s, test) for s, test in known if s == suite and test not in differs]
        seconds = [(folder / suite / way / "seconds").read_text().strip() for way in ("direct", "weir")]
        count = sum(ended != "skip" for ended in direct.values())
        through = sum(weir.get(test) == "pass" for test in direct)
        here = sum((suite, test) in known for test in differs)
        rows.append([suite, count, len(passes), through, len(differs) - here, here, f"{seconds[0]} / {seconds[1]} s"])
    heads = ["suite", "run", "pass direct", "pass through Weir", "only direct", "of known cause", "time"]
    table = [heads] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in table) for at in range(len(heads))]
    print()
    for at, row in enumerate(table):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
        if at == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    for suite in suites:
        for way in ("direct", "weir"):
            passed = folder / suite / way / "second.txt"
            for test in passed.read_text().split() if passed.exists() else []:
                print(f"\nat a second try: {suite}/{test} ({way})")
    for suite, test in listed:
        print(f"\nknown: {suite}/{test}: {known[suite, test]}")
    for suite, test in gone:
        print(f"\nno difference any more: {suite}/{test} can go from {Path(known_file).name}")
    for suite, test in unknown:
        print(f"\nONLY DIRECT: {suite}/{test}")
        diff = folder / suite / "weir" / "diffs" / file_name(test)
        if diff.exists():
            lines = diff.read_text(errors="replace").splitlines()
            print("\n".join("    " + line for line in lines[:LINES_SHOWN]))
            if len(lines) > LINES_SHOWN:
                print(f"    … {len(lines) - LINES_SHOWN} more lines: {diff}")
        else:
            print("    it did not run, or said nothing: see the log beside its results")
    print(f"\nAll results: {folder}")
    return 1 if unknown else 0


def classified(known_file, log, weir_log, out):
    """Whether each result had as many columns as was foreseen. The text is the one that its session ran last before."""
    known = set()
    for line in Path(known_file).read_text().splitlines():
        if line and not line.startswith("#"):
            known.add(line.split("\t")[0])
    latest, noticed = {}, []
    with open(log) as records:
        for line in records:
            record = json.loads(line)
            if record["event"] == "decided":
                # Constants are kept as tokens of a key that is new each time.
                latest[record["session"]] = re.sub(r"'?tok_\w+'?", "?", record["text"])
            elif record["event"] == "noticed" and record["what"] == "shape_mismatch":
                noticed.append((" ".join(latest.get(record["session"], "?").split()), record["detail"]))
    with open(out / "noticed", "w") as file:
        file.writelines(f"{text}\t{detail}\n" for text, detail in noticed)
    said = Path(weir_log).read_text(errors="replace")
    panics = said.count("panicked")
    read = Counter(re.findall(r'a statement that touches something classified was read(?: unfollowed="(.*?)")?', said))
    followed = read.pop("", 0)
    unforeseen = [(text, detail) for text, detail in noticed if text not in known]
    print(f"{followed + read.total()} readings of statements that touch something classified, {followed} followed")
    for why, count in read.most_common():
        print(f"{count:7} not: {why}")
    print(f"{len(noticed)} results of another width than foreseen, {len(noticed) - len(unforeseen)} of known cause; {panics} panics")
    for text, detail in unforeseen:
        print(f"\nNOT FORESEEN: {text[:600]}\n    {detail}")
    return 1 if unforeseen or panics or not followed else 0


def main(arguments):
    match arguments:
        case ["regress", log, diffs, out]:
            regress(log, diffs, Path(out))
        case ["junit", xml, out]:
            junit(xml, Path(out))
        case ["second", again, out]:
            second(Path(again), Path(out))
        case ["compare", known, folder, *suites] if suites:
            return compare(known, Path(folder), suites)
        case ["classified", known, log, weir_log, out]:
            return classified(known, log, weir_log, Path(out))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


sys.exit(main(sys.argv[1:]))
