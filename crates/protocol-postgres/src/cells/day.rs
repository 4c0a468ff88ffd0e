//! Dates as the server takes them, in any of the ways in which they may be written (PostgreSQL's manual, appendix B, "Date/Time Support").
//!
//! Which of several numbers is the day the session's `DateStyle` tells, which nobody here knows: so each date is given that it may be. What is
//! no part of a date (time, zone, weekday) is passed over. Nothing is given of years before our era.

use super::number::trimmed;
use super::taken::Taken;
use super::time::day_of_year;

/// More numbers than these are none of a date and a time.
const NUMBERS_MAX: usize = 6;
/// The fewest digits of a number that is year, month and day.
const PACKED_DIGITS_MIN: usize = 6;
/// Two digits are a year of this century if they are less, and else one of the last.
const YEAR_OF_LAST: u32 = 70;
/// Years that are written as four digits.
const YEAR_MAX: u32 = 9999;

/// Words that are no time zone, of which some may stand right before a digit.
const WORDS: [&str; 17] = [
    "ad",
    "allballs",
    "am",
    "at",
    "bc",
    "dst",
    "epoch",
    "infinity",
    "now",
    "on",
    "pm",
    "t",
    "today",
    "tomorrow",
    "yesterday",
    "z",
    "zulu",
];
/// Words that say what the number behind them is, such as `J` before the days of astronomers.
const UNITS: [&str; 13] = ["d", "dow", "doy", "h", "isodow", "isoyear", "j", "jd", "julian", "m", "mm", "s", "y"];
/// Words for a day that has no digits.
const NAMED: [&str; 6] = ["epoch", "infinity", "now", "today", "tomorrow", "yesterday"];
const WEEKDAYS: [&str; 18] = [
    "sun",
    "sunday",
    "mon",
    "monday",
    "tue",
    "tues",
    "tuesday",
    "wed",
    "weds",
    "wednesday",
    "thu",
    "thur",
    "thurs",
    "thursday",
    "fri",
    "friday",
    "sat",
    "saturday",
];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The dates that a text may stand for, as `1984-03-02`. It need not be written as the server writes it.
pub(super) fn taken(text: &[u8]) -> Taken<Vec<String>> {
    if is_iso(trimmed(text)) || !text.iter().any(u8::is_ascii_digit) {
        return Taken::Nothing;
    }
    let mut parts = Parts::default();
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return parts.days(),
            [b'0'..=b'9', ..] => parts.number(rest),
            [byte, ..] if byte.is_ascii_alphabetic() => parts.word(rest),
            // The zone.
            [b'+' | b'-', zone @ ..] => {
                after(trimmed_start(zone), |byte| byte.is_ascii_digit() || b":.-".contains(byte))
            }
            [byte, rest @ ..] if byte.is_ascii_punctuation() || byte.is_ascii_whitespace() || *byte == 0x0b => rest,
            _ => return Taken::Unread,
        };
    }
}

/// Whether the date is written as the server writes it.
fn is_iso(text: &[u8]) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, rest @ ..] = text else { return false };
    [y1, y2, y3, y4, m1, m2, d1, d2].iter().all(|byte| byte.is_ascii_digit()) && matches!(rest, [] | [b' ' | b'T', ..])
}

/// What stands behind bytes of a sort.
fn after(text: &[u8], is_of_it: impl Fn(&u8) -> bool) -> &[u8] {
    let count = text.iter().take_while(|byte| is_of_it(byte)).count();
    text.get(count..).unwrap_or_default()
}

fn trimmed_start(text: &[u8]) -> &[u8] {
    after(text, |byte| byte.is_ascii_whitespace() || *byte == 0x0b)
}

/// What stands before the rest of a text.
fn before<'a>(text: &'a [u8], rest: &[u8]) -> &'a [u8] {
    text.get(..text.len().saturating_sub(rest.len())).unwrap_or_default()
}

/// What a date is made of.
#[derive(Default)]
struct Parts<'a> {
    /// In order. Some may be none of the date: which are, the server tells by what it has read before.
    numbers: Vec<&'a [u8]>,
    month: Option<u32>,
    /// Whether one number is year, month and day.
    is_packed: bool,
    is_named: bool,
    /// Whether it is written in a way that is not read.
    is_odd: bool,
    is_before_our_era: bool,
}

impl<'a> Parts<'a> {
    /// Whether nothing more belongs to the date.
    fn are_all(&self) -> bool {
        self.is_packed || self.numbers.len() >= if self.month.is_some() { 2 } else { 3 }
    }

