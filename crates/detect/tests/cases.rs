//! How the kinds fare on cases that others wrote for their own detector. The cases are not part of this repository:
//! `DETECTION_CASES` names the file, lines of JSON with `text`, `entities` (their names of kinds) and `spans` in code points.
//!
//! Each is looked at twice: bare, and in a column that is named for the kind. What a kind needs a word for is found only in the second;
//! what is none must not be found in either. It prints shares and judges the second.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs, reason = "a report of a test")]

use std::collections::BTreeMap;

use detect::{Detector, Scanner, entities};

/// Their name, ours, and what a column of it is called. What is not here is a kind that we don't have.
const KINDS: &[(&str, &[&str], &str)] = &[
    ("ABA_ROUTING_NUMBER", &["us_aba"], "routing_number"),
    ("AU_ABN", &["au_abn"], "abn"),
    ("AU_MEDICARE", &["au_medicare"], "medicare_number"),
    ("AU_TFN", &["au_tfn"], "tfn"),
    ("CA_SIN", &["ca_sin"], "sin"),
    ("CREDIT_CARD", &["card"], "card_number"),
    ("CRYPTO", &["btc", "eth"], "wallet"),
    ("DE_ID_CARD", &["de_perso"], "personalausweis"),
    ("DE_PASSPORT", &["de_perso"], "reisepass"),
    ("DE_SOCIAL_SECURITY", &["de_svnr"], "rvnr"),
    ("DE_TAX_ID", &["de_steuerid"], "steuer_id"),
    ("EMAIL_ADDRESS", &["email"], "email"),
    ("ES_NIE", &["es_nie"], "nie"),
    ("ES_NIF", &["es_nif"], "nif"),
    ("FI_PERSONAL_IDENTITY_CODE", &["fi_hetu"], "hetu"),
    ("IBAN_CODE", &["iban"], "iban"),
    ("IN_AADHAAR", &["in_aadhaar"], "aadhaar"),
    ("IN_GSTIN", &["in_gstin"], "gstin"),
    ("IN_PAN", &["in_pan"], "pan"),
    ("IP_ADDRESS", &["ipv4", "ipv6"], "ip_address"),
    ("IT_FISCAL_CODE", &["it_cf"], "codice_fiscale"),
    ("IT_VAT_CODE", &["it_piva"], "partita_iva"),
    ("KR_RRN", &["kr_rrn"], "rrn"),
    ("MAC_ADDRESS", &["mac"], "mac"),
    ("MEDICAL_LICENSE", &["us_dea"], "dea_number"),
    ("PHONE_NUMBER", &["phone_e164", "phone_national"], "phone"),
    ("PH_MOBILE_NUMBER", &["phone_e164", "phone_national"], "mobile"),
    ("PL_PESEL", &["pl_pesel"], "pesel"),
    ("SE_PERSONNUMMER", &["se_pnr"], "personnummer"),
    ("SG_NRIC_FIN", &["sg_nric"], "nric"),
    ("TR_NATIONAL_ID", &["tr_tckn"], "tckn"),
    ("TR_PHONE_NUMBER", &["phone_e164", "phone_national"], "telefon"),
    ("UK_DRIVING_LICENCE", &["uk_dl"], "driving_licence"),
    ("UK_NHS", &["uk_nhs"], "nhs_number"),
    ("UK_NINO", &["uk_nino"], "nino"),
    ("UK_PASSPORT", &["uk_passport"], "passport"),
    ("US_BANK_NUMBER", &["us_bank_account"], "bank_account"),
    ("US_DRIVER_LICENSE", &["us_dl"], "driver_license"),
    ("US_ITIN", &["us_itin"], "itin"),
    ("US_MBI", &["us_mbi"], "mbi"),
    ("US_NPI", &["us_npi"], "npi"),
    ("US_SSN", &["us_ssn"], "ssn"),
    ("ZA_ID_NUMBER", &["za_id"], "id_number"),
];

