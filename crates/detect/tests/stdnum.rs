//! Every check that python-stdnum has, compared with it: thousands of random texts of the right shape, with their check
//! digits tried out, and both verdicts the same but for what is listed with its reason. It runs as a program of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, there and then")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use testkit::{Run, python};

/// Texts for each shape, about.
const TEXTS: usize = 1_500;
/// On a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// Shapes by check. `#` is a digit, `@` a letter, `*` either; `y`, `m` and `d` are two digits of a year, a month and a day,
/// mostly real; `[…]` is one of those; `k` and `K` are a digit and a character that are tried out, all of them; the rest is
/// itself.
#[rustfmt::skip]
const SHAPES: &[(&str, &[&str])] = &[
    ("ar_cuit", &["[23][0347]########k", "##########k"]),
    ("at_svnr", &["###kdmy", "###k######"]),
    ("at_tin", &["########k"]),
    ("au_abn", &["kk#########"]),
    ("au_acn", &["########k"]),
    ("au_tfn", &["########k", "#######k"]),
    ("be_enterprise", &["[01]#######kk", "########kk"]),
    ("be_nrn", &["ymd###kk", "y[2-4]#d###kk", "#########kk"]),
    ("bg_egn", &["ymd###k", "y[2-5]#d###k"]),
    ("bg_pnf", &["#########k"]),
    ("br_cnpj", &["############kk", "************kk"]),
    ("br_cpf", &["#########kk"]),
    ("ca_sin", &["########k"]),
    ("ch_ahv", &["756#########k", "############k"]),
    ("ch_uid", &["CHE########k"]),
    ("cl_rut", &["########K", "#######K"]),
    ("cn_ric", &["[1-6][1-5]010[1-9]19ymd###K", "11010120ymd###K"]),
    ("co_nit", &["#########k", "########k", "#######k", "###############k"]),
    ("cz_rc", &["ymd###k", "y[5-8]#d###k", "ymd###", "y[5-8]#d###"]),
    ("de_steuerid", &["##########k", "2365741809k", "365742618#k", "98765432[0-2][0-2]k"]),
    ("dk_cpr", &["dmy####", "##########"]),
    ("dk_cvr", &["#######k"]),
    ("ec_ci", &["[0-2]########k", "30#######k"]),
    ("ee_ik", &["[1-6]ymd###k", "##########k"]),
    ("es_cif", &["@#######K", "[ABCDEFGHJNPQRSUVW]#######K"]),
    ("es_nie", &["[XYZ]#######K"]),
    ("es_nif", &["########K"]),
    ("eu_vat", &[
        "ATU#######k", "BE[01]#######kk", "BG########k", "BG#########k", "BGymd###k", "CY########K", "CZ#######k", "CZ6#######k",
        "CZymd###k", "DE########k", "DK#######k", "EE########k", "EL########k", "ES########K", "ES[XYZ]#######K",
        "ES[A-WK-M]#######K", "FI#######k", "FRkk#########", "FR[A-Z]K#########", "FRKK404833048", "HR##########k", "HU#######k",
        "IE#######K", "IE#######K[A-W]", "IE#@#####K", "IT#######0##k", "LT#######1k", "LT##########1k", "LU######kk",
        "LV[4-9]#########k", "LVdmy[0-2]###k", "MT######kk", "NL########kB0#", "NL#########Bkk", "PL#########k", "PT########k",
        "RO########k", "RO#########k", "RO####k", "RO[1-6]ymd0####k", "SE#########k01", "SI#######k", "SK##[2-47-9]#####kk",
        "SKymd###k", "XI#######kk", "@@########k", "GR########k",
    ]),
    ("fi_hetu", &["dmy[-+ABCDEFYXWVU]###K", "dmy-###K"]),
    ("fi_ytunnus", &["#######k"]),
    ("fr_nir", &["[12]ymk########kk", "[12]y##2[AB]######kk", "#############kk"]),
    ("fr_siren", &["########k"]),
    ("fr_siret", &["404833048####k", "#############k", "356000000####k"]),
    ("gb_vat", &["#######kk", "GD###", "HA###", "#######kk###"]),
    ("gr_afm", &["########k"]),
    ("gr_amka", &["dmy####k", "##########k"]),
    ("hr_oib", &["##########k"]),
    ("hu_anum", &["#######k"]),
    ("iban", &[
        "ADkk########************", "BEkk############", "BRkk#######################@*", "CHkk#####************", "DEkk##################",
        "FRkk##########***********##", "GBkk@@@@##############", "GRkk#######****************", "ITkk@##########************",
        "MTkk@@@@#####******************", "MUkk@@@@###################@@@", "NLkk@@@@##########", "NOkk###########",
        "SCkk@@@@####################@@@", "@@kk################", "XXkk################", "GBkk@@@#############*#", "NOQk###########",
    ]),
    ("id_nik", &["[1-9][1-9]0#0#dmy####", "317101dmy####"]),
    ("ie_ppsn", &["#######K", "#######K[ABHWTX]", "#######K@"]),
    ("il_id", &["########k"]),
    ("imei", &["##############k"]),
    ("in_aadhaar", &["###########k", "[2-9]##########k"]),
    ("in_gstin", &["##@@@[PCHF]@####@[1-9]ZK", "27@@@[PCHF]@####@*ZK", "38@@@[PCHF]@####@[1-9]ZK"]),
    ("in_pan", &["@@@@@####@", "@@@[ABCFGHJKLPTXYZ]@####@"]),
    ("isin", &["US*********k", "@@*********k", "XS*********k"]),
    ("it_cf", &["@@@@@@##[ABCDEHLMPRST]##@###K", "@@@@@@y[ABCDEHLMPRST]d@###K", "@@@@@@#[L-NP-V]@[4-6]#@##[L-NP-V]K"]),
    ("it_piva", &["##########k", "#######0##k"]),
    ("jp_mynumber", &["###########k"]),
    ("kr_rrn", &["ymd[1-8]#####k", "ymd[1290]#####k"]),
    ("lei", &["******************kk"]),
    ("lt_asmens", &["[1-6]ymd###k", "9#########k"]),
    ("luhn", &["######k", "##################k"]),
    ("lv_pk", &["dmy[0-2]###k", "32########k"]),
    ("mac", &["[0-9a-f][0-9A-F]:##:##:##:##:##", "##-##-##-##-##-#[0-9a-g]"]),
    ("mx_curp", &["@@@@ymd[HM][A-Z][A-Z]@@@*k", "@@@@ymd[HM]DF@@@*k", "@@@@ymd[HMX]NE@@@*k", "MEASymdHDF@@@*k"]),
    ("mx_rfc", &["@@@@ymd***", "@@@ymd***", "MEASymd***"]),
    ("my_nric", &["ymd######"]),
    ("nl_bsn", &["########k"]),
    ("no_fnr", &["dmy###kk", "[4-7]#my###kk", "d[45]#y###kk", "#########kk"]),
    ("nz_ird", &["########k", "[01]#######k", "#######k"]),
    ("pe_ruc", &["10########k", "20########k", "##########k"]),
    ("pl_nip", &["#########k"]),
    ("pl_pesel", &["ymd####k", "y[0-9][0-9]d####k"]),
    ("pl_regon", &["########k", "########k####k"]),
    ("pt_nif", &["########k"]),
    ("ro_cnp", &["[1-6]ymd0####k", "#ymd#####k"]),
    ("se_pnr", &["ymd###k", "[12][890]ymd###k"]),
    ("si_ddv", &["#######k"]),
    ("si_emso", &["dm9##50###k", "dm0##50###k", "############k"]),
    ("sk_rc", &["ymd###k", "ymd###"]),
    ("th_id", &["############k"]),
    ("tr_tckn", &["#########kk"]),
    ("uk_nhs", &["#########k"]),
    ("uk_utr", &["k#########"]),
    ("us_aba", &["########k", "[0-3]#######k"]),
    ("us_ein", &["#########"]),
    ("us_itin", &["9########", "#########"]),
    ("us_ssn", &["#########", "00#######", "66#0#####", "###00####", "#####0000"]),
    ("uy_rut", &["[0-2]#######001k", "###########k"]),
    ("za_id", &["ymd####[0-3]#k", "ymd####08k"]),
];

