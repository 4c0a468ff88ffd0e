//! The kinds that are looked for, and those that could be.

use serde_json::json;

use crate::cli::{CliError, output};
use crate::config::Kind;

/// Lists them.
pub fn list(kinds: &[Kind], json: bool) -> Result<(), CliError> {
    let widest = |text: fn(&Kind) -> &str| kinds.iter().map(|kind| text(kind).len()).max().unwrap_or(0);
    let (names, classes) = (widest(|kind| &kind.entity.name), widest(|kind| &kind.entity.class));
    for Kind { entity, on, own } in kinds {
        let (name, class, title) = (&entity.name, &entity.class, &entity.title);
        match json {
            true => output::line(json!({
                "kind": name,
                "class": class,
                "title": title,
                "on": on,
                "own": own,
                "check": entity.check,
                "sight": entity.sight,
            }))?,
            false => {
                let state = if *on { "on " } else { "off" };
                let mine = if *own { " (of the configuration)" } else { "" };
                output::line(format_args!("{name:names$}  {class:classes$}  {state}  {title}{mine}"))?;
            }
        }
    }
    Ok(())
}
