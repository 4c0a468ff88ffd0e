use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gate::Ledger;

use super::{Durability, Log, OpenError};
use crate::testing::{Dice, all, copy, decided, ended, last_segment, ops, small};
use crate::{format, verify};

/// Where a child process finds its folder.
const FOLDER: &str = "EVIDENCE_TEST_FOLDER";

fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]).env(FOLDER, folder);
    command.stdout(Stdio::piped());
    command
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok)
}

fn say(line: &str) {
    std::io::stdout().write_all(format!("\n{line}\n").as_bytes()).unwrap();
}

#[test]
fn a_folder_has_one_writer() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("state/log");
    let log = Log::open(&folder, 2, "first", Durability::Written).unwrap();
    let second = Log::open(&folder, 2, "second", Durability::Written).err().unwrap();
    assert!(matches!(&second, OpenError::InUse(path) if *path == folder));
    assert!(second.to_string().contains("in use by another Weir; stop that one first"), "{second}");
    drop(log);
    Log::open(&folder, 2, "third", Durability::Written).unwrap();
}

#[test]
fn another_process_is_refused_until_the_first_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = child("log::tests::child_writes", dir.path()).spawn().unwrap();
    let mut said = lines(&mut writer);
    said.find(|line| line == "wrote 0 5").unwrap();
    assert!(matches!(Log::open(dir.path(), 2, "second", Durability::Written), Err(OpenError::InUse(_))));
    writer.kill().unwrap();
    writer.wait().unwrap();
    drop(said);
    Log::open(dir.path(), 2, "third", Durability::Written).unwrap();
}

#[test]
fn what_an_append_said_is_written_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(0x5eed);
    let mut written = 0;
    for round in 0..12 {
        let mut writer = child("log::tests::child_writes", dir.path()).spawn().unwrap();
        let said = lines(&mut writer);
        let reader = std::thread::spawn(move || said.collect::<Vec<_>>());
        let started = Instant::now();
        let lived = Duration::from_micros(20_000 + dice.next() % 60_000);
        while started.elapsed() < lived {
            std::thread::sleep(Duration::from_millis(1));
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let said = reader.join().unwrap();
        let mut newest = [None; 2];
        for line in &said {
            let words = line.split(' ').collect::<Vec<_>>();
            if let ["wrote", lane, op] = words[..]
                && let (Ok(lane), Ok(op)) = (lane.parse::<usize>(), op.parse::<u64>())
            {
                newest[lane] = Some(op);
                written += 1;
            }
        }
        let records = all(dir.path());
        for (lane, newest) in newest.iter().enumerate() {
            let own = records.iter().filter(|record| usize::from(record.lane) == lane);
            let found = ops(own).into_iter().next_back();
            assert!(*newest <= found, "round {round}, lane {lane}: {newest:?} was written, {found:?} was found");
        }
        let report = verify(dir.path(), None).unwrap();
        assert!(report.is_whole(), "round {round}: {report:#?}");
    }
    assert!(written > 100, "the writers wrote only {written} times");
}

#[test]
#[ignore = "run by other tests in a process of its own"]
fn child_writes() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let log = small(Path::new(&folder), 2);
    // Numbers go on where the last process ended, so that a line can be found again.
    let from = ops(&all(Path::new(&folder))).into_iter().max().map_or(0, |op| op + 1);
    std::thread::scope(|scope| {
        for number in 0..2 {
            let lane = log.lane(number);
            scope.spawn(move || {
                for op in from.. {
                    lane.append(&[decided(op)]).unwrap();
                    say(&format!("wrote {number} {op}"));
                    lane.note(ended(op));
                }
            });
        }
    });
}

/// A file system that takes some bytes of a write and not the rest, for real: the limit on a file's size.
#[test]
fn a_real_short_write_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let limited = child("log::tests::child_reaches_a_limit", dir.path());
    let mut shell = Command::new("sh");
    // In units of 512 bytes; and no signal, but an error.
    shell.args(["-c", "trap '' XFSZ; ulimit -f 20; exec \"$0\" \"$@\""]).arg(limited.get_program());
    shell.args(limited.get_args()).env(FOLDER, dir.path()).stdout(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    let said = lines(&mut child).collect::<Vec<_>>();
    assert!(child.wait().unwrap().success(), "{said:?}");
    let wrote = said.iter().find_map(|line| line.strip_prefix("wrote ")?.parse::<u64>().ok()).unwrap();
    let refused = said.iter().find(|line| line.starts_with("refused: ")).unwrap();
    assert!(refused.contains("File too large"), "{refused}");
    assert_eq!(ops(&all(dir.path())), (0..wrote).collect::<Vec<_>>());
    let report = verify(dir.path(), None).unwrap();
    assert!(report.is_whole(), "{report:?}");
}

#[test]
#[ignore = "run by another test in a process of its own, with a limit"]
fn child_reaches_a_limit() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let log = Log::open(Path::new(&folder), 1, "limited", Durability::Written).unwrap();
    let lane = log.lane(0);
    let mut wrote = 0;
    let error = loop {
        match lane.append(&[decided(wrote)]) {
            Ok(()) => wrote += 1,
            Err(error) => break error,
        }
    };
    say(&format!("refused: {error}"));
    assert!(lane.append(&[decided(wrote)]).is_err());
    say(&format!("wrote {wrote}"));
}