/// Where the two differ, by reason: the check, what it says of texts that python-stdnum says the opposite of, and which.
type Difference = (&'static str, bool, fn(&str) -> bool, &'static str);

/// How many years of this century are over, at least: what is born later is so for python-stdnum, which reads the clock.
const YEARS: usize = 25;

#[rustfmt::skip]
const DIFFERENCES: &[Difference] = &[
    ("ar_cuit", true, |text| matches!(two(text, 0), 25 | 26), "kinds that are given out, and that it does not know"),
    ("at_svnr", false, |text| !(1..=31).contains(&two(text, 4)) || !(1..=15).contains(&two(text, 6)), "no birth"),
    ("at_tin", true, |_| true, "its list of tax offices"),
    ("be_nrn", true, |text| two(text, 0) > YEARS, "born in the future"),
    ("be_nrn", false, |text| two(text, 4) > 31, "no day, which it takes for one that is not known"),
    ("cn_ric", true, |_| true, "its list of counties, without those that are no more"),
    ("cz_rc", false, |text| is_no_czech_month(two(text, 2)), "months that it folds into others"),
    ("dk_cpr", true, |text| two(text, 4) > YEARS && text.as_bytes()[6] > b'3', "born in the future"),
    ("eu_vat", false, |text| text.starts_with("CZ") && is_no_czech_month(two(text, 4)), "months that it folds into others"),
    ("fr_nir", false, |text| {
        matches!(&text[..1], "0" | "5" | "6" | "9") || !matches!(two(text, 3), 1..=12 | 20..=42 | 50..=99)
    }, "no sex or no month"),
    ("iban", false, |text| two(text, 2) > 99, "letters for check digits"),
    ("in_gstin", true, |text| matches!(two(text, 0), 38 | 97), "states that it does not know"),
    ("id_nik", true, |_| true, "its list of towns"),
    ("id_nik", false, |text| {
        two(text, 2) == 0 || two(text, 4) == 0 || two(text, 6) > 71 || text.ends_with("0000")
    }, "no town, no district, no day, no serial"),
    ("it_cf", false, |text| matches!(&text[9..10], "8" | "9" | "U" | "V"), "days that it folds into others"),
    ("kr_rrn", true, |text| matches!(&text[6..7], "3" | "4" | "7" | "8") && (20..50).contains(&two(text, 0)), "drawn by lot"),
    ("lv_pk", false, |text| two(text, 0) >= 40, "firms"),
    ("mx_curp", true, |text| &text[10..11] == "X", "neither man nor woman"),
    ("mx_curp", true, is_mexican_name, "its list of words that no name may make"),
    ("mx_rfc", true, is_mexican_name, "its list of words that no name may make"),
    ("no_fnr", true, |text| two(text, 0) >= 80, "numbers of health services, which hold no birth"),
    ("no_fnr", true, |text| two(text, 4) > YEARS && &text[6..7] > "4", "born in the future"),
    ("se_pnr", false, |text| text.len() == 12 && !(18..=20).contains(&two(text, 0)), "centuries without such numbers"),
    ("se_pnr", true, |text| two(text, text.len() - 6) > 60, "not registered, or for a time"),
    ("sk_rc", false, |text| is_no_czech_month(two(text, 2)), "months that it folds into others"),
    ("us_aba", false, |text| !matches!(two(text, 0), 0..=12 | 21..=32 | 61..=72 | 80), "no district of the Federal Reserve"),
    ("us_itin", true, |text| (50..=65).contains(&two(text, 3)), "groups that are given out since 2016, and that it does not know"),
    ("za_id", true, |text| &text[10..11] == "2", "refugees"),
];

