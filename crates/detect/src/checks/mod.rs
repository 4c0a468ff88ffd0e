//! What a number, an address or a token must be to be one: form, ranges and check digits, by name.
//!
//! A check says that bytes may be what it is named for, and not that they are: its own doc says where that is weak. It takes
//! what is significant: ASCII letters in uppercase and digits, without the separators between them. Where case or other
//! characters matter, it takes the bytes as they stand, and says so: coins, tokens, addresses of networks and mail, LEI, and
//! the Irish among value added tax numbers.
//!
//! Numbers that are all zeros are right by most schemes and nobody's: they are refused.

mod arithmetic;

mod cards;
mod iban;
mod securities;

mod coins;
mod devices;
mod email;
mod passwords;
mod phone;
mod tokens;

mod asia;
mod britain;
mod east_europe;
mod france_benelux;
mod german;
mod iberia;
mod italy;
mod latin_america;
mod nordic;
mod north_america;
mod south;
mod vat;

#[cfg(test)]
mod tests;

/// Whether bytes may be what the check is named for. Never panics, allocates nothing.
pub type Check = fn(&[u8]) -> bool;

/// Finds a check by its name.
pub fn check(name: &str) -> Option<Check> {
    CHECKS.binary_search_by_key(&name, |&(name, _)| name).ok().and_then(|at| CHECKS.get(at)).map(|&(_, check)| check)
}

/// The names of all checks, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|&(name, _)| name)
}

/// By name, in order.
const CHECKS: &[(&str, Check)] = &[
    ("ar_cuit", latin_america::ar_cuit),
    ("at_svnr", german::at_svnr),
    ("at_tin", german::at_tin),
    ("au_abn", south::au_abn),
    ("au_acn", south::au_acn),
    ("au_medicare", south::au_medicare),
    ("au_tfn", south::au_tfn),
    ("be_enterprise", france_benelux::be_enterprise),
    ("be_nrn", france_benelux::be_nrn),
    ("bg_egn", east_europe::bg_egn),
    ("bg_pnf", east_europe::bg_pnf),
    ("br_cnh", latin_america::br_cnh),
    ("br_cnpj", latin_america::br_cnpj),
    ("br_cns", latin_america::br_cns),
    ("br_cpf", latin_america::br_cpf),
    ("br_pis", latin_america::br_pis),
    ("btc", coins::btc),
    ("ca_sin", north_america::ca_sin),
    ("card", cards::card),
    ("ch_ahv", german::ch_ahv),
    ("ch_uid", german::ch_uid),
    ("cl_rut", latin_america::cl_rut),
    ("clabe", securities::clabe),
    ("cn_ric", asia::cn_ric),
    ("co_nit", latin_america::co_nit),
    ("credentials", tokens::credentials),
    ("cz_rc", east_europe::cz_rc),
    ("de_perso", german::de_perso),
    ("de_steuerid", german::de_steuerid),
    ("de_svnr", german::de_svnr),
    ("dea", north_america::dea),
    ("dk_cpr", nordic::dk_cpr),
    ("dk_cvr", nordic::dk_cvr),
    ("ec_ci", latin_america::ec_ci),
    ("ee_ik", east_europe::ee_ik),
    ("email", email::email),
    ("es_cif", iberia::es_cif),
    ("es_nie", iberia::es_nie),
    ("es_nif", iberia::es_nif),
    ("eth", coins::eth),
    ("eth_checksummed", coins::eth_checksummed),
    ("eu_vat", vat::eu_vat),
    ("fi_hetu", nordic::fi_hetu),
    ("fi_ytunnus", nordic::fi_ytunnus),
    ("fr_nir", france_benelux::fr_nir),
    ("fr_siren", france_benelux::fr_siren),
    ("fr_siret", france_benelux::fr_siret),
    ("gb_vat", britain::gb_vat),
    ("github_token", tokens::github_token),
    ("gr_afm", east_europe::gr_afm),
    ("gr_amka", east_europe::gr_amka),
    ("hk_id", asia::hk_id),
    ("hr_oib", east_europe::hr_oib),
    ("hu_anum", east_europe::hu_anum),
    ("iban", iban::iban),
    ("id_nik", asia::id_nik),
    ("ie_ppsn", britain::ie_ppsn),
    ("il_id", south::il_id),
    ("imei", devices::imei),
    ("in_aadhaar", asia::in_aadhaar),
    ("in_gstin", asia::in_gstin),
    ("in_pan", asia::in_pan),
    ("ipv4", devices::ipv4),
    ("ipv6", devices::ipv6),
    ("isin", securities::isin),
    ("it_cf", italy::it_cf),
    ("it_piva", italy::it_piva),
    ("jp_mynumber", asia::jp_mynumber),
    ("jwt", tokens::jwt),
    ("kr_rrn", asia::kr_rrn),
    ("lei", securities::lei),
    ("lt_asmens", east_europe::lt_asmens),
    ("luhn", cards::luhn),
    ("lv_pk", east_europe::lv_pk),
    ("mac", devices::mac),
    ("mx_curp", latin_america::mx_curp),
    ("mx_rfc", latin_america::mx_rfc),
    ("my_nric", asia::my_nric),
    ("nl_bsn", france_benelux::nl_bsn),
    ("no_fnr", nordic::no_fnr),
    ("npm_token", tokens::npm_token),
    ("nz_ird", south::nz_ird),
    ("password", passwords::password),
    ("password_word", passwords::password_word),
    ("pe_ruc", latin_america::pe_ruc),
    ("phone", phone::phone),
    ("phone_e164", phone::phone_e164),
    ("pl_nip", east_europe::pl_nip),
    ("pl_pesel", east_europe::pl_pesel),
    ("pl_regon", east_europe::pl_regon),
    ("pt_nif", iberia::pt_nif),
    ("ro_cnp", east_europe::ro_cnp),
    ("se_pnr", nordic::se_pnr),
    ("sg_nric", asia::sg_nric),
    ("si_ddv", east_europe::si_ddv),
    ("si_emso", east_europe::si_emso),
    ("sk_rc", east_europe::cz_rc),
    ("th_id", asia::th_id),
    ("tr_tckn", south::tr_tckn),
    ("tw_id", asia::tw_id),
    ("uk_dl", britain::uk_dl),
    ("uk_nhs", britain::uk_nhs),
    ("uk_nino", britain::uk_nino),
    ("uk_utr", britain::uk_utr),
    ("us_aba", securities::us_aba),
    ("us_ein", north_america::us_ein),
    ("us_itin", north_america::us_itin),
    ("us_mbi", north_america::us_mbi),
    ("us_npi", north_america::us_npi),
    ("us_ssn", north_america::us_ssn),
    ("uy_rut", latin_america::uy_rut),
    ("vendor_token", tokens::vendor_token),
    ("vin", devices::vin),
    ("wif", coins::wif),
    ("za_id", south::za_id),
];
