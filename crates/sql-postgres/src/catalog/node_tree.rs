//! PostgreSQL's own trees as it writes them into its catalog (`pg_node_tree`): what a view or a generated column is made of,
//! with every name resolved.
//!
//! Only the form is read here, which is the same for all kinds of nodes (`backend/nodes/outfuncs.c`): `{KIND :field value …}`,
//! lists in parentheses, words in which a backslash takes the next character as it is, and `<>` for nothing.

/// What stands somewhere in a tree.
#[derive(Debug, PartialEq)]
pub(super) enum Item<'a> {
    Node(Node<'a>),
    List(Vec<Item<'a>>),
    /// A word, as it is written.
    Word(&'a str),
}

/// A node.
#[derive(Debug, PartialEq)]
pub(super) struct Node<'a> {
    pub(super) kind: &'a str,
    fields: Vec<(&'a str, Vec<Item<'a>>)>,
}

/// Deeper trees are not read.
const DEPTH_MAX: usize = 400;

/// The tree in this text; `None` if it is none.
pub(super) fn read(text: &str) -> Option<Item<'_>> {
    let mut words = Words(text);
    let first = words.next()?;
    let item = item(first, &mut words, DEPTH_MAX)?;
    words.next().is_none().then_some(item)
}

fn item<'a>(word: &'a str, words: &mut Words<'a>, depth: usize) -> Option<Item<'a>> {
    let depth = depth.checked_sub(1)?;
    match word {
        "(" => {
            let mut items = Vec::new();
            loop {
                match words.next()? {
                    ")" => return Some(Item::List(items)),
                    word => items.push(item(word, words, depth)?),
                }
            }
        }
        "{" => {
            let mut node = Node { kind: words.next()?, fields: Vec::new() };
            let mut word = words.next()?;
            loop {
                match word {
                    "}" => return Some(Item::Node(node)),
                    label => {
                        let name = label.strip_prefix(':')?;
                        // The first word behind a label is a value, whatever it looks like.
                        let mut values = vec![item(words.next()?, words, depth)?];
                        loop {
                            word = words.next()?;
                            if word == "}" || word.starts_with(':') {
                                break;
                            }
                            values.push(item(word, words, depth)?);
                        }
                        node.fields.push((name, values));
                    }
                }
            }
        }
        ")" | "}" => None,
        word => Some(Item::Word(word)),
    }
}

/// The words of a text.
struct Words<'a>(&'a str);

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start_matches([' ', '\n', '\t']);
        let first = text.chars().next()?;
        let length = if matches!(first, '(' | ')' | '{' | '}') {
            1
        } else {
            let mut taken = false;
            let end = text.char_indices().find(|(_, letter)| {
                let ends = !taken && matches!(letter, ' ' | '\n' | '\t' | '(' | ')' | '{' | '}');
                taken = !taken && *letter == '\\';
                ends
            });
            end.map_or(text.len(), |(at, _)| at)
        };
        let (word, rest) = text.split_at_checked(length)?;
        self.0 = rest;
        Some(word)
    }
}

impl<'a> Item<'a> {
    pub(super) fn node(&self) -> Option<&Node<'a>> {
        match self {
            Self::Node(node) => Some(node),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> &[Item<'a>] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The number that a word is.
    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Self::Word(word) => word.parse().ok(),
            _ => None,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        *self == Self::Word("true")
    }
}

impl<'a> Node<'a> {
    /// The value of a field, if it has one.
    pub(super) fn get(&self, field: &str) -> Option<&Item<'a>> {
        self.fields.iter().find(|(name, _)| *name == field).and_then(|(_, values)| values.first())
    }

    pub(super) fn list(&self, field: &str) -> &[Item<'a>] {
        self.get(field).map_or(&[], Item::list)
    }

    pub(super) fn number(&self, field: &str) -> Option<i64> {
        self.get(field)?.number()
    }

    pub(super) fn word(&self, field: &str) -> Option<&'a str> {
        match self.get(field)? {
            Item::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn is_true(&self, field: &str) -> bool {
        self.get(field).is_some_and(Item::is_true)
    }

    /// All values of all fields.
    pub(super) fn values(&self) -> impl Iterator<Item = &Item<'a>> {
        self.fields.iter().flat_map(|(_, values)| values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_read_as_they_are_written() {
        let text = r#"({QUERY :commandType 1 :rtable ({RANGETBLENTRY :alias <> :relid 16385 :colnames ("id" "odd\ \(name\)") :cols (b 8 9)}) :jointree <> :targetList ({TARGETENTRY :expr {CONST :constvalue 4 [ 1 0 0 0 ] :location -1} :resname \:x :resjunk false})})"#;
        let tree = read(text).unwrap();
        let query = tree.list()[0].node().unwrap();
        assert_eq!((query.kind, query.number("commandType")), ("QUERY", Some(1)));
        let table = query.list("rtable")[0].node().unwrap();
        assert_eq!(table.number("relid"), Some(16385));
        assert_eq!(table.list("colnames")[1], Item::Word(r#""odd\ \(name\)""#));
        let target = query.list("targetList")[0].node().unwrap();
        assert_eq!(target.word("resname"), Some(r"\:x"));
        assert!(!target.is_true("resjunk"));
        let constant = target.get("expr").unwrap().node().unwrap();
        assert_eq!(constant.values().count(), 8);
        // A value that looks like a label.
        let odd = read("{A :name :x :other 1}").unwrap();
        assert_eq!(odd.node().unwrap().word("name"), Some(":x"));
    }

    #[test]
    fn what_is_no_tree_is_not_read() {
        let deep = "(".repeat(10_000) + &")".repeat(10_000);
        for text in ["", "(", "{A", "{A :b", "{A :b}", "{A b 1}", ")", "(1) 2", "{A :b 1", deep.as_str()] {
            assert_eq!(read(text), None, "{text:.20}");
        }
        assert!(read(r"a\").is_some());
    }
}