/// The number in two places of a text; a letter makes it none.
fn two(text: &str, at: usize) -> usize {
    text[at..at + 2].parse().unwrap_or(usize::MAX)
}

/// Some of the names that it refuses: they were never given out, and hide somebody if they were.
fn is_mexican_name(text: &str) -> bool {
    const SOME: [&str; 12] =
        ["MEAS", "BUEI", "CACA", "CAGA", "COJE", "CULO", "LOCO", "MAME", "PEDO", "PUTO", "RUIN", "VACA"];
    SOME.iter().any(|word| text.starts_with(word))
}

fn is_no_czech_month(month: usize) -> bool {
    matches!(month, 41..=50 | 91..=99)
}

/// Numbers that are random, and the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }

    fn one_of(&mut self, of: &[u8]) -> u8 {
        of[self.below(of.len())]
    }

    /// Two digits, nine times of ten from one to the last.
    fn two(&mut self, last: usize) -> String {
        let number = if self.below(10) == 0 { self.below(100) } else { 1 + self.below(last) };
        format!("{number:02}")
    }
}

const DIGITS: &[u8] = b"0123456789";
const ALL: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// What is in brackets, ranges spelled out.
fn choice(inside: &[u8]) -> Vec<u8> {
    let mut of = Vec::new();
    let mut at = 0;
    while at < inside.len() {
        if inside.get(at + 1) == Some(&b'-') && at + 2 < inside.len() {
            of.extend(inside[at]..=inside[at + 2]);
            at += 3;
        } else {
            of.push(inside[at]);
            at += 1;
        }
    }
    of
}

/// All texts of one throw of the dice.
fn throw(shape: &str, dice: &mut Dice) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut rest = shape.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        let part = match first {
            b'#' => char::from(dice.one_of(DIGITS)).to_string(),
            b'@' => char::from(dice.one_of(&ALL[10..])).to_string(),
            b'*' => char::from(dice.one_of(ALL)).to_string(),
            b'y' => dice.two(99),
            b'm' => dice.two(12),
            b'd' => dice.two(31),
            b'[' => {
                let end = rest.iter().position(|&byte| byte == b']').unwrap();
                let of = choice(&rest[..end]);
                rest = &rest[end + 1..];
                char::from(dice.one_of(&of)).to_string()
            }
            b'k' | b'K' => {
                let of = if first == b'k' { DIGITS } else { ALL };
                texts = texts
                    .iter()
                    .flat_map(|text| of.iter().map(move |&byte| format!("{text}{}", char::from(byte))))
                    .collect();
                continue;
            }
            other => char::from(other).to_string(),
        };
        texts.iter_mut().for_each(|text| text.push_str(&part));
    }
    texts
}