/// Cases that we see otherwise, by their name of the kind, with the reason. They are no part of the share.
const DIFFERENT: &[(&str, &[&str], &str)] = &[
    ("DE_ID_CARD", &["L01X00T47"], "of nine characters none is a check digit: the tenth is"),
    ("DE_PASSPORT", &["L01X00T47"], "of nine characters none is a check digit: the tenth is"),
    (
        "DE_TAX_ID",
        &["12345678903", "98765432106", "IdNr. 98765432106 liegt vor."],
        "one of its digits must be there twice or three times",
    ),
    ("IN_AADHAAR", &["1234:5678:9012"], "none begins with 1"),
    (
        "IN_GSTIN",
        &["27ABCDE1234F1Z5", "37ABCDE1234F1Z5", "GST registration: 07PQRST6789K1Z2"],
        "the check character is wrong, or the fourth letter is none of a kind of person",
    ),
    ("IN_PAN", &["A1111DFSFS"], "not the form of one"),
    (
        "IP_ADDRESS",
        &["2345:0425:2CA1:0000:0000:0567:5673:23b5", "2345:0425:2CA1::0567:5673:23b5"],
        "these are addresses",
    ),
    ("IP_ADDRESS", &["src=:: dst=::1", "::/0"], ":: is the address of nothing"),
    ("IP_ADDRESS", &["text2001:db8::1"], "what stands behind a word and a colon is looked at by itself"),
    (
        "IT_FISCAL_CODE",
        &["AAAAAA00B11C333Y and AAAAAA00B11C333N"],
        "two that differ in the check character are not both right",
    ),
    ("KR_RRN", &["0005053637892"], "the check digit is wrong"),
    ("KR_RRN", &["051102-9234110"], "right, of somebody born in 1805"),
    (
        "PH_MOBILE_NUMBER",
        &["9171234567", "917-123-4567", "12345678901", "0917123456", "091712345678"],
        "in a column of telephones it is one, of whatever country",
    ),
    (
        "TR_PHONE_NUMBER",
        &["532123456", "53212345678", "1234567890", "12345678901", "15053212345678", "7123456789", "9123456789"],
        "in a column of telephones it is one, of whatever country",
    ),
    (
        "PHONE_NUMBER",
        &["My US number is (415) 555-0132, and my international one is +91 4155 550132"],
        "a telephone in India, which one of two cases did not look for",
    ),
    ("SG_NRIC_FIN", &["G1122144L"], "the check letter is wrong"),
    ("SG_NRIC_FIN", &["A1234567Z", "B1234567Z"], "none begins with this letter"),
    ("UK_PASSPORT", &["123456789"], "they have nine digits"),
    ("US_NPI", &["1111111112"], "the check digit is right"),
];

/// What is counted of a kind: cases, those right bare, those right in a column of its name.
type Counted = BTreeMap<&'static str, [u32; 3]>;

#[test]
fn cases_of_others() {
    let Some(path) = std::env::var_os("DETECTION_CASES") else {
        eprintln!("skipped: DETECTION_CASES names no file of cases");
        return;
    };
    let cases = std::fs::read_to_string(path).unwrap();
    let mut different = 0;
    let (mut counted, mut foreign) = (Counted::new(), BTreeMap::<String, u32>::new());
    let all = entities().unwrap();
    for line in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let theirs = case["entities"][0].as_str().unwrap();
        let Some((kind, ours, column)) = KINDS.iter().find(|(kind, _, _)| *kind == theirs) else {
            *foreign.entry(theirs.to_owned()).or_default() += 1;
            continue;
        };
        let detector =
            Detector::new(all.iter().filter(|entity| ours.contains(&&*entity.name)).cloned().collect()).unwrap();
        let text = case["text"].as_str().unwrap();
        let spans = || case["spans"].as_array().unwrap().iter().map(|span| bytes(text, span));
        let is_right = |name: Option<&str>| {
            let place = name.map(|name| detector.place(name));
            let mut scanner = Scanner::new(&detector);
            let found = scanner.scan(text.as_bytes(), place.as_ref());
            // Each is touched by a finding, and no finding touches none: the length of a network's prefix is no part of an address.
            spans().all(|(start, end)| found.iter().any(|found| found.start < end && found.end > start))
                && found.iter().all(|found| spans().any(|(start, end)| found.start < end && found.end > start))
        };
        let (bare, named) = (is_right(None), is_right(Some(column)));
        let is_different = DIFFERENT.iter().any(|(of, texts, _)| of == kind && texts.contains(&text));
        if is_different && !named {
            different += 1;
            continue;
        }
        let counts = counted.entry(kind).or_default();
        for (count, is_one) in counts.iter_mut().zip([true, bare, named]) {
            *count += u32::from(is_one);
        }
        if !named {
            println!("  not as expected, {kind}: {text:?}");
        }
    }
    let (mut total, mut bare, mut named) = (0, 0, 0);
    for (kind, [of, alone, in_column]) in &counted {
        println!("{kind:<28} {of:>4} cases, bare {alone:>4}, in a column of its name {in_column:>4}");
        (total, bare, named) = (total + of, bare + alone, named + in_column);
    }
    let with_different = f64::from(named) / f64::from(total + different);
    println!("all of {total}: bare {bare}, in a column of its name {named}; of kinds that we don't have: {foreign:?}");
    println!("{different} more are seen otherwise; counted as wrong, the share is {with_different:.3}");
    assert!(named * 100 >= total * 98, "only {named} of {total}");
    assert!(different <= 50 && with_different >= 0.9, "{different} are seen otherwise");
}

/// Code points to bytes.
fn bytes(text: &str, span: &serde_json::Value) -> (usize, usize) {
    let at = |index: usize| {
        let point = span[index].as_u64().unwrap();
        text.char_indices().zip(0_u64..).find(|(_, count)| *count == point).map_or(text.len(), |((at, _), _)| at)
    };
    (at(0), at(1))
}
