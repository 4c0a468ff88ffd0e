//! The sources against real files and this process's own environment.

use super::*;

const SECRET: &str = "correct horse battery staple";

/// A file with these bytes and permission bits, in a directory that lives as long as the first value.
fn file(bytes: &[u8], mode: u32) -> (tempfile::TempDir, CredentialSource) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("password");
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    (dir, CredentialSource::File(path))
}

/// Fetching must fail with a message that says `expected` and nothing of what the file holds.
fn refuses(source: &CredentialSource, expected: &str) {
    let error = source.fetch().unwrap_err();
    for said in [error.to_string(), format!("{error:?}")] {
        assert!(!said.contains("horse"), "an error gives a secret away: {said}");
    }
    assert!(error.to_string().contains(expected), "{error} does not say {expected}");
}

#[test]
fn one_newline_at_the_end_is_not_part_of_the_secret() {
    let cases: [(&[u8], &str); 6] = [
        (b"s", "s"),
        (b"s\n", "s"),
        (b"s\r\n", "s"),
        (b"s\n\n", "s\n"),
        (b" s \n", " s "),
        ("p\u{e4}ss\n".as_bytes(), "p\u{e4}ss"),
    ];
    for (bytes, secret) in cases {
        let (_dir, source) = file(bytes, 0o600);
        assert_eq!(source.fetch().unwrap().expose(), secret);
    }
}

#[test]
fn a_rotated_secret_is_the_next_one_fetched() {
    let (_dir, source) = file(b"old", 0o400);
    assert_eq!(source.fetch().unwrap().expose(), "old");
    let CredentialSource::File(path) = &source else { panic!("not a file") };
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path, "new").unwrap();
    assert_eq!(source.fetch().unwrap().expose(), "new");
}

#[test]
fn files_open_to_others_are_refused_with_the_command_that_mends_it() {
    for mode in [0o604, 0o644, 0o660, 0o602, 0o620, 0o610, 0o601, 0o777] {
        let (_dir, source) = file(SECRET.as_bytes(), mode);
        refuses(&source, "run: chmod 600 ");
        refuses(&source, &format!("mode {mode:04o}"));
    }
}

#[test]
fn only_a_file_of_root_may_be_read_by_its_group() {
    let (dir, source) = file(SECRET.as_bytes(), 0o440);
    let by_root = fs::metadata(dir.path()).unwrap().uid() == 0;
    assert_eq!(source.fetch().is_ok(), by_root);
}

#[test]
fn what_is_no_secret_is_refused() {
    let (_, gone) = file(b"", 0o600);
    let CredentialSource::File(path) = &gone else { panic!("not a file") };
    fs::remove_dir_all(path.parent().unwrap()).ok();
    refuses(&gone, "can't be read");
    for (bytes, said) in [(&b""[..], "is empty"), (b"\n", "is empty"), (b"horse\xff", "not UTF-8")] {
        let (_dir, source) = file(bytes, 0o600);
        refuses(&source, said);
    }
    let (_dir, longest) = file(&vec![b'a'; SECRET_BYTES_MAX], 0o600);
    assert_eq!(longest.fetch().unwrap().expose().len(), SECRET_BYTES_MAX);
    let (_dir, longer) = file(&vec![b'a'; SECRET_BYTES_MAX + 1], 0o600);
    refuses(&longer, "longer than 65536 bytes");
}

#[test]
fn a_directory_and_a_pipe_are_not_files() {
    let dir = tempfile::tempdir().unwrap();
    refuses(&CredentialSource::File(dir.path().to_owned()), "not a regular file");
    // A pipe that nobody writes to: opening it would wait for ever.
    let pipe = dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status().unwrap().success());
    refuses(&CredentialSource::File(pipe), "not a regular file");
}

#[test]
fn the_environment_is_read_by_name() {
    // Cargo sets this one for every test, and nobody sets the other.
    let set = CredentialSource::Env("CARGO_PKG_NAME".to_owned());
    assert_eq!(set.fetch().unwrap().expose(), "credentials");
    for name in ["WEIR_TEST_NO_SUCH_VARIABLE", "", "a=b"] {
        refuses(&CredentialSource::Env(name.to_owned()), "is not set");
    }
}

#[test]
fn a_secret_is_not_printed() {
    let (_dir, source) = file(SECRET.as_bytes(), 0o600);
    assert!(!format!("{:?}", source.fetch()).contains("horse"));
}
