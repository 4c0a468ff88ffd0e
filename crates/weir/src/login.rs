//! Who runs a command: the login, also where it has become another user since (`sudo`), as Linux keeps it. Nothing that the environment says is believed.

use std::fs;

/// What the kernel says where nobody has logged in: a service, a container.
const NOBODY_LOGGED_IN: u32 = u32::MAX;

/// `alice`, `alice as root`, `uid 1000`.
pub fn login() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let login = fs::read_to_string("/proc/self/loginuid").ok().and_then(|uid| uid.trim().parse().ok());
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    named(real_user(&status), login.filter(|uid| *uid != NOBODY_LOGGED_IN), &users)
}

fn named(user: Option<u32>, login: Option<u32>, users: &str) -> String {
    match (login, user) {
        (Some(login), Some(user)) if login != user => format!("{} as {}", name(login, users), name(user, users)),
        (_, Some(user)) => name(user, users),
        (Some(login), None) => name(login, users),
        (None, None) => "unknown".to_owned(),
    }
}

/// `Uid:` and four numbers, of which the first is the real one.
fn real_user(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn name(uid: u32, users: &str) -> String {
    let is_it = |line: &&str| line.split(':').nth(2).is_some_and(|id| id.parse() == Ok(uid));
    let name = users.lines().find(is_it).and_then(|line| line.split(':').next());
    name.map_or_else(|| format!("uid {uid}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_known_behind_sudo() {
        let users = "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(real_user("Name:\tweir\nUid:\t1000\t0\t0\t0\n"), Some(1000));
        for (user, login, said) in [
            (Some(1000), Some(1000), "alice"),
            (Some(0), Some(1000), "alice as root"),
            (Some(0), None, "root"),
            (Some(7), None, "uid 7"),
            (None, None, "unknown"),
        ] {
            assert_eq!(named(user, login, users), said);
        }
        assert_ne!(login(), "unknown");
    }
}
