//! How many files and sockets this process may have open.

use protocol_postgres::LoginLimits;

/// The limit of open files that this process runs under, as far as the system tells.
pub fn limit() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Those who have not logged in yet may have a quarter of all files, so that they never take those of sessions.
pub fn within(files_max: Option<u64>, configured: LoginLimits) -> LoginLimits {
    let Some(files_max) = files_max else { return configured };
    let quarter = usize::try_from(files_max / 4).unwrap_or(usize::MAX).max(1);
    let LoginLimits { all_max, per_address_max, time_max } = configured;
    if all_max <= quarter {
        return configured;
    }
    tracing::warn!(
        "logins_max is {all_max}, and this process may have {files_max} files open: {quarter} logins are taken at once. \
         Raise the limit (ulimit -n, LimitNOFILE=)"
    );
    LoginLimits { all_max: quarter, per_address_max: per_address_max.min(quarter.div_ceil(2)), time_max }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_leave_files_for_sessions() {
        let configured = LoginLimits::default();
        assert_eq!(within(Some(1_000_000), configured), configured);
        let few = within(Some(1024), configured);
        assert_eq!((few.all_max, few.per_address_max), (256, 128));
        assert_eq!(within(None, configured), configured);
        assert!(limit().is_none_or(|files| files >= 64));
    }
}