#[test]
fn folder_and_files_are_the_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("log");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let log = small(&folder, 2);
    log.lane(0).append(&[decided(1)]).unwrap();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[test]
fn a_folder_that_cannot_be_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = Log::open(&file, 1, "test", Durability::Written).err().unwrap().to_string();
    assert!(error.starts_with(&format!("{}: the log folder cannot be made", file.display())), "{error}");
    assert!(matches!(Log::open(dir.path(), 70_000, "test", Durability::Written), Err(OpenError::Lanes(70_000))));
}

/// Cuts a killed process's last record at every byte, starts again, and looks at what came of it.
#[test]
fn a_torn_tail_is_accounted_for_wherever_it_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live");
    let log = small(&live, 2);
    let lane = log.lane(0);
    lane.append(&[decided(1)]).unwrap();
    lane.append(&[decided(2)]).unwrap();
    let whole = fs::metadata(last_segment(&live, 0)).unwrap().len();
    lane.append(&[decided(3)]).unwrap();
    let end = fs::metadata(last_segment(&live, 0)).unwrap().len();
    let killed = dir.path().join("killed");
    for length in whole..end {
        copy(&live, &killed);
        let segment = last_segment(&killed, 0);
        fs::OpenOptions::new().write(true).open(&segment).unwrap().set_len(length).unwrap();

        let report = verify(&killed, None).unwrap();
        assert!(report.is_whole(), "{length}: {report:?}");
        assert_eq!(report.warnings.len(), 2, "one for each lane: {report:?}");
        let words = if length == whole { "not sealed" } else { "not written to its end" };
        assert!(report.warnings[0].what.contains(words), "{report:?}");

        let log = small(&killed, 2);
        assert_eq!(log.recovered().len(), usize::from(length > whole));
        log.lane(0).append(&[decided(4)]).unwrap();
        drop(log);
        assert_eq!(ops(&all(&killed)), [1, 2, 4]);
        let report = verify(&killed, None).unwrap();
        assert!(report.is_whole(), "{length}: {report:?}");
        assert_eq!(report.warnings.len(), usize::from(length > whole), "{report:?}");

        // What was torn is evidence as well.
        if length > whole {
            let mut bytes = fs::read(&segment).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(&segment, &bytes).unwrap();
            assert!(!verify(&killed, None).unwrap().is_whole(), "{length}: torn bytes were changed");
            fs::write(&segment, &bytes[..bytes.len() - 1]).unwrap();
            assert!(!verify(&killed, None).unwrap().is_whole(), "{length}: torn bytes were removed");
        }
        fs::remove_dir_all(&killed).unwrap();
    }
}

#[test]
fn a_damaged_log_is_continued_and_stays_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 1);
    for op in 0..4 {
        log.lane(0).append(&[decided(op)]).unwrap();
    }
    drop(log);
    let segment = last_segment(dir.path(), 0);
    let good = fs::read(&segment).unwrap();
    for at in [3, 60, good.len() / 2, good.len() - 5] {
        let mut bytes = good.clone();
        bytes[at] ^= 0x20;
        fs::write(&segment, &bytes).unwrap();
        let found = verify(dir.path(), None).unwrap().faults.len();
        assert!(found > 0);
        let log = small(dir.path(), 1);
        assert_eq!(log.recovered().len(), 1, "byte {at}");
        log.lane(0).append(&[decided(9)]).unwrap();
        drop(log);
        let report = verify(dir.path(), None).unwrap();
        assert!(!report.is_whole(), "byte {at}");
        let added = last_segment(dir.path(), 0);
        assert_ne!(added, segment);
        fs::remove_file(added).unwrap();
    }
}

#[test]
fn fewer_and_more_lanes_are_both_a_log() {
    let dir = tempfile::tempdir().unwrap();
    for (round, lanes) in [3, 1, 4].into_iter().enumerate() {
        let log = small(dir.path(), lanes);
        for lane in 0..lanes {
            log.lane(lane).append(&[decided(round as u64)]).unwrap();
        }
        assert!(std::sync::Arc::ptr_eq(&log.lane(lanes), &log.lane(0)));
    }
    let report = verify(dir.path(), None).unwrap();
    assert!(report.is_whole() && report.warnings.is_empty(), "{report:?}");
    assert_eq!((report.lanes, report.records, report.segments), (4, 8, 8));
}

#[test]
fn a_segment_that_was_never_begun_goes() {
    let dir = tempfile::tempdir().unwrap();
    let left = dir.path().join(format!("000-00000000000000000001.log{}", format::NEW_SUFFIX));
    fs::write(&left, "WEIRL").unwrap();
    let log = small(dir.path(), 1);
    assert!(!left.exists());
    log.lane(0).append(&[decided(1)]).unwrap();
    drop(log);
    let report = verify(dir.path(), None).unwrap();
    assert!(report.is_whole() && report.warnings.is_empty(), "{report:?}");
}
