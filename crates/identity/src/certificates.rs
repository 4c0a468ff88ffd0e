//! Callers that show a certificate in TLS: which authority vouches for it, and whom it names.
//!
//! An authority is an issuer like one of signed tokens: it has a name, with which its principals' ids begin, and a template
//! that makes their names of what the certificate says. What a certificate says, by the names that templates, conditions
//! and policies use:
//!
//! | | |
//! |---|---|
//! | `cn`, `o`, `ou` | of the subject |
//! | `email`, `dns`, `uri` | of the subject's alternative names |
//! | `serial`, `fingerprint` | in hexadecimal; the fingerprint is SHA-256 of the whole certificate |
//!
//! What is there more than once is a list, which no template takes. Specs: RFC 5280.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use model::{CredentialId, Principal, PrincipalKind, UnixSeconds};
use parking_lot::Mutex;
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use serde_json::{Map, Value};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::x509::AttributeTypeAndValue;

use crate::claims::Claims;
use crate::condition::Condition;
use crate::config::ConfigProblem;
use crate::rejection::{Reason, Rejection};
use crate::template::Template;
use crate::{LOCAL_ISSUER, names, token};

/// The largest list of revoked certificates that is read, in bytes: some hundred thousand.
const REVOKED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// An authority as configured.
#[derive(Clone, Debug)]
pub struct CertificateConfig {
    /// What its principals' ids begin with.
    pub name: String,
    /// Its certificates, as PEM.
    pub ca: PathBuf,
    /// People or workloads.
    pub kind: PrincipalKind,
    /// The principal's name.
    pub principal: Template,
    /// The person that a workload belongs to.
    pub owner: Option<Template>,
    /// Groups, and who is in them.
    pub groups: Vec<(String, Condition)>,
    /// A file of fingerprints of certificates that don't hold any more.
    pub revoked: Option<PathBuf>,
}

impl CertificateConfig {
    /// All that is wrong with it, as far as that shows without looking at files.
    pub fn problems(&self) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        let mut problem = |key: &str, message: String| problems.push(self.problem(key, message));
        if !names::is_issuer(&self.name) {
            problem("", "a name here is made of lower-case letters, digits, `-` and `_`, a letter first".to_owned());
        }
        if self.name == LOCAL_ISSUER {
            problem("", format!("`{LOCAL_ISSUER}` is the issuer of Weir's own tokens; choose another name"));
        }
        if self.principal.is_constant() {
            let message = "it names nothing of the certificate, so all would be one principal; write {email} or {cn}";
            problem("principal", message.to_owned());
        }
        if let Some(owner) = &self.owner {
            let issuer = owner.head().split_once(':').map(|(issuer, _)| issuer);
            if !issuer.is_some_and(names::is_issuer) {
                let message = "it must begin with the owner's issuer, so that no certificate can choose it: corp:{ou}";
                problem("owner", message.to_owned());
            }
        }
        problems
    }

    fn problem(&self, key: &str, message: String) -> ConfigProblem {
        ConfigProblem { table: format!("certificates.{}", self.name), key: key.to_owned(), message }
    }
}

/// The authorities that vouch for callers' certificates.
#[derive(Debug, Default)]
pub struct Certificates(Vec<Authority>);

#[derive(Debug)]
struct Authority {
    config: CertificateConfig,
    verifier: Arc<dyn ClientCertVerifier>,
    revoked: Option<Revoked>,
}

impl Certificates {
    /// Loads their certificates, or says all that is wrong.
    pub fn new(configs: Vec<CertificateConfig>) -> Result<Self, Vec<ConfigProblem>> {
        let mut problems = Vec::new();
        let mut authorities = Vec::new();
        for config in configs {
            problems.extend(config.problems());
            let revoked = config.revoked.as_deref().map(Revoked::new);
            if let Some(fault) = revoked.as_ref().and_then(|revoked| revoked.current().err()) {
                problems.push(config.problem("revoked", fault));
            }
            match verifier(&config.ca) {
                Ok(verifier) => authorities.push(Authority { config, verifier, revoked }),
                Err(fault) => problems.push(config.problem("ca", fault)),
            }
        }
        if problems.is_empty() { Ok(Self(authorities)) } else { Err(problems) }
    }

