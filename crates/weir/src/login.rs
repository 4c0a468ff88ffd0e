//! Who runs a command, for what is written down of it.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

/// The login that this command is run by: the name that the environment gives, which nobody has checked, and the user id, which the system has.
pub fn login() -> String {
    let name = ["SUDO_USER", "LOGNAME", "USER"].into_iter().find_map(|key| env::var(key).ok()).unwrap_or_default();
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
    // The owner of this process's own entry.
    match (fs::metadata("/proc/self").map(|own| own.uid()), name.is_empty()) {
        (Ok(uid), true) => format!("uid {uid}"),
        (Ok(uid), false) => format!("{name} (uid {uid})"),
        (Err(_), true) => "somebody".to_owned(),
        (Err(_), false) => name,
    }
}
