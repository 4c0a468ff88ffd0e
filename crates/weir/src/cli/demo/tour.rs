//! The tour: each stop is one statement that a user could type, with what really comes back.

use std::process::{Command, Stdio};

use super::{CliError, Demo, failed, output};

/// One stop.
struct Stop {
    says: &'static str,
    sql: &'static str,
    /// Whether Weir refuses it.
    refused: bool,
}

const STOPS: [Stop; 6] = [
    Stop {
        says: "1. Alice reads customers. What is classified is masked, in the shape that its class allows.",
        sql: "SELECT id, name, email, card, ssn, birth_date, city FROM customers ORDER BY id LIMIT 3",
        refused: false,
    },
    Stop {
        says: "2. Asking in another shape does not help.",
        sql: "SELECT md5(ssn) AS harmless, upper(email) AS shouting FROM customers ORDER BY id LIMIT 2",
        refused: false,
    },
    Stop {
        says: "3. She may change a row.",
        sql: "UPDATE customers SET city = 'Lisboa' WHERE id = 42",
        refused: false,
    },
    Stop { says: "4. But not drop a table,", sql: "DROP TABLE payments", refused: true },
    Stop { says: "5. nor delete without saying what.", sql: "DELETE FROM orders", refused: true },
    Stop {
        says: "6. Copying what she may not see to where she may see it is refused as well.",
        sql: "UPDATE customers SET city = ssn WHERE id = 42",
        refused: true,
    },
];

/// Walks all stops. A stop that does not end as it should fails the demo.
pub fn walk(demo: &Demo) -> Result<(), CliError> {
    let token = demo.house.token("alice@example.com", &["users", "writers"])?;
    for Stop { says, sql, refused } in STOPS {
        output::line(format_args!("{says}\n\n  shop=> {sql};"))?;
        let mut psql = Command::new(&demo.psql);
        psql.args(["-X", "-P", "pager=off", "-P", "footer=off", "-c", sql]);
        psql.arg(demo.connection("alice@example.com")).env("PGPASSWORD", &token);
        let shown = psql.stdin(Stdio::null()).output().map_err(|error| failed("psql can't be run", error))?;
        show(&String::from_utf8_lossy(&shown.stdout))?;
        show(&String::from_utf8_lossy(&shown.stderr))?;
        if shown.status.success() == refused {
            return Err(CliError::failed("that is not how this stop should end", ""));
        }
    }
    output::line("7. Why was the DELETE refused, and what would it take?\n")?;
    let explain = ["policy", "explain", "--user", "alice@example.com", "--group", "users", "--group", "writers"];
    let explain = [&explain[..], &["--target", "shop", "--sql", "DELETE FROM orders"]].concat();
    run(demo, "policy explain --user alice@example.com … --sql 'DELETE FROM orders'", &explain)?;
    output::line("8. Everything has a record, written before it ran. Nobody changes it unnoticed.\n")?;
    run(demo, "log --last 8", &["log", "--last", "8"])?;
    run(demo, "audit verify", &["audit", "verify"])?;
    output::line("9. What she was shown is kept as she was shown it.\n")?;
    let session = session(demo)?;
    let short: String = session.chars().take(13).collect();
    run(demo, &format!("replay {short}… --text"), &["replay", &session, "--text"])
}

/// The last session that is recorded to its end.
fn session(demo: &Demo) -> Result<String, CliError> {
    let mut command = demo.house.weir(&["log", "--event", "recorded", "--json"])?;
    let shown = command.stdin(Stdio::null()).output().map_err(|error| failed("Weir can't be run", error))?;
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    let last = text.lines().next_back().and_then(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let session = last.as_ref().and_then(|record| record.get("session")).and_then(serde_json::Value::as_str);
    session.map(str::to_owned).ok_or_else(|| CliError::failed("no session is recorded yet", "try it once more"))
}

/// Runs a command of Weir's own, and shows it.
fn run(demo: &Demo, shown_as: &str, args: &[&str]) -> Result<(), CliError> {
    output::line(format_args!("  $ weir {shown_as}"))?;
    let mut command = demo.house.weir(args)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed("Weir can't be run", error))?;
    let text = child.stdout.take().map(super::all_of).unwrap_or_default();
    child.wait().map_err(|error| failed("Weir can't be run", error))?;
    show(&text)
}

fn show(text: &str) -> Result<(), CliError> {
    for line in text.trim_end().lines() {
        output::line(format_args!("  {line}"))?;
    }
    if text.trim().is_empty() { Ok(()) } else { output::line("") }
}