    /// The names of the authorities.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|authority| authority.config.name.as_str())
    }

    /// Whom the certificate names that a caller has proved in TLS to have the key of. `chain` is in DER, its own first.
    pub(crate) fn verify(&self, chain: &[&[u8]], now: UnixSeconds) -> Result<Principal, Rejection> {
        let malformed = |what: &str| Rejection::new(Reason::Malformed, format!("certificate: {what}"));
        let (own, between) = chain.split_first().ok_or_else(|| malformed("none"))?;
        let own_der = CertificateDer::from(*own);
        let between: Vec<CertificateDer<'_>> = between.iter().map(|one| CertificateDer::from(*one)).collect();
        let at = UnixTime::since_unix_epoch(Duration::from_secs(now.0));
        let vouches = |authority: &&Authority| authority.verifier.verify_client_cert(&own_der, &between, at).is_ok();
        let authority = self.0.iter().find(vouches).ok_or_else(|| {
            Rejection::new(Reason::UnknownIssuer, "no configured authority vouches for the certificate now")
        })?;
        let (_, parsed) = x509_parser::parse_x509_certificate(own).map_err(|_| malformed("can't be read"))?;
        let fingerprint = fingerprint(own);
        let of_authority = |rejection: Rejection| Rejection {
            detail: format!("certificate {fingerprint} of {}: {}", authority.config.name, rejection.detail),
            ..rejection
        };
        authority.is_in_force(&fingerprint).map_err(of_authority)?;
        authority.principal(&parsed, &fingerprint).map_err(of_authority)
    }

    /// Whether a session of this principal may go on as far as revocation goes. `None` if it did not come by a certificate.
    pub(crate) fn is_live(&self, principal: &Principal) -> Option<bool> {
        let authority = self.0.iter().find(|authority| authority.config.name == principal.issuer)?;
        let fingerprint = principal.credential.0.rsplit_once("sha256-").map(|(_, fingerprint)| fingerprint);
        Some(fingerprint.is_some_and(|fingerprint| authority.is_in_force(fingerprint).is_ok()))
    }
}

impl Authority {
    fn is_in_force(&self, fingerprint: &str) -> Result<(), Rejection> {
        let Some(revoked) = &self.revoked else { return Ok(()) };
        match revoked.current() {
            Ok(list) if list.contains(fingerprint) => Err(Rejection::new(Reason::Revoked, "revoked")),
            Ok(_) => Ok(()),
            Err(fault) => {
                tracing::error!(authority = self.config.name, "certificates can't be checked: {fault}");
                Err(Rejection::new(Reason::Unavailable, fault))
            }
        }
    }

    fn principal(&self, certificate: &X509Certificate<'_>, fingerprint: &str) -> Result<Principal, Rejection> {
        let config = &self.config;
        let invalid = |what: &str, fault: String| Rejection::new(Reason::InvalidClaim, format!("{what} {fault}"));
        let claims = claims(certificate, fingerprint);
        let name = config.principal.name(&claims)?;
        if let Some(fault) = names::fault(&name, names::NAME_BYTES_MAX) {
            return Err(invalid("the principal's name", fault));
        }
        let owner = config.owner.as_ref().map(|owner| owner.name(&claims)).transpose()?;
        if let Some(fault) = owner.as_deref().and_then(names::id_fault) {
            return Err(invalid("the owner's id", fault));
        }
        let joined = config.groups.iter().filter(|(_, condition)| condition.holds(&claims));
        let ends = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
        Ok(Principal {
            kind: config.kind,
            issuer: config.name.clone(),
            name,
            groups: joined.map(|(group, _)| group.clone()).collect(),
            claims: claims.for_policies(),
            owner,
            act: Vec::new(),
            run: None,
            credential: CredentialId(format!("{}:sha256-{fingerprint}", config.name)),
            expires: Some(UnixSeconds(ends)),
        })
    }
}