/// Texts of all shapes of a kind, and as many in which one character became another.
fn texts(shapes: &[&str], dice: &mut Dice) -> Vec<String> {
    let mut texts = Vec::new();
    for shape in shapes {
        let enough = texts.len() + TEXTS;
        while texts.len() < enough {
            let mut thrown = throw(shape, dice);
            // Hundreds that differ in two characters teach less than other throws do.
            while thrown.len() > 100 {
                thrown.swap_remove(dice.below(thrown.len()));
            }
            let mut other = thrown[dice.below(thrown.len())].clone().into_bytes();
            let place = dice.below(other.len());
            other[place] = dice.one_of(ALL);
            texts.push(String::from_utf8(other).unwrap());
            texts.append(&mut thrown);
        }
    }
    texts
}

/// Addresses of Bitcoin have sums that no trying out finds: these are right, and others are made of them.
fn bitcoin(dice: &mut Dice) -> Vec<String> {
    const RIGHT: [&str; 5] = [
        "1NEDqZPvTWRaoho48qXuLLsrYomMXPABfD",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "bc1qardv855yjngspvxuttq897aqca3lxju2y69jce",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    ];
    let mut texts: Vec<String> = RIGHT.iter().map(|text| (*text).to_owned()).collect();
    for _ in 0..TEXTS {
        let mut other = RIGHT[dice.below(RIGHT.len())].as_bytes().to_vec();
        let place = 3 + dice.below(other.len() - 3);
        let by = other[3 + dice.below(other.len() - 3)];
        other[place] = by;
        texts.push(String::from_utf8(other).unwrap());
    }
    texts
}

fn stdnum() -> Run {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verdicts.py");
    python().unwrap().arg(program).limit(LIMIT)
}

/// What it printed.
fn finished(run: Run) -> String {
    let outcome = run.finish().unwrap();
    assert!(outcome.success(), "if python-stdnum is missing, run scripts/setup: {}", outcome.stderr);
    outcome.stdout
}

/// What python-stdnum says of each.
fn verdicts(texts: &[(&str, String)]) -> Vec<bool> {
    let input: String = texts.iter().map(|(kind, text)| format!("{kind}\t{text}\n")).collect();
    let verdicts: Vec<bool> = finished(stdnum().input(input)).lines().map(|line| line == "1").collect();
    assert_eq!(verdicts.len(), texts.len());
    verdicts
}

#[test]
fn each_kind_that_it_has_is_compared() {
    let output = finished(stdnum().arg("--kinds"));
    let kinds: Vec<_> = output.lines().filter(|kind| *kind != "btc").collect();
    assert_eq!(kinds, SHAPES.iter().map(|(kind, _)| *kind).collect::<Vec<_>>());
}

#[test]
fn verdicts_are_the_same() {
    let mut dice = Dice(0);
    let mut all: Vec<(&str, String)> = Vec::new();
    for (kind, shapes) in SHAPES {
        all.extend(texts(shapes, &mut dice).into_iter().map(|text| (*kind, text)));
    }
    all.extend(bitcoin(&mut dice).into_iter().map(|text| ("btc", text)));

    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    let mut met = vec![0; DIFFERENCES.len()];
    let mut different: BTreeMap<(&str, bool), Vec<&str>> = BTreeMap::new();
    for ((kind, text), theirs) in all.iter().zip(verdicts(&all)) {
        let ours = detect::check(kind).unwrap()(text.as_bytes());
        *taken.entry(kind).or_default() += usize::from(ours && theirs);
        if ours == theirs {
            continue;
        }
        match DIFFERENCES.iter().position(|(of, says, is, _)| of == kind && *says == ours && is(text)) {
            Some(at) => met[at] += 1,
            None => different.entry((kind, ours)).or_default().push(text),
        }
    }
    let different: Vec<_> = different
        .iter()
        .map(|((kind, ours), texts)| {
            format!("{kind}: {ours}, {} times: {:?}", texts.len(), &texts[..texts.len().min(12)])
        })
        .collect();
    assert!(different.is_empty(), "python-stdnum says the opposite:\n{}", different.join("\n"));
    let few: Vec<_> = taken.iter().filter(|(_, times)| **times < 5).collect();
    assert!(few.is_empty(), "hardly any text was right: {few:?}");
    let unmet: Vec<_> =
        DIFFERENCES.iter().zip(met).filter(|(_, times)| *times == 0).map(|(listed, _)| listed.3).collect();
    assert!(unmet.is_empty(), "listed, and not met: {unmet:?}");
}