    /// What begins with a digit: a time, a date in one, or one number. Returns what stands behind it.
    fn number(&mut self, text: &'a [u8]) -> &'a [u8] {
        let behind = after(text, u8::is_ascii_digit);
        let sign = match behind {
            [b':', ..] => return after(behind, |byte| byte.is_ascii_digit() || b":.".contains(byte)),
            [sign @ (b'-' | b'/' | b'.'), ..] => *sign,
            _ => {
                let number = before(text, behind);
                self.is_packed |= !self.are_all()
                    && self.numbers.is_empty()
                    && self.month.is_none()
                    && number.len() >= PACKED_DIGITS_MIN;
                self.push(number);
                return behind;
            }
        };
        let second = behind.get(1..).unwrap_or_default();
        let (end, is_number) = match second {
            [b'0'..=b'9', ..] => match after(second, u8::is_ascii_digit) {
                rest @ [next, ..] if *next == sign => {
                    (after(rest, |byte| byte.is_ascii_digit() || *byte == sign), false)
                }
                rest => (rest, sign == b'.'),
            },
            _ => (after(second, |byte| byte.is_ascii_alphanumeric() || *byte == sign), false),
        };
        let field = before(text, end);
        // Behind a part of a date it is one number, whose fraction is of no matter.
        match is_number && (self.month.is_some() || !self.numbers.is_empty()) {
            true => self.push(field),
            false => self.date(field),
        }
        end
    }

    /// What begins with a letter.
    fn word(&mut self, text: &'a [u8]) -> &'a [u8] {
        let behind = after(text, u8::is_ascii_alphabetic);
        let word = before(text, behind).to_ascii_lowercase();
        let is_any = |words: &[&str]| words.iter().any(|known| known.as_bytes() == word);
        let (month, is_unit) = (month(&word), is_any(&UNITS));
        let is_known = month.is_some() || is_unit || is_any(&WORDS) || is_any(&WEEKDAYS);
        match behind {
            // A date in one, or a zone.
            [b'-' | b'/' | b'.', ..] => {}
            [b'+' | b'0'..=b'9', ..] if !is_known => {}
            _ => {
                self.is_odd |= is_unit;
                self.is_named |= is_any(&NAMED);
                self.is_before_our_era |= word == b"bc";
                self.month = self.month.or(month);
                return behind;
            }
        }
        let end = after(behind, |byte| byte.is_ascii_alphanumeric() || b"+-/_.:".contains(byte));
        let field = before(text, end);
        // Without a month it is a zone.
        let mut words = field.split(|byte| !byte.is_ascii_alphabetic());
        if words.any(|word| self::month(&word.to_ascii_lowercase()).is_some()) {
            self.date(field);
        }
        end
    }

    /// A date in one. What stands right behind a number or a word in it is lost to the server.
    fn date(&mut self, text: &'a [u8]) {
        if self.are_all() {
            return;
        }
        let mut rest = text;
        loop {
            rest = after(rest, |byte| !byte.is_ascii_alphanumeric());
            let is_digit = rest.first().is_some_and(u8::is_ascii_digit);
            let behind = match rest {
                [] => return,
                _ if is_digit => after(rest, u8::is_ascii_digit),
                _ => after(rest, u8::is_ascii_alphabetic),
            };
            match before(rest, behind) {
                number if is_digit => self.push(number),
                word => self.month = self.month.or_else(|| month(&word.to_ascii_lowercase())),
            }
            rest = behind.get(1..).unwrap_or_default();
        }
    }

    fn push(&mut self, number: &'a [u8]) {
        if self.numbers.len() < NUMBERS_MAX {
            self.numbers.push(number);
        }
    }

    /// The dates that it may be.
    fn days(&self) -> Taken<Vec<String>> {
        let mut days = Vec::new();
        let mut is_read = false;
        let mut add = |year: u32, month: u32, day: u32| {
            if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
                return;
            }
            is_read = true;
            let date = format!("{year:04}-{month:02}-{day:02}");
            if (1..=YEAR_MAX).contains(&year) && !days.contains(&date) {
                days.push(date);
            }
        };
        match (self.numbers.as_slice(), self.month) {
            _ if self.is_odd => return Taken::Unread,
            ([], None) if self.is_named => return Taken::Nothing,
            ([packed, ..], _) if self.is_packed => {
                let (rest, day) = packed.split_at(packed.len().saturating_sub(2));
                let (year, month) = rest.split_at(rest.len().saturating_sub(2));
                add(year_of(year), value_of(month), value_of(day));
            }
            (numbers, month) => {
                if let [year, day @ [_, _, _], ..] = numbers
                    && let Some((month, day)) = day_of_year(year_of(year), value_of(day))
                {
                    add(year_of(year), month, day);
                }
                for (at, one) in numbers.iter().enumerate() {
                    let others = numbers.get(at.saturating_add(1)..).unwrap_or_default();
                    for (at, other) in others.iter().enumerate() {
                        if let Some(month) = month {
                            add(year_of(one), month, value_of(other));
                            add(year_of(other), month, value_of(one));
                            continue;
                        }
                        for last in others.get(at.saturating_add(1)..).unwrap_or_default() {
                            add(year_of(one), value_of(other), value_of(last));
                            add(year_of(last), value_of(one), value_of(other));
                            add(year_of(last), value_of(other), value_of(one));
                        }
                    }
                }
            }
        }
        match is_read {
            false => Taken::Unread,
            true if self.is_before_our_era || days.is_empty() => Taken::Nothing,
            true => Taken::Is(days),
        }
    }
}

/// The number of a month by its name, which may be cut off behind three letters.
fn month(word: &[u8]) -> Option<u32> {
    let is_named = |name: &&str| name.as_bytes() == word || name.get(..3).is_some_and(|short| short.as_bytes() == word);
    let at = match word {
        b"sept" => Some(8),
        _ => MONTHS.iter().position(is_named),
    };
    at.and_then(|at| u32::try_from(at).ok())?.checked_add(1)
}

/// What digits stand for, without a fraction; too many stand for too much.
fn value_of(digits: &[u8]) -> u32 {
    let digits = before(digits, after(digits, u8::is_ascii_digit));
    std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(u32::MAX)
}

fn year_of(digits: &[u8]) -> u32 {
    let century = |year: u32| if year < YEAR_OF_LAST { 2000 } else { 1900 };
    match value_of(digits) {
        year if digits.len() <= 2 => year.saturating_add(century(year)),
        year => year,
    }
}
