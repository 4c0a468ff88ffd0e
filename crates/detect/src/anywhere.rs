//! Shapes that begin at any word, with a digit in it or not: those of kinds of one's own, which nobody has fitted to a quicker search.

use crate::detector::Group;
use crate::edges::{is_end, is_inside};

/// Shapes that begin at any word.
pub(crate) struct Anywhere {
    pub(crate) group: Group,
    /// For each byte: whether one of them begins with it.
    firsts: Box<[bool]>,
}

impl Anywhere {
    /// These, if there is one.
    pub(crate) fn new(group: Group) -> Option<Self> {
        let firsts = group.shapes.firsts();
        (!group.of.is_empty()).then_some(Self { group, firsts })
    }

    /// The first place from `from` on where one may begin.
    pub(crate) fn next(&self, input: &[u8], from: usize) -> Option<usize> {
        let begins = |byte: &u8| self.firsts.get(usize::from(*byte)).is_some_and(|begins| *begins);
        let rest = input.iter().enumerate().skip(from);
        let mut places = rest.filter(|(_, byte)| begins(byte)).map(|(at, byte)| (at, *byte));
        places.find(|(at, byte)| !(is_word(*byte) && is_inside(input, *at))).map(|(at, _)| at)
    }

    /// Whether one may end here.
    pub(crate) fn can_end(input: &[u8], end: usize) -> bool {
        let last = end.checked_sub(1).and_then(|last| input.get(last));
        !last.is_some_and(|last| is_word(*last)) || is_end(input, end)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use crate::detector::Detector;
    use crate::entity::Entity;
    use crate::scan::Scanner;
    use crate::stream::Stream;

    fn detector(pattern: &str) -> Detector {
        let file = format!(
            "name = \"x\"\ntitle = \"X\"\nclass = \"pii.x\"\nsight = \"partial\"\npositive = []\nnegative = []\n\
             source = \"\"\n[[shapes]]\npattern = '{pattern}'\nanywhere = true\nodds = 1.0\n"
        );
        Detector::new(vec![Entity::read("x.toml", &file).unwrap()]).unwrap()
    }

    fn found(pattern: &str, text: &str) -> Vec<String> {
        let detector = detector(pattern);
        let mut scanner = Scanner::new(&detector);
        let found = scanner.scan(text.as_bytes(), None).iter();
        found.map(|found| text[found.start..found.end].to_owned()).collect()
    }

    #[test]
    fn it_does_not_matter_where_the_bytes_are_cut() {
        for (pattern, text) in [
            ("EMP-[0-9]{6}(-[0-9]{2})?", "an EMP-123456, EMP-123456-78.9 EMP-1234567 1-EMP-123456 EMP-123456"),
            ("[A-Z]{3}-[0-9]{4}|[A-Z]{3}", "ABC-1234 ABC DEF-12 XABC-1234 ABC-12345."),
            ("#[0-9]{4}#", "a#1234#b#1234##12#"),
            ("[a-z]{1,9} [a-z]{1,9}", "one two three four five"),
        ] {
            let detector = detector(pattern);
            let whole = Scanner::new(&detector).scan(text.as_bytes(), None).to_vec();
            assert!(!whole.is_empty(), "{pattern}");
            let mut stream = Stream::new(&detector);
            for cut in 0..=text.len() {
                let mut parts = Vec::new();
                stream.feed(&text.as_bytes()[..cut], false, None, &mut parts);
                stream.feed(&text.as_bytes()[cut..], true, None, &mut parts);
                assert_eq!(parts, whole, "{pattern} {cut}");
            }
            let mut parts = Vec::new();
            text.bytes().for_each(|byte| stream.feed(&[byte], false, None, &mut parts));
            stream.feed(&[], true, None, &mut parts);
            assert_eq!(parts, whole, "{pattern}");
        }
    }

    #[test]
    fn a_shape_begins_at_any_word_and_is_whole_words() {
        assert_eq!(found("EMP-[0-9]{6}", "of EMP-123456, EMP-654321."), ["EMP-123456", "EMP-654321"]);
        assert_eq!(found("[A-Z]{3}-[0-9]{4}", "ABC-1234"), ["ABC-1234"]);
        assert_eq!(found("Project [A-Z][a-z]{2,20}", "in Project Falcon we"), ["Project Falcon"]);
        for none in ["XEMP-123456", "EMP-1234567", "EMP-123456a", "_EMP-123456", "EMP-12345", "1-EMP-123456"] {
            assert_eq!(found("EMP-[0-9]{6}", none), [""; 0], "{none}");
        }
        // What is no word needs no end of one.
        assert_eq!(found("#[0-9]{4}#", "a#1234#b"), ["#1234#"]);
    }

    #[test]
    fn of_two_ends_the_farther_is_the_end() {
        assert_eq!(found("K[0-9]{2}(-[0-9]{2})?", "K12-34 K56"), ["K12-34", "K56"]);
    }
}
