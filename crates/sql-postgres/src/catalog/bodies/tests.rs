//! Trees as PostgreSQL 15 and 18 wrote them for the views and tables of `views.sql` beside this file. In `trees-15.txt` and
//! `trees-18.txt` each line is a view's name and its rule's tree, a generated column's number and its tree, or a relation's or
//! function's name and oid.

use std::collections::HashMap;

use super::{MadeOf, Place, expression, view};

/// What a version's trees say of the columns of one view: `-` nothing that is stored, `=` a copy, `~` something computed, `*`
/// anything.
fn told(trees: &str, name: &str) -> String {
    let mut names: HashMap<u32, &str> = HashMap::new();
    for line in trees.lines().filter(|line| line.starts_with("relation ") || line.starts_with("function ")) {
        let mut words = line.split(' ').skip(1);
        let name = words.next().unwrap();
        names.insert(words.next().unwrap().parse().unwrap(), name);
    }
    let word = |made: MadeOf| {
        let column = |relation: u32, column: i16| format!("{}.{column}", names[&relation]);
        match made {
            MadeOf::Copy(relation, number) => format!("={}", column(relation, number)),
            MadeOf::Everything => "*".to_owned(),
            MadeOf::Places(places) if places.is_empty() => "-".to_owned(),
            MadeOf::Places(places) => {
                let places = places.iter().map(|place| match place {
                    Place::Column(relation, number) => column(*relation, *number),
                    Place::Call(function) => format!("{}()", names[function]),
                });
                format!("~{}", places.collect::<Vec<_>>().join("+"))
            }
        }
    };
    let tree = trees.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
    view(tree).unwrap().into_iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn views_are_followed_column_by_column() {
    for trees in [include_str!("trees-15.txt"), include_str!("trees-18.txt")] {
        for (view, expected) in [
            ("v_plain", "=customers.1 =customers.3 =customers.3 ~customers.3 =customers.4"),
            ("v_join", "=customers.1 =customers.2 =customers.3 =customers.4 =orders.2 =orders.3"),
            ("v_full", "~customers.1+orders.1 =customers.2 =customers.3 =customers.4 =orders.2 =orders.3"),
            ("v_sub", "=customers.4 ~customers.3 -"),
            ("v_cte", "=customers.4 =customers.3"),
            ("v_rec", "* =customers.4"),
            ("v_union", "~customers.1 ~customers.4+customers.3"),
            ("v_group", "=customers.4 - - ~customers.3"),
            ("v_window", "=customers.1 ~customers.3 =customers.4"),
            ("v_values", "- -"),
            ("v_row", "* =customers.4"),
            ("v_func", "* * -"),
            ("v_view", "=v_plain.2 =v_plain.5 =v_plain.4"),
            ("v_code", "=customers.1 ~customers.4+code() ~customers.4"),
            ("v_null", "- ~customers.3 ~customers.3"),
            ("v_lateral", "=customers.3 =customers.1"),
            ("m", "=customers.3 =customers.1"),
        ] {
            assert_eq!(told(trees, view), expected, "{view} in {:.60}", trees);
        }
    }
}

#[test]
fn generated_columns_are_made_of_those_beside_them() {
    for trees in [include_str!("trees-15.txt"), include_str!("trees-18.txt")] {
        let of = |number: i16| {
            let tree = trees.lines().find_map(|line| line.strip_prefix(&format!("generated {number} "))).unwrap();
            expression(tree, 7)
        };
        assert_eq!(of(3), Some(MadeOf::Places(vec![Place::Column(7, 1)])));
        assert_eq!(of(4), Some(MadeOf::Places(vec![Place::Column(7, 2)])));
    }
}

#[test]
fn what_is_no_view_has_no_columns() {
    for text in ["", "()", "({QUERY :commandType 1})", "({VAR :varno 1})", "({QUERY :commandType 1 :targetList 5})"] {
        assert!(view(text).is_none_or(|columns| columns.is_empty()), "{text}");
    }
    // What it refers to is not there.
    let tree = "({QUERY :commandType 1 :rtable <> :targetList ({TARGETENTRY :expr {VAR :varno 1 :varattno 1 :varlevelsup 0} :resjunk false})})";
    assert_eq!(view(tree), Some(vec![MadeOf::Everything]));
    let tree = tree.replace("varlevelsup 0", "varlevelsup 3");
    assert_eq!(view(&tree), Some(vec![MadeOf::Everything]));
}
