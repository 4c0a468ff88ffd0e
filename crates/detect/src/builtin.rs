//! The kinds that come with it: one file each, in `entities/`.

use std::sync::LazyLock;

use crate::detector::{Detector, Unfit};
use crate::entity::{Entity, Misread};

/// The files, by name.
const FILES: &[(&str, &str)] = &[
    ("ai_key.toml", include_str!("../entities/ai_key.toml")),
    ("ar_cuit.toml", include_str!("../entities/ar_cuit.toml")),
    ("au_abn.toml", include_str!("../entities/au_abn.toml")),
    ("au_medicare.toml", include_str!("../entities/au_medicare.toml")),
    ("au_tfn.toml", include_str!("../entities/au_tfn.toml")),
    ("aws_key_id.toml", include_str!("../entities/aws_key_id.toml")),
    ("aws_secret.toml", include_str!("../entities/aws_secret.toml")),
    ("azure_connection.toml", include_str!("../entities/azure_connection.toml")),
    ("be_nrn.toml", include_str!("../entities/be_nrn.toml")),
    ("bearer_header.toml", include_str!("../entities/bearer_header.toml")),
    ("birth_date.toml", include_str!("../entities/birth_date.toml")),
    ("br_cnh.toml", include_str!("../entities/br_cnh.toml")),
    ("br_cnpj.toml", include_str!("../entities/br_cnpj.toml")),
    ("br_cns.toml", include_str!("../entities/br_cns.toml")),
    ("br_cpf.toml", include_str!("../entities/br_cpf.toml")),
    ("br_pis.toml", include_str!("../entities/br_pis.toml")),
    ("btc.toml", include_str!("../entities/btc.toml")),
    ("ca_sin.toml", include_str!("../entities/ca_sin.toml")),
    ("card.toml", include_str!("../entities/card.toml")),
    ("card_track.toml", include_str!("../entities/card_track.toml")),
    ("cl_rut.toml", include_str!("../entities/cl_rut.toml")),
    ("clabe.toml", include_str!("../entities/clabe.toml")),
    ("cn_ric.toml", include_str!("../entities/cn_ric.toml")),
    ("crypto_key.toml", include_str!("../entities/crypto_key.toml")),
    ("cvv.toml", include_str!("../entities/cvv.toml")),
    ("db_url.toml", include_str!("../entities/db_url.toml")),
    ("de_perso.toml", include_str!("../entities/de_perso.toml")),
    ("de_steuerid.toml", include_str!("../entities/de_steuerid.toml")),
    ("de_svnr.toml", include_str!("../entities/de_svnr.toml")),
    ("dk_cpr.toml", include_str!("../entities/dk_cpr.toml")),
    ("email.toml", include_str!("../entities/email.toml")),
    ("es_nie.toml", include_str!("../entities/es_nie.toml")),
    ("es_nif.toml", include_str!("../entities/es_nif.toml")),
    ("eth.toml", include_str!("../entities/eth.toml")),
    ("eu_vat.toml", include_str!("../entities/eu_vat.toml")),
    ("fi_hetu.toml", include_str!("../entities/fi_hetu.toml")),
    ("fr_nir.toml", include_str!("../entities/fr_nir.toml")),
    ("fr_siren.toml", include_str!("../entities/fr_siren.toml")),
    ("gcp_key.toml", include_str!("../entities/gcp_key.toml")),
    ("geo_coordinate.toml", include_str!("../entities/geo_coordinate.toml")),
    ("geo_latlon.toml", include_str!("../entities/geo_latlon.toml")),
    ("github_pat.toml", include_str!("../entities/github_pat.toml")),
    ("github_token.toml", include_str!("../entities/github_token.toml")),
    ("gitlab_token.toml", include_str!("../entities/gitlab_token.toml")),
    ("health_member_id.toml", include_str!("../entities/health_member_id.toml")),
    ("high_entropy.toml", include_str!("../entities/high_entropy.toml")),
    ("iban.toml", include_str!("../entities/iban.toml")),
    ("icd10.toml", include_str!("../entities/icd10.toml")),
    ("ie_ppsn.toml", include_str!("../entities/ie_ppsn.toml")),
    ("imei.toml", include_str!("../entities/imei.toml")),
    ("in_aadhaar.toml", include_str!("../entities/in_aadhaar.toml")),
    ("in_gstin.toml", include_str!("../entities/in_gstin.toml")),
    ("in_pan.toml", include_str!("../entities/in_pan.toml")),
    ("ipv4.toml", include_str!("../entities/ipv4.toml")),
    ("ipv6.toml", include_str!("../entities/ipv6.toml")),
    ("isin.toml", include_str!("../entities/isin.toml")),
    ("it_cf.toml", include_str!("../entities/it_cf.toml")),
    ("it_piva.toml", include_str!("../entities/it_piva.toml")),
    ("jp_mynumber.toml", include_str!("../entities/jp_mynumber.toml")),
    ("jwt.toml", include_str!("../entities/jwt.toml")),
    ("kr_rrn.toml", include_str!("../entities/kr_rrn.toml")),
    ("lei.toml", include_str!("../entities/lei.toml")),
    ("mac.toml", include_str!("../entities/mac.toml")),
    ("mrn.toml", include_str!("../entities/mrn.toml")),
    ("mx_curp.toml", include_str!("../entities/mx_curp.toml")),
    ("nl_bsn.toml", include_str!("../entities/nl_bsn.toml")),
    ("no_fnr.toml", include_str!("../entities/no_fnr.toml")),
    ("npm_token.toml", include_str!("../entities/npm_token.toml")),
    ("nz_ird.toml", include_str!("../entities/nz_ird.toml")),
    ("package_token.toml", include_str!("../entities/package_token.toml")),
    ("password_assign.toml", include_str!("../entities/password_assign.toml")),
    ("password_word.toml", include_str!("../entities/password_word.toml")),
    ("person_name.toml", include_str!("../entities/person_name.toml")),
    ("phone_e164.toml", include_str!("../entities/phone_e164.toml")),
    ("phone_national.toml", include_str!("../entities/phone_national.toml")),
    ("pl_nip.toml", include_str!("../entities/pl_nip.toml")),
    ("pl_pesel.toml", include_str!("../entities/pl_pesel.toml")),
    ("platform_token.toml", include_str!("../entities/platform_token.toml")),
    ("private_key_pem.toml", include_str!("../entities/private_key_pem.toml")),
    ("pt_nif.toml", include_str!("../entities/pt_nif.toml")),
    ("se_pnr.toml", include_str!("../entities/se_pnr.toml")),
    ("service_token.toml", include_str!("../entities/service_token.toml")),
    ("sg_nric.toml", include_str!("../entities/sg_nric.toml")),
    ("slack_token.toml", include_str!("../entities/slack_token.toml")),
    ("ssh_pgp_age.toml", include_str!("../entities/ssh_pgp_age.toml")),
    ("stripe_key.toml", include_str!("../entities/stripe_key.toml")),
    ("swift_bic.toml", include_str!("../entities/swift_bic.toml")),
    ("tr_tckn.toml", include_str!("../entities/tr_tckn.toml")),
    ("uk_dl.toml", include_str!("../entities/uk_dl.toml")),
    ("uk_nhs.toml", include_str!("../entities/uk_nhs.toml")),
    ("uk_nino.toml", include_str!("../entities/uk_nino.toml")),
    ("uk_passport.toml", include_str!("../entities/uk_passport.toml")),
    ("uk_sort_account.toml", include_str!("../entities/uk_sort_account.toml")),
    ("uk_utr.toml", include_str!("../entities/uk_utr.toml")),
    ("url.toml", include_str!("../entities/url.toml")),
    ("url_userinfo.toml", include_str!("../entities/url_userinfo.toml")),
    ("us_aba.toml", include_str!("../entities/us_aba.toml")),
    ("us_bank_account.toml", include_str!("../entities/us_bank_account.toml")),
    ("us_dea.toml", include_str!("../entities/us_dea.toml")),
    ("us_dl.toml", include_str!("../entities/us_dl.toml")),
    ("us_ein.toml", include_str!("../entities/us_ein.toml")),
    ("us_itin.toml", include_str!("../entities/us_itin.toml")),
    ("us_mbi.toml", include_str!("../entities/us_mbi.toml")),
    ("us_npi.toml", include_str!("../entities/us_npi.toml")),
    ("us_passport.toml", include_str!("../entities/us_passport.toml")),
    ("us_ssn.toml", include_str!("../entities/us_ssn.toml")),
    ("uuid.toml", include_str!("../entities/uuid.toml")),
    ("vendor_token.toml", include_str!("../entities/vendor_token.toml")),
    ("vin.toml", include_str!("../entities/vin.toml")),
    ("za_id.toml", include_str!("../entities/za_id.toml")),
];

/// Why the kinds that come with it can't be looked for: a fault of this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Faulty {
    /// A file is wrong.
    #[error(transparent)]
    Misread(#[from] Misread),
    /// A kind is, or all of them together.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

/// All kinds that come with it, also those that are off.
pub fn entities() -> Result<Vec<Entity>, Misread> {
    FILES.iter().map(|(file, text)| Entity::read(file, text)).collect()
}

/// Looks for all kinds that come with it and are not off. Made once, when it is first asked for.
pub fn builtin() -> Result<&'static Detector, &'static Faulty> {
    static BUILTIN: LazyLock<Result<Detector, Faulty>> = LazyLock::new(|| {
        let entities = entities()?.into_iter().filter(|entity| !entity.off).collect();
        Ok(Detector::new(entities)?)
    });
    BUILTIN.as_ref()
}

#[cfg(test)]
mod tests;