/// What a certificate says.
fn claims(certificate: &X509Certificate<'_>, fingerprint: &str) -> Claims {
    let mut said: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut say = |name, text: &str| said.entry(name).or_default().push(text.to_owned());
    say("fingerprint", fingerprint);
    say("serial", &token::hex(certificate.raw_serial()));
    let subject = certificate.subject();
    let text = |attribute: &AttributeTypeAndValue<'_>| attribute.as_str().map(str::to_owned).ok();
    for (name, text) in subject
        .iter_common_name()
        .map(|attribute| ("cn", text(attribute)))
        .chain(subject.iter_organization().map(|attribute| ("o", text(attribute))))
        .chain(subject.iter_organizational_unit().map(|attribute| ("ou", text(attribute))))
    {
        // One that is no text counts all the same: it may not leave the other as the only one.
        say(name, text.as_deref().unwrap_or("\u{fffd}"));
    }
    if let Ok(Some(names)) = certificate.subject_alternative_name() {
        for name in &names.value.general_names {
            match name {
                GeneralName::RFC822Name(text) => say("email", text),
                GeneralName::DNSName(text) => say("dns", text),
                GeneralName::URI(text) => say("uri", text),
                _ => {}
            }
        }
    }
    let value = |texts: Vec<String>| match <[String; 1]>::try_from(texts) {
        Ok([text]) => Value::String(text),
        Err(texts) => Value::Array(texts.into_iter().map(Value::String).collect()),
    };
    Claims::new(said.into_iter().map(|(name, texts)| (name.to_owned(), value(texts))).collect::<Map<_, _>>())
}

fn fingerprint(certificate: &[u8]) -> String {
    token::hex(digest::digest(&digest::SHA256, certificate).as_ref())
}

fn verifier(ca: &Path) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let wrong = |why: String| format!("{}: {why}", ca.display());
    let pem = fs::read(ca).map_err(|why| wrong(why.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|why| wrong(why.to_string()))?;
        roots.add(certificate).map_err(|why| wrong(why.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("holds no certificate".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(|why| wrong(why.to_string()))
}

/// A file of fingerprints, read again when it has changed.
#[derive(Debug)]
struct Revoked {
    path: PathBuf,
    known: Mutex<Known>,
}

/// The file as it was read, and what was in it or what was wrong with it.
type Known = Option<((Option<SystemTime>, u64), Result<Arc<BTreeSet<String>>, String>)>;

impl Revoked {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), known: Mutex::default() }
    }

    /// The fingerprints. An error if the file can't be read, or not all of it: something in it could have been missed.
    fn current(&self) -> Result<Arc<BTreeSet<String>>, String> {
        let wrong = |why: String| format!("{}: {why}", self.path.display());
        let found = fs::metadata(&self.path).map_err(|why| wrong(why.to_string()))?;
        let stamp = (found.modified().ok(), found.len());
        let mut known = self.known.lock();
        if let Some((of, list)) = known.as_ref()
            && *of == stamp
        {
            return list.clone();
        }
        let list = if found.len() > REVOKED_BYTES_MAX {
            Err(wrong(format!("is longer than {REVOKED_BYTES_MAX} bytes")))
        } else {
            fs::read_to_string(&self.path)
                .map_err(|why| wrong(why.to_string()))
                .and_then(|text| read(&text).map_err(wrong))
        };
        let list = list.map(Arc::new);
        *known = Some((stamp, list.clone()));
        list
    }
}

