//! Backups of folders that look like a state folder: what is kept, and what is told of one that is not whole.

use std::fs;
use std::path::Path;

use super::*;

fn put(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

/// A state folder with a log's key in it.
fn state(folder: &Path) {
    crate::state::prepare(folder).unwrap();
    crate::log_keys::signing(folder, &Default::default()).unwrap();
    put(
        folder,
        &[
            ("checkpoint", "a note"),
            ("tokens.jsonl", "{}\n"),
            ("log/000-00000000000000000001.log", "lane 0"),
            ("log/001-00000000000000000001.log", "lane 1"),
            ("log/lock", ""),
            ("log/002-00000000000000000001.log.new", "half"),
            ("recordings/open/b.rec", "written now"),
            ("recordings/2026-11-20/a.rec", "complete"),
            ("tls/ca.key", "secret"),
            ("index.sqlite", "made anew"),
            ("index.sqlite-wal", "made anew"),
            (".instance.lock", ""),
        ],
    );
}

fn packed(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(folder, &mut bytes, |_, _| {}).unwrap();
    bytes
}

#[test]
fn what_can_not_be_made_anew_is_kept_in_an_order_that_fits_together() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    state(&one);
    let bytes = packed(&one);
    let mut tar = tar::Archive::new(zstd::Decoder::new(&*bytes).unwrap());
    let names = tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().to_string_lossy().into_owned());
    let names: Vec<String> = names.collect();
    let expected = [
        "checkpoint",
        "log.key",
        "log.pub",
        "tls/ca.key",
        "tokens.jsonl",
        "recordings/2026-11-20/a.rec",
        "log/000-00000000000000000001.log",
        "log/001-00000000000000000001.log",
        "recordings/open/b.rec",
        SUMS_NAME,
        NOTE_NAME,
    ];
    assert_eq!(names, expected);
    let restored = read(&*bytes, &two, None).unwrap();
    assert_eq!(restored.files, 9);
    for name in expected.iter().take(9) {
        assert_eq!(fs::read(two.join(name)).unwrap(), fs::read(one.join(name)).unwrap(), "{name}");
    }
    assert!(!two.join("index.sqlite").exists() && !two.join("log/lock").exists());
    let keys = crate::log_keys::read_public(&crate::log_keys::public_file(&one)).unwrap();
    assert!(read(&*bytes, &dir.path().join("three"), Some(&keys)).is_ok());
    assert!(is_free(&dir.path().join("none")).unwrap() && !is_free(&one).unwrap());
}

/// What becomes of an entry, by its name and what is in it.
type Change<'a> = &'a dyn Fn(&str, Vec<u8>) -> Vec<(String, Vec<u8>)>;

#[test]
fn one_that_is_cut_off_or_changed_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let one = dir.path().join("one");
    state(&one);
    let bytes = packed(&one);
    let (mut count, mut told) = (0, 0);
    let mut refused = |bytes: &[u8], keys: Option<&evidence::Keyring>| {
        count += 1;
        let to = dir.path().join(format!("to-{count}"));
        read(bytes, &to, keys).err().unwrap_or_else(|| panic!("{count} was restored")).to_string()
    };
    for at in (0..bytes.len()).step_by(bytes.len() / 60) {
        refused(&bytes[..at], None);
        // A bit that means nothing to who unpacks it changes nothing of what is in it.
        let mut flipped = bytes.clone();
        flipped[at] ^= 4;
        let to = dir.path().join(format!("flipped-{at}"));
        if read(&*flipped, &to, None).is_ok() {
            for name in ["log.key", "tokens.jsonl", "log/000-00000000000000000001.log", "recordings/2026-11-20/a.rec"] {
                assert_eq!(fs::read(to.join(name)).unwrap(), fs::read(one.join(name)).unwrap(), "{at} {name}");
            }
        } else {
            told += 1;
        }
    }
    assert!(told > 50, "{told}");
    refused(&bytes[..bytes.len() - 1], None);
    // Packed anew by somebody who has not the key: another token, one file more, one less.
    let anew = |change: Change<'_>| {
        let mut tar = tar::Archive::new(zstd::Decoder::new(&*bytes).unwrap());
        let mut to = tar::Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_string_lossy().into_owned();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
            for (name, content) in change(&name, content) {
                let mut header = tar::Header::new_gnu();
                header.set_size(content.len() as u64);
                header.set_mode(0o4777);
                let gnu = header.as_gnu_mut().unwrap();
                gnu.name[..name.len()].copy_from_slice(name.as_bytes());
                header.set_cksum();
                to.append(&header, &*content).unwrap();
            }
        }
        to.into_inner().unwrap().finish().unwrap()
    };
    let same = |name: &str, content: Vec<u8>| vec![(name.to_owned(), content)];
    let kept = dir.path().join("kept");
    assert!(read(&*anew(&same), &kept, None).is_ok());
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(kept.join("log.key")).unwrap().permissions());
    assert_eq!(mode & 0o7177, 0o044, "no more than is needed: {mode:o}");
    let forged = anew(&|name, content| {
        let content = if name == "tokens.jsonl" { b"{\"other\":1}\n".to_vec() } else { content };
        vec![(name.to_owned(), content)]
    });
    assert!(refused(&forged, None).contains("tokens.jsonl in it is not what was kept"));
    let forged = anew(&|name, content| if name == "tls/ca.key" { vec![] } else { same(name, content) });
    assert!(refused(&forged, None).contains("tls/ca.key is missing"));
    for more in ["../outside", "/etc/outside", "tls/../../outside", "log/lock", ".hidden", "tls/extra"] {
        let forged = anew(&|name, content| {
            let more = (name == "checkpoint").then(|| (more.to_owned(), b"more".to_vec()));
            more.into_iter().chain([(name.to_owned(), content)]).collect()
        });
        let said = refused(&forged, None);
        assert!(said.contains("is not a name") || said.contains("was put into it"), "{more}: {said}");
    }
    assert!(!dir.path().join("outside").exists());
    let forged = anew(&|name, content| {
        let content = if name == SUMS_NAME { [content, b"00 1 more\n".to_vec()].concat() } else { content };
        same(name, content)
    });
    assert!(refused(&forged, None).contains("list of its files was changed"));
    // Whole, and of another log: who has the right key from elsewhere is not taken in.
    let other = dir.path().join("other");
    state(&other);
    let keys = crate::log_keys::read_public(&crate::log_keys::public_file(&other)).unwrap();
    assert!(refused(&bytes, Some(&keys)).contains("not to be trusted"));
}

#[test]
fn one_that_lacks_a_key_which_came_meanwhile_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let one = dir.path().join("one");
    state(&one);
    crate::state::instance_key(&one).unwrap();
    let mut is_done = false;
    let made = write(&one, Vec::new(), |file, _| {
        if file.starts_with("log/") && !std::mem::replace(&mut is_done, true) {
            crate::secrets::rotate(&one, crate::secrets::Purpose::Recordings).unwrap();
        }
    });
    let said = made.err().unwrap().to_string();
    assert!(said.contains("rotated.keys was changed while the backup was made"), "{said}");
    // And one that was unpacked by hand has no list of another backup in it.
    fs::write(one.join(SUMS_NAME), "old").unwrap();
    assert!(read(&*packed(&one), &dir.path().join("two"), None).is_ok());
}
