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

/// What is counted of a kind: cases, those right bare, those right in a column of its name.
type Counted = BTreeMap<&'static str, [u32; 3]>;

#[test]
fn cases_of_others() {
    let Some(path) = std::env::var_os("DETECTION_CASES") else {
        eprintln!("skipped: DETECTION_CASES names no file of cases");
        return;
    };
    let cases = std::fs::read_to_string(path).unwrap();
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
        let counts = counted.entry(kind).or_default();
        let (bare, named) = (is_right(None), is_right(Some(column)));
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
    println!("all of {total}: bare {bare}, in a column of its name {named}; of kinds that we don't have: {foreign:?}");
    assert!(named * 100 >= total * 90, "only {named} of {total}");
}

/// Code points to bytes.
fn bytes(text: &str, span: &serde_json::Value) -> (usize, usize) {
    let at = |index: usize| {
        let point = span[index].as_u64().unwrap();
        text.char_indices().zip(0_u64..).find(|(_, count)| *count == point).map_or(text.len(), |((at, _), _)| at)
    };
    (at(0), at(1))
}
