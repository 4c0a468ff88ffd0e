//! A strict reader of Prometheus' text format, 0.0.4: what a scraper may read with a frown is an error here.

use std::collections::{BTreeMap, BTreeSet};

/// What was scraped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scraped {
    /// Each metric, with its kind and help.
    pub families: BTreeMap<String, Family>,
}

/// One metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Family {
    /// `counter` or `gauge`.
    pub kind: String,
    /// What it means.
    pub help: String,
    /// Values by their labels, which are sorted by name.
    pub samples: BTreeMap<Vec<(String, String)>, f64>,
}

impl Scraped {
    /// The value of a metric with at most one label. None if there is none.
    pub fn value(&self, name: &str, label: Option<(&str, &str)>) -> Option<f64> {
        let labels: Vec<_> = label.into_iter().map(|(name, of)| (name.to_owned(), of.to_owned())).collect();
        self.families.get(name)?.samples.get(&labels).copied()
    }

    /// Reads a whole text.
    pub fn read(text: &str) -> Result<Self, String> {
        if !text.is_empty() && !text.ends_with('\n') {
            return Err("the last line has no end".to_owned());
        }
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        // All lines of one metric stand together: HELP, TYPE, values.
        let mut current: Option<String> = None;
        let mut ended = BTreeSet::new();
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |what: &str| format!("line {number}: {what}: {line}");
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').ok_or_else(|| wrong("no help"))?;
                let is_name = is_name(name) && !name.contains(':');
                if !is_name || families.contains_key(name) || ended.contains(name) {
                    return Err(wrong("no new name"));
                }
                ended.extend(current.replace(name.to_owned()));
                let help = unescape(help, false).ok_or_else(|| wrong("a bad escape"))?;
                families.insert(name.to_owned(), Family { help, ..Family::default() });
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').ok_or_else(|| wrong("no kind"))?;
                let family = families.get_mut(name).filter(|_| current.as_deref() == Some(name));
                let family = family.filter(|family| family.kind.is_empty() && family.samples.is_empty());
                let family = family.ok_or_else(|| wrong("not after the metric's help"))?;
                if !["counter", "gauge"].contains(&kind) {
                    return Err(wrong("an unknown kind"));
                }
                if (kind == "counter") != name.ends_with("_total") {
                    return Err(wrong("a counter ends in _total, and nothing else does"));
                }
                kind.clone_into(&mut family.kind);
            } else if line.is_empty() || line.starts_with('#') {
                return Err(wrong("neither a value nor about one"));
            } else {
                let (name, labels, value) = sample(line).map_err(wrong)?;
                let family = families.get_mut(&name).filter(|_| current.as_deref() == Some(name.as_str()));
                let family = family.filter(|family| !family.kind.is_empty());
                let family = family.ok_or_else(|| wrong("not after the metric's type"))?;
                if family.kind == "counter" && value < 0.0 {
                    return Err(wrong("a counter below zero"));
                }
                if family.samples.insert(labels, value).is_some() {
                    return Err(wrong("said twice"));
                }
            }
        }
        Ok(Self { families })
    }
}

type Sample = (String, Vec<(String, String)>, f64);

fn sample(line: &str) -> Result<Sample, &'static str> {
    let (series, value) = line.rsplit_once(' ').ok_or("no value")?;
    let plain = |c: char| c.is_ascii_digit() || c == '.';
    if !(value.chars().all(plain) && value.starts_with(|c: char| c.is_ascii_digit())) {
        return Err("not a plain number");
    }
    let value = value.parse().map_err(|_| "not a number")?;
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, label_pairs(labels.strip_suffix('}').ok_or("no end of labels")?)?),
        None => (series, Vec::new()),
    };
    if !is_name(name) {
        return Err("not a name");
    }
    Ok((name.to_owned(), labels, value))
}

fn label_pairs(mut text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").ok_or("no label")?;
        if !is_name(name) || name.contains(':') || name.starts_with("__") {
            return Err("not a label's name");
        }
        let mut is_escaped = false;
        let end = rest.char_indices().find(|(_, c)| {
            let ends = *c == '"' && !is_escaped;
            is_escaped = *c == '\\' && !is_escaped;
            ends
        });
        let (end, _) = end.ok_or("no end of a label")?;
        let (value, rest) = rest.split_at(end);
        pairs.push((name.to_owned(), unescape(value, true).ok_or("a bad escape")?));
        let rest = rest.strip_prefix('"').ok_or("no end of a label")?;
        text = match rest.strip_prefix(',') {
            Some("") => return Err("a comma at the end"),
            Some(rest) => rest,
            None if rest.is_empty() => rest,
            None => return Err("something behind a label"),
        };
    }
    pairs.sort();
    if pairs.windows(2).any(|two| two.first().map(|(name, _)| name) == two.last().map(|(name, _)| name)) {
        return Err("a label twice");
    }
    if pairs.is_empty() { Err("no label between braces") } else { Ok(pairs) }
}

fn is_name(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit())
}

fn unescape(text: &str, is_quoted: bool) -> Option<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next()? {
                '\\' => '\\',
                'n' => '\n',
                '"' if is_quoted => '"',
                _ => return None,
            },
            c => c,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_right_is_read() {
        let text = "# HELP a_total b \\\\ c\n# TYPE a_total counter\na_total{x=\"1\\\"}\",y=\"\\n\"} 3\na_total 4.5\n\
                    # HELP g h\n# TYPE g gauge\n";
        let read = Scraped::read(text).unwrap();
        let labels = [("x", "1\"}"), ("y", "\n")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read.families["a_total"].samples[&labels.to_vec()], 3.0);
        assert_eq!(read.value("a_total", None), Some(4.5));
        assert_eq!(read.families["a_total"].help, "b \\ c");
        assert_eq!(read.value("g", None), None);
    }

    #[test]
    fn what_is_wrong_is_not() {
        let good = "# HELP g h\n# TYPE g gauge\n";
        Scraped::read(good).unwrap();
        for bad in [
            "g 1",
            "g 1 1\n",
            "g  1\n",
            "g 1 \n",
            "g NaN\n",
            "g -1\n",
            "g +1\n",
            "g 1e3\n",
            "g .5\n",
            "g{} 1\n",
            "g{x=\"1\",} 1\n",
            "g{x=\"1\" 1\n",
            "g{x=1} 1\n",
            "g{x=\"\\t\"} 1\n",
            "g{x=\"1\",x=\"2\"} 1\n",
            "g{x=\"a\"b\"} 1\n",
            "g 1\ng 1\n",
            "h 1\n",
            "\n",
            "# EOF\n",
            "# TYPE g gauge\n",
            "g 1\n# TYPE g gauge\n",
            "# HELP g h\n",
            "# HELP h h\n# TYPE h counter\n",
            "# HELP h h\n# TYPE h histogram\n",
            "# HELP h h\nh 1\n",
            "# HELP h_total h\n# TYPE h_total gauge\n",
            "# HELP h h\n# TYPE h gauge\ng 1\n",
            "{x=\"1\"} 1\n",
            "1g 1\n",
        ] {
            assert!(Scraped::read(&format!("{good}{bad}")).is_err(), "{bad:?}");
        }
    }
}