/// One fingerprint a line, with or without colons, as openssl prints it; `#` begins a remark.
fn read(text: &str) -> Result<BTreeSet<String>, String> {
    let mut list = BTreeSet::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line: &str = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let digits = line.rsplit_once('=').map_or(line, |(_, digits)| digits);
        let fingerprint = digits.replace(':', "").to_ascii_lowercase();
        if fingerprint.len() != 64 || !fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!("line {number} is no SHA-256 fingerprint"));
        }
        list.insert(fingerprint);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, later};
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};

    type Ca = CertifiedIssuer<'static, KeyPair>;

    fn authority(name: &str) -> Ca {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn certificate(ca: &Ca, cn: &str, sans: Vec<SanType>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, cn);
        params.distinguished_name.push(DnType::OrganizationalUnitName, "shop");
        params.subject_alt_names = sans;
        params.not_after = rcgen::date_time_ymd(2100, 1, 1);
        params.signed_by(&KeyPair::generate().unwrap(), ca).unwrap().der().to_vec()
    }

    fn config(dir: &Path, ca: &Ca, name: &str, principal: &str) -> CertificateConfig {
        let file = dir.join(format!("{name}.pem"));
        fs::write(&file, ca.pem()).unwrap();
        CertificateConfig {
            name: name.to_owned(),
            ca: file,
            kind: PrincipalKind::Workload,
            principal: Template::parse(principal).unwrap(),
            owner: None,
            groups: vec![("shop".to_owned(), Condition::parse("ou == 'shop'").unwrap())],
            revoked: None,
        }
    }

    fn email(text: &str) -> SanType {
        SanType::Rfc822Name(text.try_into().unwrap())
    }

    #[test]
    fn a_certificate_names_a_principal_of_its_authority() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two, stranger) = (authority("one"), authority("two"), authority("one"));
        let configs = vec![config(dir.path(), &one, "mesh", "{cn}"), config(dir.path(), &two, "staff", "{email}")];
        let all = Certificates::new(configs).unwrap();
        let der = certificate(&one, "billing", vec![email("x@example.com")]);
        let principal = all.verify(&[&der], NOW).unwrap();
        assert_eq!((principal.id(), principal.kind), ("mesh:billing".to_owned(), PrincipalKind::Workload));
        assert!(principal.groups.contains("shop"));
        assert_eq!(principal.credential.0, format!("mesh:sha256-{}", fingerprint(&der)));
        assert_eq!(principal.expires, Some(UnixSeconds(4_102_444_800)));
        let der = certificate(&two, "whoever", vec![email("ada@example.com")]);
        assert_eq!(all.verify(&[&der], NOW).unwrap().id(), "staff:ada@example.com");

        let reason = |der: &[u8], now| all.verify(&[der], now).unwrap_err().reason;
        assert_eq!(reason(&certificate(&stranger, "billing", vec![]), NOW), Reason::UnknownIssuer);
        assert_eq!(reason(&der, UnixSeconds(4_102_444_801)), Reason::UnknownIssuer, "over");
        assert_eq!(reason(&certificate(&two, "ada", vec![]), NOW), Reason::MissingClaim);
        let two_names = vec![email("ada@example.com"), email("root@example.com")];
        assert_eq!(reason(&certificate(&two, "ada", two_names), NOW), Reason::InvalidClaim);
        assert_eq!(reason(&certificate(&one, "a\u{202e}b", vec![]), NOW), Reason::InvalidClaim);
        assert!(all.verify(&[], NOW).is_err() && all.verify(&[b"none"], NOW).is_err());
    }

    #[test]
    fn a_revoked_certificate_is_none_and_an_unreadable_list_is_a_reason_to_refuse() {
        let dir = tempfile::tempdir().unwrap();
        let ca = authority("one");
        let list = dir.path().join("revoked");
        fs::write(&list, "# nobody yet\n").unwrap();
        let with_list = || CertificateConfig { revoked: Some(list.clone()), ..config(dir.path(), &ca, "mesh", "{cn}") };
        let all = Certificates::new(vec![with_list()]).unwrap();
        let (good, bad) = (certificate(&ca, "good", vec![]), certificate(&ca, "bad", vec![]));
        let sessions = [&good, &bad].map(|der| all.verify(&[der], NOW).unwrap());
        assert_eq!(sessions.each_ref().map(|principal| all.is_live(principal)), [Some(true); 2]);
        let colons: Vec<String> =
            fingerprint(&bad).as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two).to_uppercase()).collect();
        fs::write(&list, format!("sha256 Fingerprint={} # left\n", colons.join(":"))).unwrap();
        assert_eq!(all.verify(&[&bad], later(1)).unwrap_err().reason, Reason::Revoked);
        assert!(all.verify(&[&good], later(1)).is_ok());
        assert_eq!(sessions.each_ref().map(|principal| all.is_live(principal)), [Some(true), Some(false)]);
        // A line that can't be read could be a revocation.
        fs::write(&list, "AA:BB\n").unwrap();
        assert_eq!(all.verify(&[&good], later(2)).unwrap_err().reason, Reason::Unavailable);
        fs::remove_file(&list).unwrap();
        assert_eq!(all.is_live(&sessions[0]), Some(false));
        assert!(
            Certificates::new(vec![with_list()]).unwrap_err()[0].to_string().starts_with("certificates.mesh.revoked: ")
        );
    }
}
